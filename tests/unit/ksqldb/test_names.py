"""Ids of queries."""

from __future__ import annotations

import re

import pytest

from lab.ksqldb.names import QueryId, query_id, same_id


@pytest.mark.parametrize("source", ["ORDERS", "has space", "quo`te", "ä", "x" * 300, "a/b"])
def test_topics_can_be_named_after_every_id(source: str) -> None:
    made = query_id("CTAS", source, 2**40)
    assert re.fullmatch(r"CTAS_[A-Za-z0-9_]{1,100}_\d+", made)


def test_an_id_is_found_in_any_case_the_exact_one_first() -> None:
    ids = [QueryId("CSAS_OUT_1"), QueryId("CSAS_out_1"), QueryId("CSAS_Mixed_3")]
    assert same_id("CSAS_out_1", ids) == "CSAS_out_1"
    assert same_id("CSAS_MIXED_3", ids) == "CSAS_Mixed_3"
    assert same_id("CSAS_OTHER_3", ids) is None
