"""The table of statements, and what is read from sinks and groups."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from lab.clients.kafka import GroupDescription, MemberDescription
from lab.clients.names import GroupName, PartitionId, TopicName
from lab.workloads.queries.groups import from_streams, not_owned_once
from lab.workloads.queries.table import (
    BrokenTable,
    expected_rows,
    internal_prefix,
    is_moving,
    load,
    masked,
    parse,
    rows_of,
)

APPLICATION = "_confluent-ksql-default_query_CTAS_T_1"
A_TABLE = """
[[source]]
name = "orders"
kind = "STREAM"
columns = "id VARCHAR KEY"
records = [["o1", "{}"]]

[[statement]]
name = "filter"
family = "row"
title = "filter"
kind = "STREAM"
select = "SELECT * FROM {orders} WHERE id = 'o1'"
policy = "delete"
internal = {}
rows = []
"""


def member(partitions: dict[str, list[int]], client: str = "-StreamThread-1-consumer") -> object:
    return MemberDescription(
        member_id=f"member-{client}",
        client_id=f"{APPLICATION}{client}",
        host="/127.0.0.1",
        assignment=tuple(
            (TopicName(topic), PartitionId(n)) for topic, ns in partitions.items() for n in ns
        ),
    )


def group(*members: object, assignor: str = "stream") -> GroupDescription:
    return GroupDescription(
        group=GroupName(APPLICATION),
        state="STABLE",
        protocol="CLASSIC",
        coordinator=1,
        members=tuple(m for m in members if isinstance(m, MemberDescription)),
        assignor=assignor,
    )


def test_the_table_holds_together() -> None:
    table = load()
    for statement in table.statements.values():
        assert set(statement.sources) <= set(table.sources)
        assert statement.rows
        text = statement.text("S", {name: name for name in table.sources})
        assert text.startswith(f"CREATE {statement.kind} S")
        assert "{" not in text
        assert text.endswith("EMIT CHANGES;")
        assert "," not in statement.policy or statement.window is not None


def test_every_kind_of_statement_is_there() -> None:
    families = {statement.family for statement in load().statements.values()}
    assert families == {"row", "table", "group", "window", "join"}


def test_a_statement_takes_further_settings() -> None:
    two, filtered = load().named("by_two", "filter")
    names = {name: name for name in load().sources}
    assert "WITH (KEY_FORMAT='JSON', PARTITIONS=5) AS" in two.text("S", names, "PARTITIONS=5")
    assert "WITH" not in filtered.text("S", names)


def test_sources_are_named_once_and_in_order() -> None:
    statements = load().named("foreign_key", "stream_table_column", "streams")
    assert [spec.name for spec in load().read_by(statements)] == [
        "users",
        "accounts",
        "orders",
        "shipments",
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{orders}", "{nothing}", "unknown sources"),
        ("{orders}", "orders", "none at all"),
        ("rows = []", "rows = []\nrow = 1", "unknown entries"),
    ],
)
def test_a_table_that_contradicts_itself_is_broken(old: str, new: str, says: str) -> None:
    assert parse(A_TABLE).statements
    with pytest.raises(BrokenTable, match=says):
        parse(A_TABLE.replace(old, new))


def test_numbers_of_processors_are_masked() -> None:
    assert masked("KSTREAM-JOINTHIS-0000000012-store-changelog") == (
        "KSTREAM-JOINTHIS-#-store-changelog"
    )
    assert masked("KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-0000000020-topic").endswith(
        "RESPONSE-#-topic"
    )
    assert masked("Aggregate-GroupBy-repartition") == "Aggregate-GroupBy-repartition"
    assert masked(f"{internal_prefix('default_', 'CTAS_T_12')}Join-repartition") == (
        "_confluent-ksql-default_query_CTAS_T_12-Join-repartition"
    )


def test_changelogs_keep_and_others_move() -> None:
    assert not is_moving("Aggregate-Aggregate-Materialize-changelog")
    assert is_moving("Aggregate-GroupBy-repartition")
    assert is_moving("KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-#-topic")


def test_a_table_shows_the_latest_row_of_each_key() -> None:
    (by_key,) = load().named("by_key")
    records = [(b"b", b'{"N": 1}'), (b"a", b'{"N": 1}'), (b"a", b'{"N": 2}'), (b"c", b'{"N": 1}')]
    assert rows_of(by_key, [*records, (b"c", None)]) == [("a", {"N": 2}), ("b", {"N": 1})]


def test_a_stream_shows_every_row() -> None:
    (filtered,) = load().named("filter")
    records = [(b"a", b'{"N": 2}'), (b"a", b'{"N": 1}'), (None, b"{}")]
    assert rows_of(filtered, records) == [("", {}), ("a", {"N": 1}), ("a", {"N": 2})]


def test_windows_of_one_key_are_rows_of_their_own() -> None:
    hopping, session = load().named("hopping", "session")
    first, second = (b"north" + struct.pack(">q", at) for at in (0, 3_600_000))
    records = [(first, b'{"N": 1}'), (first, b'{"N": 2}'), (second, b'{"N": 2}')]
    assert rows_of(hopping, records) == [("north", {"N": 2}), ("north", {"N": 2})]
    of_session = b"o1" + struct.pack(">qq", 5, 5)
    assert rows_of(session, [(of_session, b'{"N": 1}')]) == [("o1", {"N": 1})]


def test_expected_rows_stand_in_the_order_of_what_is_read() -> None:
    for statement in load().statements.values():
        rows = expected_rows(statement)
        behind = {None: 0, "TIME": 8, "SESSION": 16}[statement.window]
        records = [
            (key.encode() + number.to_bytes(behind, "big") if behind else key.encode(), value)
            for number, (key, value) in enumerate((k, v.encode()) for k, v in statement.rows)
        ]
        assert rows_of(statement, reversed(records)) == rows


def test_threads_of_kafka_streams_are_known_by_their_names_and_assignor() -> None:
    good = member({"orders": [0]})
    assert from_streams(group(good), APPLICATION)
    assert from_streams(replace(group(good), assignor="", protocol="STREAMS"), APPLICATION)
    assert not from_streams(None, APPLICATION)
    assert not from_streams(group(), APPLICATION)
    assert not from_streams(group(good, assignor="range"), APPLICATION)
    assert not from_streams(group(good, member({}, client="-consumer")), APPLICATION)
    assert not from_streams(group(good), "_confluent-ksql-default_query_CTAS_OTHER_2")


def test_each_partition_has_one_owner() -> None:
    topics = {"orders": 3, "repartition": 1}
    first, second = member({"orders": [0, 1]}), member({"orders": [2], "repartition": [0]})
    assert not_owned_once(group(first, second), topics) == []


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ([{"orders": [0]}], ["orders-1: 0 owners"]),
        ([{"orders": [0, 1]}, {"orders": [1]}], ["orders-1: 2 owners"]),
        ([{"orders": [0, 1], "others": [0]}], ["others-0: not read"]),
        ([], ["orders-0: 0 owners", "orders-1: 0 owners"]),
    ],
)
def test_a_partition_without_one_owner_is_named(
    given: list[dict[str, list[int]]], wrong: list[str]
) -> None:
    assert not_owned_once(group(*map(member, given)), {"orders": 2}) == wrong


def test_a_group_that_is_gone_owns_nothing() -> None:
    assert not_owned_once(None, {"orders": 1}) == ["orders-0: 0 owners"]
