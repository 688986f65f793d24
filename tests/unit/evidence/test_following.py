"""What is known of a followed query, and of its tasks."""

import pytest

from lab.clients.names import GroupName, QueryId, ServiceId, TopicName
from lab.evidence.following import followed, number
from lab.evidence.model import Entry, Outcome
from lab.evidence.query_parts import QueryParts, group_of, told_tasks

GROUP = group_of(ServiceId("default_"), QueryId("CTAS_N_7"))
REPARTITION = TopicName(f"{GROUP}-Aggregate-GroupBy-repartition")
CHANGELOG = TopicName(f"{GROUP}-Aggregate-Aggregate-Materialize-changelog")
PARTS = QueryParts(QueryId("CTAS_N_7"), GroupName(GROUP), TopicName("N"), (CHANGELOG, REPARTITION))


def step(actor: str, target: str, answer: object = None) -> Entry:
    return Entry(1, "", "t", "main", "step", actor, "write", target, Outcome.OK, answer)


def test_the_topics_that_a_record_goes_through() -> None:
    count = followed("a count", PARTS, updates=True)
    assert count.through == (REPARTITION, CHANGELOG, "N")
    assert followed("a join", PARTS, updates=False).through == (REPARTITION, "N")
    count.steps = [
        step("task 0_0", REPARTITION),
        step("task 1_2", "N"),
        step("task 1_2", CHANGELOG),
    ]
    assert count.step("N").actor == "task 1_2"
    assert count.lanes() == [
        "producer",
        "source topic",
        "task 0_0",
        "repartition topic",
        "task 1_2",
        "changelog topic",
        "sink topic",
    ]


def test_more_than_one_topic_of_a_kind_is_not_followed() -> None:
    more = QueryParts(
        PARTS.id, PARTS.group, PARTS.sink, (*PARTS.internal, TopicName("x-changelog"))
    )
    with pytest.raises(ValueError, match="unpack"):
        followed("it", more, updates=True)


def test_numbers_in_answers() -> None:
    assert number(step("a", "b", {"offset": 3}), "offset") == 3
    for answer in (None, {}, {"offset": "3"}):
        with pytest.raises(KeyError):
            number(step("a", "b", answer), "offset")


def test_the_tasks_that_explain_tells() -> None:
    place = {"topicPartitionEntity": {"topic": "orders", "partition": 2}, "endOffset": 3}
    told = {"tasksMetadata": [{"taskId": "0_2", "topicOffsets": [place, {}]}, {"taskId": 4}, "x"]}
    assert told_tasks(told) == {("orders", 2): "0_2"}
    nothings: tuple[object, ...] = (None, {}, {"tasksMetadata": None}, {"tasksMetadata": []})
    for nothing in nothings:
        assert told_tasks(nothing) == {}
