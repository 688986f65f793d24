"""What experiments would create, read from their source: the names that they ask fixtures for.

Names that a file puts together while it runs cannot be read from it; they are said to be more of
the same beginning, which everything of a test has.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable

import pytest

KINDS = {
    "topic": "topic",
    "subject": "subject",
    "source_name": "stream or table",
    "group": "consumer group",
    "cluster": "topic",
}
_RANDOM = "########"


def foresee(items: Iterable[pytest.Item], *, prefix: str | None = None) -> list[str]:
    """Lines about each experiment, for people. ``prefix`` defaults to that of its target."""
    found: list[str] = []
    for item in items:
        marker = item.get_closest_marker("claim")
        if marker is None:
            continue
        beginning, allowed = _described(item.config) if prefix is None else (prefix, None)
        claim = str(marker.args[0])
        needs = [name for name in ("disruptive", "brokers") if item.get_closest_marker(name)]
        also = _note_on(needs, allowed)
        found.append(f"{claim}  {item.name}{also}")
        stem = f"{beginning}{claim.lower()}-{_RANDOM}"
        module = inspect.getsource(item.module) if isinstance(item, pytest.Function) else ""
        used = getattr(item, "fixturenames", ())
        found += [f"     {line}" for line in foreseen_names(module, stem, used)]
    return found


def foreseen_names(source: str, stem: str, fixtures: Iterable[str]) -> list[str]:
    """What a module's source says that it will name, and which kinds it may name beyond that."""
    wanted = set(fixtures)
    listed: dict[str, None] = {}
    computed: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        fixture = _fixture_of(node.func)
        if fixture not in KINDS:
            continue
        name = _text(node.args[0]) if node.args else ("topic" if fixture == "topic" else None)
        if name is None:
            computed.add(KINDS[fixture])
        else:
            listed[f"{KINDS[fixture]} {_named(fixture, stem, name)}"] = None
    computed |= {KINDS[fixture] for fixture in wanted & set(KINDS)}
    more = [f"{kind}s {stem}-… whose names are made at run time" for kind in sorted(computed)]
    return [*listed, *more] or [f"nothing, or what carries {stem}"]


def _fixture_of(function: ast.expr) -> str:
    """The fixture that is called: ``topic(…)``, ``topic.name(…)``, ``self.topic(…)``."""
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute):
        if function.attr in {"name", "topic"} and isinstance(function.value, ast.Name):
            return function.value.id if function.value.id in KINDS else function.attr
        return function.attr if function.attr in KINDS else ""
    return ""


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _named(fixture: str, stem: str, name: str) -> str:
    full = f"{stem}-{name}"
    return full.upper().replace("-", "_") if fixture == "source_name" else full


def _note_on(needs: list[str], allowed: frozenset[str] | None) -> str:
    if not needs:
        return ""
    names = [{"brokers": "multi-broker"}.get(name, name) for name in needs]
    refused = [name for name in names if allowed is not None and name not in allowed]
    if refused:
        return f"  [not applicable: {', '.join(refused)} was not asked for]"
    return f"  [{', '.join(names)}]"


def _described(config: pytest.Config) -> tuple[str, frozenset[str] | None]:
    """Prefix and allowances of an external target; nothing and None for the lab's own."""
    from lab.evidence.plugin import OPTIONS  # noqa: PLC0415 - the plugin imports this module late

    options = config.stash[OPTIONS]
    if options.target != "external":
        return "", None
    from lab.config import Settings  # noqa: PLC0415
    from lab.external import store  # noqa: PLC0415

    target = store.load(Settings.from_env().state_root, options.lab_name)
    return target.prefix, target.allow
