"""All functions, their kinds, categories and signatures are those that the real ksqlDB lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.ksqldb.functions.library import FAMILIES, builtin

from .cases import AGREEMENT

RECORDED = Path(__file__).with_name("recorded")
FUNCTIONS: list[dict[str, Any]] = json.loads(
    (RECORDED / "ksqldb-11-functions.json").read_text("utf-8")
)
FAMILY_OF = {
    function.name: family.__name__.rpartition(".")[2]
    for family in FAMILIES
    for function in family.FUNCTIONS
}


@pytest.mark.parametrize("recorded", FUNCTIONS, ids=lambda f: f["name"])
def test_signatures_agree(
    recorded: dict[str, Any], record_property: Callable[[str, object], None]
) -> None:
    function = builtin().get(recorded["name"])
    own = {
        (tuple((p.name, str(p.pattern), p.variadic) for p in s.parameters), s.returns_text)
        for s in function.signatures
    }
    wanted = {
        (tuple((name, type_, variadic) for name, type_, variadic in s["arguments"]), s["returns"])
        for s in recorded["signatures"]
    }
    told = (f"signatures: {FAMILY_OF[function.name]}", len(own & wanted), len(wanted))
    record_property(AGREEMENT, told)
    assert (own, function.kind.value) == (wanted, recorded["kind"])


def test_categories_agree() -> None:
    text = (RECORDED / "ksqldb-00-server.json").read_text("utf-8")
    bodies = [step["response"]["body"] for step in json.loads(text)["steps"] if "response" in step]
    (listed,) = [
        b[0] for b in bodies if isinstance(b, list) and b and b[0].get("@type") == "function_names"
    ]
    categories = {f["name"]: (f["category"], f["type"]) for f in listed["functions"]}
    own = {f.name: (f.category, f.kind.value) for f in builtin().all()}
    assert len(categories) == len(FUNCTIONS) == 149
    assert own | categories == own
