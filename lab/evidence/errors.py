"""Failures of the evidence machinery itself, never of a claim.

LabError
├── MalformedExperiment   an experiment that does not read as a proof, or names no known claim
├── BrokenHistory         a history file with a line that cannot be read
└── NoSuchRun             a folder that holds no run
"""

from __future__ import annotations

from pathlib import Path

from lab.errors import LabError


class MalformedExperiment(LabError):
    """The experiment's docstring or marker is not as it must be; the message says what is wrong."""


class BrokenHistory(LabError):
    """A line in the middle of a history cannot be read; names the file and the line."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}, line {line}: {problem}")
        self.path = path
        self.line = line


class NoSuchRun(LabError):
    """The folder holds no run of experiments."""
