"""Expressions compiled and evaluated in the JVM, without a broker.

A case is a line of a file in ``expressions``: an expression, ``==>``, its type and its value as a
REST answer has them, or ``!`` and a part of the refusal. The files under ``interpreted`` hold what
differs in pull queries on tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import jpype  # type: ignore[import-untyped] # it has none
import pytest

from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import Column
from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.library import builtin
from lab.ksqldb.functions.registry import Function, Kind
from lab.ksqldb.functions.signature import Pattern
from lab.ksqldb.jvm import rows
from lab.ksqldb.names import ColumnName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.parser import Parser
from lab.ksqldb.sql.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    INTEGER,
    STRING,
    TIME,
    TIMESTAMP,
    SqlType,
    array,
    decimal,
    map_of,
    struct,
)

CASES = Path(__file__).with_name("expressions")
INTERPRETED = "interpreted"
COLUMNS: dict[str, SqlType] = {
    "N_BOOL": BOOLEAN,
    "N_INT": INTEGER,
    "N_BIG": BIGINT,
    "N_DBL": DOUBLE,
    "N_DEC": decimal(6, 2),
    "N_STR": STRING,
    "N_BYT": BYTES,
    "N_DATE": DATE,
    "N_TIME": TIME,
    "N_TS": TIMESTAMP,
    "N_ARR": array(INTEGER),
    "N_MAP": map_of(STRING, INTEGER),
    "N_STC": struct(("X", INTEGER), ("Y", STRING)),
}
"""Columns that are NULL."""


@pytest.fixture(scope="session")
def parse(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ast.Expression]:
    """The expression parser."""
    cache = tmp_path_factory.getbasetemp().parent / "ksqldb-grammar"
    return Parser(cache).parse_expression


class Case:
    """A line of a file."""

    def __init__(self, line: str) -> None:
        self.sql, _, wanted = line.partition(" ==> ")
        self.refusal = wanted[1:].strip() if wanted.startswith("!") else None
        wanted_value: tuple[str, Any] = ("", None)
        if self.refusal is None:
            wanted_value = _split(wanted)
        self.type, self.value = wanted_value


def _split(wanted: str) -> tuple[str, Any]:
    """Type and value: the type ends at the last blank before which JSON does not go on."""
    for match in re.finditer(r" ", wanted):
        try:
            value = json.loads(wanted[match.end() :], parse_float=Decimal)
        except ValueError:
            continue
        return wanted[: match.start()], value
    raise ValueError(f"no value: {wanted}")


def cases(path: Path) -> list[Case]:
    lines = path.read_text("utf-8").splitlines()
    return [Case(line) for line in lines if line and not line.startswith("#")]


def evaluate(
    nodes: Sequence[ast.Expression], types: Sequence[SqlType], *, interpreted: bool
) -> list[Any]:
    """The values, as a REST answer has them."""
    columns = tuple(Column(ColumnName(n), t) for n, t in COLUMNS.items())
    function = rows.compiled(columns, builtin(), select=nodes, interpreted=interpreted)
    row = jpype.JArray(jpype.JObject)(len(columns))
    ignored = jpype.JClass("lab.ksqldb.step.Problems").IGNORED
    made = tuple(Column(ColumnName(f"C{n}"), t) for n, t in enumerate(types))
    text = bytes(rows.answer(made, "", "").bytes(function.apply(row, ignored))).decode()
    found: list[Any] = json.loads(text, parse_float=Decimal)
    return found


@pytest.mark.usefixtures("jvm")
@pytest.mark.xdist_group("ksqldb-jvm")
@pytest.mark.parametrize("path", sorted(CASES.rglob("*.txt")), ids=lambda p: p.stem)
def test_expressions_have_their_types_and_values(
    path: Path, parse: Callable[[str], ast.Expression]
) -> None:
    interpreted = path.parent.name == INTERPRETED
    typing = Typing(COLUMNS, builtin(), interpreted=interpreted)
    good: list[tuple[Case, ast.Expression, SqlType]] = []
    failures = []
    for case in cases(path):
        try:
            node = parse(case.sql)
            type_ = typing.known(node)
        except StatementError as error:
            if case.refusal is None or case.refusal not in error.message:
                failures.append(f"{case.sql}: refused: {error.message}")
            continue
        if case.refusal is not None:
            failures.append(f"{case.sql}: is not refused")
        elif str(type_) != case.type:
            failures.append(f"{case.sql}: is {type_}, not {case.type}")
        else:
            good.append((case, node, type_))
    values = evaluate([n for _, n, _ in good], [t for _, _, t in good], interpreted=interpreted)
    failures += [
        f"{case.sql}: is {value!r}, not {case.value!r}"
        for (case, _, _), value in zip(good, values, strict=True)
        if value != case.value or isinstance(value, bool) != isinstance(case.value, bool)
    ]
    assert not failures, "\n".join(failures)


@pytest.mark.usefixtures("jvm")
@pytest.mark.xdist_group("ksqldb-jvm")
def test_long_lists_are_compiled_and_too_long_ones_refused(
    parse: Callable[[str], ast.Expression],
) -> None:
    numbers = ", ".join(map(str, range(10, 610)))
    cases = " ".join(f"WHEN 7 = {n} THEN 'a{n}'" for n in range(10, 410))
    nodes = [
        parse(f"7 IN ({numbers}, '7')"),
        parse(f"7 NOT IN ({numbers}, N_INT, NULL)"),
        parse(f"FILTER(ARRAY[7, 8], x => x IN ({numbers}, x - 1, 8))"),
        parse(f"CASE {cases} ELSE 'none' END"),
    ]
    types = [Typing(COLUMNS, builtin()).known(node) for node in nodes]
    assert evaluate(nodes, types, interpreted=False) == [True, True, [8], "none"]
    items = ", ".join("N_INT / N_INT" for _ in range(1500))
    with pytest.raises(StatementError, match="too large"):
        evaluate([parse(f"ARRAY[{items}]")], [array(INTEGER)], interpreted=False)


@pytest.mark.usefixtures("jvm")
@pytest.mark.xdist_group("ksqldb-jvm")
@pytest.mark.parametrize(
    "function", [f for f in builtin().all() if f.kind is Kind.SCALAR], ids=lambda f: f.name
)
def test_every_signature_compiles_and_takes_nulls(
    function: Function, parse: Callable[[str], ast.Expression]
) -> None:
    for signature in function.signatures:
        arguments = ", ".join(_null(p.pattern) for p in signature.parameters)
        node = parse(f"{function.name}({arguments})")
        type_ = Typing(COLUMNS, builtin()).known(node)
        evaluate([node], [type_], interpreted=False)


def _null(pattern: Pattern) -> str:
    """An expression of a type, mostly a column that is NULL."""
    if pattern.name == "LAMBDA":
        names = "XYZ"[: len(pattern.parts) - 1]
        result = {"BOOLEAN": "true", "S": "X"}.get(pattern.parts[-1].name, "1")
        return f"({', '.join(names)}) => {result}"
    if pattern.name == "MAP" and pattern.parts[1].name not in {"INT", "T", "V"}:
        return f"CAST(NULL AS MAP<VARCHAR, {pattern.parts[1].name}>)"
    if pattern.name == "ARRAY" and pattern.parts[0].name == "VARCHAR":
        return "CAST(NULL AS ARRAY<VARCHAR>)"
    return _COLUMN_OF[pattern.name]


_COLUMN_OF = {
    "INTERVAL UNIT": "DAYS",
    "ARRAY": "N_ARR",
    "MAP": "N_MAP",
    "BOOLEAN": "N_BOOL",
    "INT": "N_INT",
    "BIGINT": "N_BIG",
    "DOUBLE": "N_DBL",
    "DECIMAL": "N_DEC",
    "VARCHAR": "N_STR",
    "BYTES": "N_BYT",
    "DATE": "N_DATE",
    "TIME": "N_TIME",
    "TIMESTAMP": "N_TS",
    "T": "N_INT",
    "S": "N_INT",
}
