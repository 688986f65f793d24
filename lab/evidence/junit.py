"""The tests of a run as JUnit XML, the dialect that CI servers read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

TestOutcome = Literal["passed", "failed", "skipped", "error"]


@dataclass(frozen=True)
class TestCase:
    """One test: its id, how it ended, and what its report said."""

    __test__ = False

    name: str
    module: str
    outcome: TestOutcome
    duration_seconds: float
    message: str = ""
    properties: dict[str, str] = field(default_factory=dict)


def write_junit(path: Path, cases: list[TestCase], *, started: str) -> None:
    """Write one suite with ``cases``; ``started`` is ISO 8601."""
    counts = {outcome: sum(c.outcome == outcome for c in cases) for outcome in _ELEMENTS}
    suite = ET.Element(
        "testsuite",
        name="experiments",
        timestamp=started,
        tests=str(len(cases)),
        failures=str(counts["failed"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
        time=f"{sum(case.duration_seconds for case in cases):.3f}",
    )
    for case in cases:
        suite.append(_element(case))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


_ELEMENTS = {"failed": "failure", "error": "error", "skipped": "skipped"}


def _element(case: TestCase) -> ET.Element:
    element = ET.Element(
        "testcase",
        classname=case.module,
        name=case.name,
        time=f"{case.duration_seconds:.3f}",
    )
    if case.properties:
        listed = ET.SubElement(element, "properties")
        for name, value in case.properties.items():
            ET.SubElement(listed, "property", name=name, value=_printable(value))
    if case.outcome in _ELEMENTS:
        message = _printable(case.message)
        problem = ET.SubElement(
            element, _ELEMENTS[case.outcome], message=(message.splitlines() or [""])[0][:500]
        )
        problem.text = message
    return element


def _printable(text: str) -> str:
    """Without the control characters that XML 1.0 cannot hold."""
    return "".join(c if c in "\t\n" or c.isprintable() else "�" for c in text)
