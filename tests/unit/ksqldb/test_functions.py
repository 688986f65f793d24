"""Calls that fit no signature, for every function; the declarations have what DESCRIBE tells."""

from __future__ import annotations

import pytest

from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.library import FAMILIES, builtin
from lab.ksqldb.functions.parameters import MEANINGS, meaning
from lab.ksqldb.functions.registry import Function
from lab.ksqldb.sql.types import BOOLEAN, struct

WRONG = [struct(("X", BOOLEAN)), BOOLEAN] * 5
"""More arguments, and of other types, than any function takes."""


@pytest.mark.parametrize("function", builtin().all(), ids=lambda f: f.name)
def test_a_wrong_call_is_refused_with_the_name_the_types_and_the_signatures(
    function: Function,
) -> None:
    with pytest.raises(StatementError) as refused:
        function.resolve(WRONG)
    message = refused.value.message
    assert f"Function '{function.shown or function.name}' does not accept parameters" in message
    assert "(STRUCT<`X` BOOLEAN>, BOOLEAN, " in message
    for signature in function.signatures:
        assert signature.describe(function.shown or function.name) in message


def test_every_function_and_parameter_is_described_and_in_one_family() -> None:
    names = [f.name for family in FAMILIES for f in family.FUNCTIONS]
    assert len(names) == len(set(names))
    used = set()
    for function in builtin().all():
        assert function.description.endswith("."), function.name
        for parameter in (p for s in function.signatures for p in s.parameters):
            used.add(parameter.name)
            told = meaning(parameter.name) or " " in parameter.name
            assert told, f"{function.name}: {parameter.name}"
    assert used >= MEANINGS.keys()
