"""The scalar functions and their signatures are those that the real ksqlDB lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.ksqldb.functions.library import builtin
from lab.ksqldb.functions.registry import Kind

RECORDED = Path(__file__).with_name("recorded")
SCALARS: list[dict[str, Any]] = [
    function
    for function in json.loads((RECORDED / "ksqldb-11-functions.json").read_text("utf-8"))
    if function["kind"] == "SCALAR"
]


def test_there_are_no_other_scalar_functions() -> None:
    own = {f.name for f in builtin().all() if f.kind is Kind.SCALAR}
    assert own == {f["name"] for f in SCALARS}


@pytest.mark.parametrize("recorded", SCALARS, ids=lambda f: f["name"])
def test_signatures_agree(recorded: dict[str, Any]) -> None:
    own = builtin().get(recorded["name"]).signatures
    assert sorted(
        (tuple((p.name, str(p.pattern), p.variadic) for p in s.parameters), s.returns_text)
        for s in own
    ) == sorted(
        (tuple((name, type_, variadic) for name, type_, variadic in s["arguments"]), s["returns"])
        for s in recorded["signatures"]
    )


def test_categories_agree() -> None:
    text = (RECORDED / "ksqldb-00-server.json").read_text("utf-8")
    bodies = [step["response"]["body"] for step in json.loads(text)["steps"] if "response" in step]
    (listed,) = [
        b[0] for b in bodies if isinstance(b, list) and b and b[0].get("@type") == "function_names"
    ]
    categories = {f["name"]: f["category"] for f in listed["functions"] if f["type"] == "SCALAR"}
    own = {f.name: f.category for f in builtin().all() if f.kind is Kind.SCALAR}
    assert own == categories
