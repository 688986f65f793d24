"""Results for people and for machines; both pure but for asking whether this is a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.doctor.model import CheckResult, Status

_STYLE: dict[Status, str] = {"ok": "green", "warn": "yellow", "fail": "bold red"}
_MARK: dict[Status, str] = {"ok": "✓", "warn": "!", "fail": "✗"}
_ASCII_MARK: dict[Status, str] = {"ok": "ok", "warn": "!", "fail": "X"}
WIDTH_WITHOUT_TERMINAL = 120


def render_table(results: Sequence[CheckResult], *, console: Console | None = None) -> str:
    """The results as a table with the remedies in place, and a summary.

    Colours are there only when standard output is a terminal and NO_COLOR is not set.
    """
    console = console or _standard_output()
    marks = _MARK if console.encoding.lower().startswith("utf") else _ASCII_MARK
    table = Table.grid(padding=(0, 1))
    table.add_column()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for result in results:
        what = Text(result.seen)
        if result.status != "ok" and result.remedy:
            what.append("\n" + result.remedy, style="italic")
        style = _STYLE[result.status]
        table.add_row(Text(marks[result.status], style=style), Text(result.name), what)
    with console.capture() as captured:
        console.print(table)
        console.print(Text("\n").append(summary(results)))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _standard_output() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    return console


def summary(results: Sequence[CheckResult]) -> Text:
    """One line: can the embedded target run here?"""
    fails = sum(result.status == "fail" for result in results)
    warns = sum(result.status == "warn" for result in results)
    remarks = f"{warns} {'warning' if warns == 1 else 'warnings'}"
    if fails:
        return Text(
            f"{fails} of {len(results)} checks failed, {remarks}: the embedded target will not run "
            "before that is mended.",
            style=_STYLE["fail"],
        )
    if warns:
        return Text(f"Nothing failed, {remarks}: the embedded target runs.", style=_STYLE["warn"])
    return Text("All is well: the embedded target runs.", style=_STYLE["ok"])


def render_json(results: Sequence[CheckResult]) -> str:
    """``{"ok": …, "checks": [{"name", "status", "seen", "remedy"}, …]}``."""
    data = {"ok": exit_code(results) == 0, "checks": [asdict(result) for result in results]}
    return json.dumps(data, indent=2, ensure_ascii=False)


def exit_code(results: Sequence[CheckResult]) -> int:
    """0 if nothing failed, else 1."""
    return 1 if any(result.status == "fail" for result in results) else 0
