"""After the tests: how many signatures and recorded cases agree, by family and area."""

from __future__ import annotations

from collections import defaultdict

import pytest

from .cases import AGREEMENT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of what the tests told."""
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) != "call":
                continue
            for name, told in report.user_properties:
                if name == AGREEMENT:
                    group, agreeing, total = told
                    for key in (group, f"{group.partition(':')[0]}: TOTAL"):
                        totals[key][0] += agreeing
                        totals[key][1] += total
    if totals:
        terminalreporter.section("agreement with what was recorded")
    for group, (agreeing, total) in sorted(totals.items()):
        terminalreporter.write_line(f"{group:40} {agreeing:5} of {total:5}")
