"""The lab's exceptions, one tree.

    LabError                      anything the lab can explain; exit code 1
    ├── UsageError                the caller asked for something impossible; exit code 2
    │   └── InvalidSetting        a setting's value cannot be used; names the setting
    ├── NoLabRunning              a command needs a running lab; exit code 3
    ├── EnvironmentProblem        the machine lacks something (disk, Java, a port)
    │   ├── PortInUse             names the port and who holds it
    │   └── JavaNotUsable         no Java runtime of the needed version
    ├── DownloadFailed            a jar could not be fetched
    │   └── ChecksumMismatch      what arrived is not what is pinned
    ├── ComponentFailed           a component died or did not get ready; carries its log's end
    ├── ConditionTimeout          a named condition did not come true in time
    └── CapabilityMissing         this target cannot do what was asked; carries the reason

Every error carries a ``message`` that says what is wrong and, where there is one, a ``hint``
that says what to do about it. Foreign exceptions are translated where they enter the lab.
"""

from __future__ import annotations

from pathlib import Path


class LabError(Exception):
    """A failure the lab can explain.

    ``message`` is one sentence in plain words; ``hint`` is what the reader can do next.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(LabError):
    """The caller asked for something impossible."""

    exit_code = 2


class InvalidSetting(UsageError):
    """A setting has a value that cannot be used; ``setting`` names it as the user writes it."""

    def __init__(self, setting: str, problem: str, *, hint: str | None = None) -> None:
        super().__init__(f"{setting}: {problem}", hint=hint)
        self.setting = setting


class NoLabRunning(LabError):
    """A command needs a running lab and there is none of that name."""

    exit_code = 3


class EnvironmentProblem(LabError):
    """The machine lacks something that the lab needs."""


class PortInUse(EnvironmentProblem):
    """A port that the lab was told to use is taken; ``holder`` says by whom, if it can be seen."""

    def __init__(self, port: int, holder: str | None, *, hint: str | None = None) -> None:
        who = f"held by {holder}" if holder else "held by a process that this user cannot see"
        super().__init__(f"port {port} on 127.0.0.1 is in use, {who}", hint=hint)
        self.port = port
        self.holder = holder


class JavaNotUsable(EnvironmentProblem):
    """No Java runtime of the needed version was found where the user pointed."""


class DownloadFailed(LabError):
    """An artifact could not be fetched; nothing incomplete is left in the cache."""


class ChecksumMismatch(DownloadFailed):
    """What arrived is not what the lock file pins; it was thrown away."""


class ComponentFailed(LabError):
    """A component died, hung or did not get ready.

    ``exit_code_of_process`` is None when the process was still alive; ``log_tail`` holds the last
    lines of its log, oldest first.
    """

    def __init__(
        self,
        component: str,
        message: str,
        *,
        exit_code_of_process: int | None = None,
        log: Path | None = None,
        log_tail: tuple[str, ...] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.component = component
        self.exit_code_of_process = exit_code_of_process
        self.log = log
        self.log_tail = log_tail


class ConditionTimeout(LabError):
    """A named condition did not come true in time; ``last_seen`` is the last observation."""

    def __init__(self, condition: str, timeout_seconds: float, last_seen: object) -> None:
        super().__init__(
            f"{condition}: not seen within {timeout_seconds:g} s (last seen: {last_seen!r})"
        )
        self.condition = condition
        self.last_seen = last_seen


class CapabilityMissing(LabError):
    """This target cannot do what was asked; the message is the reason, fit for a report."""
