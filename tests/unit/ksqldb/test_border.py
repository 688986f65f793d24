"""Rules about the package itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "lab" / "ksqldb"
ORDER = ["sql", "catalog", "functions", "analysis", "plan", "jvm", "runtime", "rest"]
MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(module: Path) -> set[str]:
    """Every module that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layer(name: str) -> str | None:
    parts = name.split(".")
    return parts[2] if len(parts) > 2 and parts[2] in ORDER else None


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_imports_point_one_way(module: Path) -> None:
    own = layer(
        "lab.ksqldb." + module.relative_to(PACKAGE).with_suffix("").as_posix().split("/")[0]
    )
    for name in imported(module):
        other = layer(name) if name.startswith("lab.ksqldb.") else None
        if own is not None and other is not None:
            assert ORDER.index(other) <= ORDER.index(own), f"{own} imports {name}"


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_only_jvm_knows_jpype_and_nothing_else_of_the_lab_is_used(module: Path) -> None:
    names = imported(module)
    if module.parent.name != "jvm":
        assert not {n for n in names if n.split(".")[0] == "jpype"}
    assert not {n for n in names if n.startswith("lab.") and not n.startswith("lab.ksqldb")}


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_modules_are_short(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 500
