"""The judge of the format matrix is fed every kind of wrong answer."""

from dataclasses import replace

import pytest

from lab.evidence.format_matrix import (
    ALL_PAIRS,
    OPERATIONS,
    Operation,
    Pair,
    Tried,
    declared,
    differing,
    documented,
    expectation,
    otherwise,
    rows_of,
    values,
)

REFUSED = Tried(False, 400, "Value format does not support schema.\nreason: no room")


def as_documented(pair: Pair, operation: Operation) -> Tried:
    if documented(pair, operation):
        return Tried(True, seen=expectation(pair, operation))
    return REFUSED


CELLS = {pair: {op: as_documented(pair, op) for op in OPERATIONS} for pair in ALL_PAIRS}


def test_the_documented_answers_pass_and_the_table_has_them_all() -> None:
    assert differing(CELLS) == []
    rows = rows_of(CELLS)
    assert len(rows) == 64
    assert all(len(row) == 2 + len(OPERATIONS) for row in rows)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_opposite_answer_is_caught_everywhere(operation: Operation) -> None:
    for pair in ALL_PAIRS:
        opposite = REFUSED if documented(pair, operation) else Tried(True)
        assert otherwise(pair, operation, opposite) is not None


@pytest.mark.parametrize("operation", ["insert", "read", "infer", "group", "join"])
def test_a_wrong_row_is_caught(operation: Operation) -> None:
    pair = Pair("AVRO", "PROTOBUF")
    wrong: list[object] = [None, [], {"keys": [], "values": []}, "nothing: no row came"]
    for seen in wrong:
        assert otherwise(pair, operation, Tried(True, seen=seen)) is not None


def test_a_refusal_with_another_status_or_no_words_is_caught() -> None:
    pair = Pair("NONE", "JSON")
    assert otherwise(pair, "group", REFUSED) is None
    assert otherwise(pair, "group", replace(REFUSED, status=500)) is not None
    assert otherwise(pair, "group", replace(REFUSED, reason="")) is not None


def test_columns_that_nobody_asked_for_are_caught() -> None:
    keyed = {"keys": ["STRING"], "values": ["V INTEGER", "W STRING"]}
    assert otherwise(Pair("AVRO", "AVRO"), "infer", Tried(True, seen=keyed)) is None
    assert otherwise(Pair("KAFKA", "AVRO"), "infer", Tried(True, seen=keyed)) is not None
    assert otherwise(Pair("AVRO", "JSON"), "infer", Tried(True, seen=keyed)) is not None


def test_statements() -> None:
    assert declared({"K": "k1", "V": 7}, " KEY") == ["K STRING KEY", "V INTEGER KEY"]
    assert values({"K": "k1", "V": 7}) == "(K, V) VALUES ('k1', 7)"
