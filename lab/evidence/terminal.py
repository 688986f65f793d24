"""The end of a session in the terminal, and its tests as JUnit cases."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import pytest

from lab.evidence.folders import RunFolder, read_json
from lab.evidence.junit import TestCase, TestOutcome
from lab.evidence.model import ClaimRecord, Verdict
from lab.evidence.report import labels
from lab.evidence.session import Conclusion
from lab.evidence.verdicts import NO_CONTROL, NO_OBSERVATION, sayings

_MARKUP: Mapping[Verdict, dict[str, bool]] = {
    Verdict.HELD: {"green": True},
    Verdict.REFUTED: {"red": True, "bold": True},
    Verdict.INCONCLUSIVE: {"yellow": True, "bold": True},
    Verdict.NOT_APPLICABLE: {"cyan": True},
}
_VERDICT_WIDTH = max(len(verdict.value) for verdict in Verdict)
_SAYINGS_SHOWN = 10
_INDENT = " " * (5 + _VERDICT_WIDTH + 2)


def write_summary(terminal: pytest.TerminalReporter, conclusion: Conclusion) -> None:
    """Claim, verdict, what was seen, what the control showed; then where the report is."""
    terminal.ensure_newline()
    if conclusion.records:
        terminal.section("claims")
        for record in conclusion.records:
            _write_claim(terminal, record)
    for problem in conclusion.problems:
        terminal.write_line(problem, red=True, bold=True)
    if conclusion.report is not None:
        found = labels(read_json(RunFolder(conclusion.report.parent).environment))
        terminal.write_line(f"on: {', '.join(found)}" if found else "on: unknown components")
        if conclusion.lab_was_started:
            terminal.write_line("The lab was started for this run and stopped after it.")
        terminal.write_line(f"report: {conclusion.report}", bold=True)


def _write_claim(terminal: pytest.TerminalReporter, record: ClaimRecord) -> None:
    markup = _MARKUP[record.verdict]
    terminal.write(f"{record.claim}  ")
    terminal.write(f"{record.verdict.value:<{_VERDICT_WIDTH}}  ", **markup)
    if record.verdict is Verdict.NOT_APPLICABLE:
        _write_lines(terminal, "; ".join(record.reasons))
        return
    for name, texts in (
        ("seen: ", sayings(c for test in record.tests for c in test.observations)),
        ("control: ", sayings(c for test in record.tests for c in test.controls)),
    ):
        if name != "seen: ":
            terminal.write(_INDENT)
        _write_sayings(terminal, name, texts)
    if record.verdict is not Verdict.HELD:
        for reason in record.reasons:
            terminal.write(_INDENT)
            _write_lines(terminal, reason, **markup)


def _write_sayings(terminal: pytest.TerminalReporter, name: str, texts: Sequence[str]) -> None:
    """A line for each text, so that a reader can follow what was seen step by step."""
    shown = texts[:_SAYINGS_SHOWN] if len(texts) > _SAYINGS_SHOWN + 1 else texts
    for n, text in enumerate(shown):
        if n:
            terminal.write(_INDENT)
        _write_lines(terminal, f"{name if n == 0 else ' ' * len(name)}{text}", hang=len(name))
    if not texts:
        _write_lines(terminal, f"{name}{NO_OBSERVATION if name == 'seen: ' else NO_CONTROL}")
    if len(shown) < len(texts):
        terminal.write(_INDENT)
        _write_lines(terminal, f"{' ' * len(name)}… and {len(texts) - len(shown)} more")


def _write_lines(
    terminal: pytest.TerminalReporter, text: str, *, hang: int = 0, **markup: bool
) -> None:
    """Write ``text`` where the cursor stands, and go on below it; four lines at most.

    From the second line on it is indented by ``hang``.
    """
    width = max(terminal._tw.fullwidth - len(_INDENT), 40)
    lines = textwrap.wrap(
        text,
        width,
        max_lines=4,
        placeholder=" …",
        subsequent_indent=" " * hang,
    ) or [""]
    terminal.write(f"\n{_INDENT}".join(lines) + "\n", **markup)


def junit_cases(by_test: Mapping[str, Iterable[pytest.TestReport]]) -> list[TestCase]:
    """The tests of a session from the reports on their phases."""
    return [_case(node_id, list(reports)) for node_id, reports in by_test.items()]


def _case(node_id: str, reports: list[pytest.TestReport]) -> TestCase:
    module, _, name = node_id.partition("::")
    telling = next((r for r in reports if not r.passed), reports[-1])
    properties = {key: str(value) for r in reports for key, value in r.user_properties}
    return TestCase(
        name=name,
        module=module.removesuffix(".py").replace("/", "."),
        outcome=_outcome(telling),
        duration_seconds=sum(report.duration for report in reports),
        message="" if telling.passed else _message(telling),
        properties=properties,
    )


def _outcome(report: pytest.TestReport) -> TestOutcome:
    if report.passed:
        return "passed"
    if report.skipped:
        return "skipped"
    return "failed" if report.when == "call" else "error"


def _message(report: pytest.TestReport) -> str:
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    return report.longreprtext
