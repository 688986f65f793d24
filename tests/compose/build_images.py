"""Builds the stand-in images from what is on this machine: no container registry is asked.

    python tests/compose/build_images.py [--work FOLDER]

The root file system is Debian's packages, unpacked and not configured (apt fetches them from where
this machine's apt is told to); on top come this project's own virtual environment with its Java
runtime, the pinned jars, and the lab. One image holds all of it; four more name the program.
Needs Linux, apt, a Docker engine, and the right to make files of other users (root).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable
from pathlib import Path

import lab
from lab.config import Settings
from lab.embedded import ksqldb
from lab.embedded.fetching import outfitter
from lab.embedded.outfit import ALL_SETS, Outfit

REPOSITORY = "lab-stand-in"
USER_ID = 1000
PACKAGES = (
    *("bash", "coreutils", "sed", "grep", "hostname", "tzdata", "base-files"),
    *("zlib1g", "libstdc++6", "libssl3", "libffi8", "libsqlite3-0", "libbz2-1.0", "liblzma5"),
    *("libexpat1", "libuuid1", "libncursesw6", "libreadline8"),
)
PROGRAMS = {"kafka": 9092, "schema-registry": 8081, "ksqldb": 8088, "connect": 8083}
NOT_COPIED = (
    *("mypy", "mypyc", "*__mypyc*", "pip", "setuptools", "grimp", "importlinter", "ruff*", "uv*"),
    *("testcontainers", "docker", "types_*", "*-stubs", "cryptography*", "pytest*"),
    *("fastavro", "confluent_kafka*", "wcwidth", "pygments", "jsonschema*"),
)
STDLIB_NOT_COPIED = (
    *("test", "tests", "idlelib", "ensurepip", "lib2to3", "turtledemo", "tkinter"),
    *("site-packages", "config-*", "pydoc_data"),
)


def main() -> None:
    """Build everything; prints how long each step took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("/var/tmp/lab-stand-ins"))
    work = parser.parse_args().work
    shutil.rmtree(work, ignore_errors=True)
    root = work / "root"
    root.mkdir(parents=True)
    step("Debian packages", lambda: unpack_packages(work, root))
    step("Python and its packages", lambda: copy_python(root))
    step("jars and the lab", lambda: copy_lab(root))
    lay_out(root)
    step("the common image", lambda: import_image(root))
    step("an image for each program", name_programs)
    shutil.rmtree(work)


def step(what: str, do: object) -> None:
    """Run it and say how long it took."""
    begun = time.monotonic()
    assert callable(do)
    do()
    sys.stdout.write(f"{time.monotonic() - begun:6.1f} s  {what}\n")
    sys.stdout.flush()


def unpack_packages(work: Path, root: Path) -> None:
    """Resolve the packages as on a machine that has none, fetch and unpack them."""
    if not any(Path("/var/lib/apt/lists").glob("*Packages*")):
        run("apt-get", "-qq", "update")
    (work / "status").touch()
    archives = work / "archives"
    (archives / "partial").mkdir(parents=True)
    run(
        *("apt-get", "-qq", "-y", "--download-only", "install", *PACKAGES),
        *("-o", f"Dir::State::status={work / 'status'}"),
        *("-o", f"Dir::Cache::archives={archives}"),
        *("-o", "APT::Install-Recommends=0", "-o", "APT::Sandbox::User=root"),
    )
    for package in sorted(archives.glob("*.deb")):
        run("dpkg-deb", "-x", str(package), str(root))
    for part in ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/perl"):
        shutil.rmtree(root / part, ignore_errors=True)
    if not (root / "bin/sh").exists():
        (root / "bin/sh").symlink_to("bash")


