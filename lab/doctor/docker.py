"""Docker, for the compose target only: nothing here ever fails the embedded one."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from lab.config import Settings
from lab.doctor.model import GIB, CheckResult, gib

NOT_NEEDED = "Needed for the compose target only, not for the embedded one."
WANTED_BYTES = int(3.5 * GIB)
TIMEOUT_SECONDS = 10.0
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
OLDEST_COMPOSE = (2, 20)
IMAGES_ARE_FOR = ("amd64", "arm64")
NO_COMMAND = "the command `docker` is not there"
_TROUBLE = re.compile(
    "unknown flag|not a docker command|permission denied|cannot connect", re.IGNORECASE
)


@dataclass(frozen=True)
class Answer:
    """What a command said: its output, or why there is none."""

    text: str | None
    problem: str = ""


def check_docker(settings: Settings) -> list[CheckResult]:
    """Engine, Compose v2 and the engine's memory."""
    del settings
    engine = ask("version", "--format", "{{.Server.Version}} {{.Server.Arch}}")
    if engine.problem == NO_COMMAND:
        return [judge_engine(engine)]
    found = [judge_engine(engine), judge_compose(ask("compose", "version", "--short"))]
    if engine.text is not None:
        found.append(judge_docker_memory(ask("info", "--format", "{{.MemTotal}}")))
    return found


def ask(*arguments: str) -> Answer:
    """What the command ``docker`` answers to these arguments."""
    try:
        done = subprocess.run(
            ["docker", *arguments],  # noqa: S607  # whichever docker the user has
            capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return Answer(None, NO_COMMAND)
    except subprocess.TimeoutExpired:
        return Answer(None, "no answer in time")
    except OSError as error:
        return Answer(None, str(error))
    if done.returncode != 0 or not done.stdout.strip():
        # What is wrong comes first, advice and usage after it; warnings come before.
        said = [line for line in done.stderr.splitlines() if line.strip()]
        plain = [line for line in said if not line.startswith("WARNING")]
        told = next((line for line in plain if _TROUBLE.search(line)), "".join(plain[-1:]))
        return Answer(None, told or f"exit code {done.returncode}")
    return Answer(done.stdout.strip())


def judge_engine(answer: Answer) -> CheckResult:
    """The daemon answers this user, on a machine that there are images for."""
    if answer.text is not None:
        version, _, machine = answer.text.partition(" ")
        if machine in IMAGES_ARE_FOR:
            return CheckResult("Docker engine", "ok", f"{version}, {machine}")
        return CheckResult(
            "Docker engine", "warn",
            f"{version}, {machine or 'of an unknown kind'}; the images are published for "
            f"{' and '.join(IMAGES_ARE_FOR)}",
            f"Name images of your own (KAFKA_IMAGE, …; docs/compose.md). {NOT_NEEDED}",
        )  # fmt: skip
    if answer.problem == NO_COMMAND:
        remedy = "Install Docker."
    elif "permission denied" in answer.problem.lower():
        remedy = "Let your user use it (group docker), and log in anew."
    else:
        remedy = "Start Docker, or point DOCKER_HOST at its engine."
    return CheckResult("Docker engine", "warn", answer.problem, f"{remedy} {NOT_NEEDED}")


def judge_compose(answer: Answer) -> CheckResult:
    """Compose as a plug-in of the command line, new enough for the compose file."""
    remedy = f"Install the Compose plug-in, version 2.20 or newer. {NOT_NEEDED}"
    if answer.text is None:
        missing = "unknown flag" in answer.problem or "not a docker command" in answer.problem
        seen = "the plug-in is not there" if missing else answer.problem
        return CheckResult("Docker Compose", "warn", seen, remedy)
    found = _VERSION.match(answer.text)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_COMPOSE:
        seen = f"{answer.text}; too old for the compose file"
        return CheckResult("Docker Compose", "warn", seen, remedy)
    return CheckResult("Docker Compose", "ok", answer.text)


def judge_docker_memory(answer: Answer) -> CheckResult:
    """Broker, registry, ksqlDB and Connect together take about 3.5 GiB."""
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
