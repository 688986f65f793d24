"""Small Java programs of the lab: compiled without a JDK, kept for the next time.

The Eclipse compiler and Kafka's jars are those of the pinned set "ksqldb". What is compiled is
named after the content of the source and of the set, and appears by a rename: whoever sees it sees
it whole.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab.embedded.broker import LIGHT_JVM
from lab.embedded.outfit import Outfit
from lab.errors import LabError

JARS = "ksqldb"
_TIMEOUT_SECONDS = 120


class DoesNotCompile(LabError):
    """A program could not be compiled; the message ends with what the compiler said."""


def compiled(source: Path, outfit: Outfit) -> Path:
    """The folder with the program's classes; compiled now if that was not done yet.

    Raises DoesNotCompile.
    """
    digest = hashlib.sha256(source.read_bytes() + outfit.lock.digest([JARS]).encode())
    classes = outfit.cache_dir / "programs" / f"{source.stem}-{digest.hexdigest()[:16]}"
    if not classes.is_dir():
        _compile(source, classes, outfit)
    return classes


def command(
    source: Path, outfit: Outfit, arguments: Sequence[str], jvm_options: Sequence[str] = ()
) -> tuple[str, ...]:
    """The argument list that runs the program. Raises DoesNotCompile."""
    class_path = f"{compiled(source, outfit)}:{outfit.class_path(JARS)}"
    return (
        *(str(outfit.java.java), "-Xmx128m", *LIGHT_JVM),
        "--enable-native-access=ALL-UNNAMED",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        *jvm_options,
        *("-cp", class_path, source.stem, *arguments),
    )


def _compile(source: Path, classes: Path, outfit: Outfit) -> None:
    class_path = outfit.class_path(JARS)
    try:
        classes.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".compile-", dir=classes.parent))
    except OSError as error:
        raise DoesNotCompile(f"cannot write to {classes.parent}: {error}") from error
    try:
        done = subprocess.run(
            [
                *(str(outfit.java.java), *LIGHT_JVM, "-cp", class_path),
                "org.eclipse.jdt.internal.compiler.batch.Main",
                *("-17", "-proc:none", "-nowarn", "-encoding", "UTF-8"),
                *("-classpath", class_path, "-d", str(work), str(source)),
            ],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-4000:]
            raise DoesNotCompile(f"{source.name} does not compile:\n{said}")
        if not classes.is_dir():
            work.rename(classes)
    except (OSError, subprocess.TimeoutExpired) as error:
        if not classes.is_dir():  # another process may have been faster
            raise DoesNotCompile(f"{source.name} cannot be compiled: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