def copy_python(root: Path) -> None:
    """This interpreter with its standard library, and the packages that the programs need."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base, to = Path(sys.base_prefix), root / "opt/python"
    (to / "bin").mkdir(parents=True)
    shutil.copy2(Path(sys.base_prefix) / "bin" / version, to / "bin" / "python3")
    ignore = shutil.ignore_patterns(*STDLIB_NOT_COPIED)
    shutil.copytree(base / "lib" / version, to / "lib" / version, ignore=ignore, symlinks=True)
    shared = sysconfig.get_config_var("LDLIBRARY") or ""
    for library in (base / "lib").glob(f"{shared}*" if shared.endswith(".so") else "none"):
        shutil.copy2(library, to / "lib" / library.name, follow_symlinks=False)
    packages = Path(sysconfig.get_path("purelib"))
    ignore = shutil.ignore_patterns(*NOT_COPIED)
    shutil.copytree(packages, root / "opt/lab/packages", ignore=ignore, symlinks=True)


def copy_lab(root: Path) -> None:
    """The lab, the program that reads the variables, the pinned jars, the registry."""
    to = root / "opt/lab"
    shutil.copytree(Path(lab.__file__).parent, to / "packages/lab", dirs_exist_ok=True)
    shutil.copy2(Path(__file__).with_name("stand_in.py"), to / "stand_in.py")
    outfit = outfitter(Settings.from_env(), ALL_SETS)()
    for name in ("kafka", "ksqldb", "tools"):
        copy_jars(outfit, name, to / "jars" / name)
    shutil.copytree(outfit.registry_dir, to / "registry")
    build = to / "build"
    ksqldb.compile_runtime(outfit.java, outfit.class_path("ksqldb"), build)


def copy_jars(outfit: Outfit, name: str, into: Path) -> None:
    """The verified jars of a set, flat, and their order on the class path.

    What the ksqlDB-compatible server compiled is found again only under the same order.
    """
    into.mkdir(parents=True)
    jars = [artifact for artifact in outfit.lock.sets[name] if artifact.path.endswith(".jar")]
    for artifact in jars:
        shutil.copy2(outfit.jars.path(artifact), into / artifact.file_name)
    (into / "order").write_text("".join(f"{artifact.file_name}\n" for artifact in jars))


def lay_out(root: Path) -> None:
    """The user, its folders, and the places that volumes are mounted to."""
    etc = root / "etc"
    etc.mkdir(exist_ok=True)
    (etc / "passwd").write_text(
        f"root:x:0:0:root:/root:/bin/bash\nappuser:x:{USER_ID}:{USER_ID}::/home/appuser:/bin/bash\n"
    )
    (etc / "group").write_text(f"root:x:0:\nappuser:x:{USER_ID}:\n")
    (etc / "nsswitch.conf").write_text("hosts: files dns\n")
    for place in ("home/appuser", "var/lib/kafka/data"):
        folder = root / place
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, USER_ID, USER_ID)
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    run("chmod", "-R", "a+rX", str(root / "opt"))
    run("chown", "-R", f"{USER_ID}:{USER_ID}", str(root / "opt/lab/build"))


def import_image(root: Path) -> None:
    """All of it as one image."""
    tar = subprocess.Popen(
        ["tar", "-C", str(root), "--numeric-owner", "-c", "."], stdout=subprocess.PIPE
    )
    docker = subprocess.run(
        [
            *("docker", "import"),
            *changes(
                "ENV LANG=C.UTF-8",
                "ENV PATH=/opt/python/bin:/usr/local/bin:/usr/bin:/bin",
                "ENV LD_LIBRARY_PATH=/opt/python/lib PYTHONHOME=/opt/python",
                "ENV PYTHONPATH=/opt/lab/packages PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1",
                "LABEL description=stand-in",
                "USER appuser",
                "WORKDIR /home/appuser",
            ),
            *("-", f"{REPOSITORY}/common:latest"),
        ],
        stdin=tar.stdout,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    assert docker.returncode == 0
    if tar.wait() != 0:
        sys.exit("tar failed")


def changes(*instructions: str) -> Iterable[str]:
    """Arguments of ``docker import``."""
    return [part for each in instructions for part in ("--change", each)]


def name_programs() -> None:
    """An image per program: the common one with a command."""
    for program, port in PROGRAMS.items():
        text = (
            f"FROM {REPOSITORY}/common:latest\n"
            f"EXPOSE {port}\n"
            f'CMD ["python3", "/opt/lab/stand_in.py", "{program}"]\n'
        )
        subprocess.run(
            ["docker", "build", "--quiet", "--tag", f"{REPOSITORY}/{program}:latest", "-"],
            input=text.encode(),
            # The builder that needs no plug-in.
            env={**os.environ, "DOCKER_BUILDKIT": "0"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )


def run(*command: str) -> None:
    """Run a command; its output is shown only when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command[:6])} … failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
