"""Compiles the server's Java sources, without a JDK, into a jar that is kept for the next start.

The Eclipse compiler runs in a Java of its own. The jar is named after the content of the sources
and the class path, and appears by a rename: whoever sees it sees it whole. A jar, not a folder,
because class data sharing does not work with folders.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from lab.ksqldb.errors import StartError

SOURCES = Path(__file__).with_name("java")
_TIMEOUT_SECONDS = 120


def runtime_jar(build_dir: Path, classpath: Sequence[Path], java_home: Path) -> Path:
    """The compiled runtime; compiled now if it is not there yet.

    Raises:
        StartError: it cannot be compiled; the message ends with what the compiler said.
    """
    sources = sorted(SOURCES.rglob("*.java"))
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.relative_to(SOURCES).as_posix().encode())
        digest.update(source.read_bytes())
    for jar in classpath:
        digest.update(jar.name.encode())
    jar = build_dir / f"ksqldb-runtime-{digest.hexdigest()[:16]}.jar"
    if not jar.exists():
        _compile(sources, jar, classpath, java_home)
    return jar


def _compile(
    sources: Sequence[Path], jar: Path, classpath: Sequence[Path], java_home: Path
) -> None:
    path = ":".join(map(str, classpath))
    try:
        jar.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".compile-", dir=jar.parent))
    except OSError as error:
        raise StartError(f"cannot write to the build folder {jar.parent}: {error}") from error
    try:
        classes = work / "classes"
        arguments = [
            str(java_home / "bin" / "java"),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            path,
            "org.eclipse.jdt.internal.compiler.batch.Main",
            "-17",
            "-proc:none",
            "-nowarn",
            "-encoding",
            "UTF-8",
            "-classpath",
            path,
            "-d",
            str(classes),
            *map(str, sources),
        ]
        done = subprocess.run(
            arguments, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-4000:]
            raise StartError(f"the Java runtime does not compile:\n{said}")
        scratch = work / jar.name
        with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(classes.rglob("*.class")):
                archive.write(file, file.relative_to(classes))
        scratch.replace(jar)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StartError(f"the Java runtime cannot be compiled: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
