"""The platform of a session: connect to a running lab, or start one and take it down at the end.

With pytest-xdist every worker comes here: the first one starts the lab while the others wait, and
the controller, which outlives them, takes it down.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.evidence.locks import held, private_dir
from lab.targets.base import Target


@dataclass(frozen=True)
class Platform:
    """What to run against. ``session`` is a folder that all processes of the session share;
    ``options`` are those of a lab that has to be started.
    """

    target: str
    lab_name: str
    session: Path
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def _started(self) -> Path:
        return self.session / "started"

    @property
    def _failed(self) -> Path:
        return self.session / "failed.json"

    @property
    def started_here(self) -> bool:
        """Whether this session started the lab."""
        return self._started.exists()

    def connect(self) -> Target | None:
        """The running lab, or None. Raises LabError."""
        from lab import targets  # noqa: PLC0415 - only sessions with experiments need a target

        return targets.connect(self.target, self.lab_name)

    def ensure(self) -> Target:
        """The running lab, started if there was none.

        Raises LabError; when the start failed once in this session, the same again without another
        try.
        """
        from lab import targets  # noqa: PLC0415

        private_dir()
        self.session.mkdir(mode=0o700, exist_ok=True)
        with held(self.session / "lock"):
            self._raise_earlier_failure()
            found = targets.connect(self.target, self.lab_name)
            if found is not None:
                return found
            self._started.touch()
            try:
                return targets.start(self.target, self.lab_name, **self.options)
            except LabError as error:
                self._started.unlink()
                self._remember(error)
                raise

    def close(self) -> None:
        """Take the lab down if this session started it, and forget the session. Raises LabError."""
        from lab import targets  # noqa: PLC0415

        if not self.session.is_dir():
            return
        try:
            if self.started_here:
                running = targets.connect(self.target, self.lab_name)
                if running is not None:
                    targets.stop(running)
        finally:
            for path in self.session.iterdir():
                path.unlink()
            self.session.rmdir()

    def _remember(self, error: LabError) -> None:
        data = {"message": error.message, "hint": error.hint}
        self._failed.write_text(json.dumps(data), encoding="utf-8")

    def _raise_earlier_failure(self) -> None:
        try:
            found = json.loads(self._failed.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        raise LabError(found["message"], hint=found["hint"])
