"""Which queries may take the place of which."""

from __future__ import annotations

import dataclasses

import pytest

from lab.ksqldb.catalog import Column, Format, Schema
from lab.ksqldb.errors import StatementError
from lab.ksqldb.names import ColumnName, QueryId, SourceName, TopicName
from lab.ksqldb.plan import steps, upgrade
from lab.ksqldb.sql.types import INTEGER, STRING

FORMATS = steps.Formats(Format("KAFKA"), Format("JSON"))
RECORD = Schema((Column(ColumnName("K"), STRING),), (Column(ColumnName("A"), INTEGER),))
SOURCE = steps.StreamSource("KsqlTopic", TopicName("a"), FORMATS, None, RECORD, RECORD)
SELECT = steps.Select(SOURCE, "Project", (steps.Named(ColumnName("A"), "A"),), RECORD)
SINK = steps.Sink(SELECT, "S", TopicName("s"), FORMATS, RECORD)


def shape(step: steps.Step) -> upgrade.Shape:
    plan = steps.QueryPlan(QueryId("CSAS_S_1"), (SourceName("A"),), SourceName("S"), step)
    return upgrade.shape(plan)


def test_filters_and_projections_may_change() -> None:
    filtered = steps.Filter(SOURCE, "WhereFilter", "A > 1", RECORD)
    projected = dataclasses.replace(SELECT, source=filtered, items=())
    upgrade.check("S", shape(SINK), shape(dataclasses.replace(SINK, source=projected)))


def test_one_column_or_several_make_no_difference() -> None:
    wrapped = steps.Formats(Format("KAFKA"), Format("JSON", True))
    upgrade.check("S", shape(SINK), shape(dataclasses.replace(SINK, formats=wrapped)))
    bare = steps.Formats(Format("KAFKA"), Format("JSON", False))
    with pytest.raises(StatementError, match="not upgradeable"):
        upgrade.check("S", shape(SINK), shape(dataclasses.replace(SINK, formats=bare)))


def test_sources_must_stay() -> None:
    other = dataclasses.replace(SELECT, source=dataclasses.replace(SOURCE, topic=TopicName("b")))
    with pytest.raises(StatementError, match="StreamSource must stay the same"):
        upgrade.check("S", shape(SINK), shape(dataclasses.replace(SINK, source=other)))


def test_other_steps_cannot_be_kept() -> None:
    keyed = steps.SelectKey(SELECT, "PartitionBy", (), RECORD)
    with pytest.raises(StatementError, match="not yet supported for SelectKey"):
        upgrade.check("S", shape(SINK), shape(dataclasses.replace(SINK, source=keyed)))
