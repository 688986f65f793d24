"""Docker, for the compose target only: nothing here ever fails the embedded one."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from lab.config import Settings
from lab.doctor.model import GIB, CheckResult, gib

NOT_NEEDED = "Needed for the compose target only, not for the embedded one."
WANTED_BYTES = 3 * GIB
TIMEOUT_SECONDS = 10.0
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
OLDEST_COMPOSE = (2, 20)


@dataclass(frozen=True)
class Answer:
    """What a command said: its output, or why there is none."""

    text: str | None
    problem: str = ""


def check_docker(settings: Settings) -> list[CheckResult]:
    """Engine, Compose v2 and the engine's memory."""
    del settings
    engine = ask("version", "--format", "{{.Server.Version}}")
    if engine.text is None:
        return [judge_engine(engine)]
    return [
        judge_engine(engine),
        judge_compose(ask("compose", "version", "--short")),
        judge_docker_memory(ask("info", "--format", "{{.MemTotal}}")),
    ]


def ask(*arguments: str) -> Answer:
    """What the command ``docker`` answers to these arguments."""
    try:
        done = subprocess.run(
            ["docker", *arguments],  # noqa: S607  # whichever docker the user has
            capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return Answer(None, "the command `docker` is not there")
    except subprocess.TimeoutExpired:
        return Answer(None, "no answer in time")
    except OSError as error:
        return Answer(None, str(error))
    if done.returncode != 0 or not done.stdout.strip():
        said = done.stderr.strip().splitlines()
        return Answer(None, said[-1] if said else f"exit code {done.returncode}")
    return Answer(done.stdout.strip())


def judge_engine(answer: Answer) -> CheckResult:
    """The daemon answers this user."""
    if answer.text is not None:
        return CheckResult("Docker engine", "ok", answer.text)
    remedy = "Install Docker, start it, or let your user use it (group docker)."
    return CheckResult("Docker engine", "warn", answer.problem, f"{remedy} {NOT_NEEDED}")


def judge_compose(answer: Answer) -> CheckResult:
    """Compose as a plug-in of the command line, new enough for the compose file."""
    remedy = f"Install the Compose plug-in, version 2.20 or newer. {NOT_NEEDED}"
    if answer.text is None:
        return CheckResult("Docker Compose", "warn", answer.problem, remedy)
    found = _VERSION.match(answer.text)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_COMPOSE:
        return CheckResult("Docker Compose", "warn", answer.text, remedy)
    return CheckResult("Docker Compose", "ok", answer.text)


def judge_docker_memory(answer: Answer) -> CheckResult:
    """Broker, registry, ksqlDB and Connect together take about 3 GiB."""
    if answer.text is None or not answer.text.isdigit():
        problem = answer.problem or f"not understood: {answer.text}"
        return CheckResult("Docker memory", "warn", problem, NOT_NEEDED)
    size = int(answer.text)
    if size >= WANTED_BYTES:
        return CheckResult("Docker memory", "ok", gib(size))
    return CheckResult(
        "Docker memory", "warn", f"{gib(size)}; the compose target takes about {gib(WANTED_BYTES)}",
        f"Give Docker more memory in its settings. {NOT_NEEDED}",
    )  # fmt: skip
