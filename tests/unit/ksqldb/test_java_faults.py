"""What becomes of Java's exceptions, and of queries that they keep from starting."""

from __future__ import annotations

import pytest

from lab.ksqldb.errors import KsqlError
from lab.ksqldb.jvm.errors import JavaFault
from lab.ksqldb.plan.steps import Command
from lab.ksqldb.runtime.broken import Broken
from lab.ksqldb.runtime.commands import Recorded
from lab.ksqldb.runtime.outcomes import recalled


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("TopicAuthorizationException", 403),
        ("GroupAuthorizationException", 403),
        ("TimeoutException", 500),
    ],
)
def test_what_kafka_forbids_is_forbidden(kind: str, status: int) -> None:
    fault = JavaFault(kind, "no")
    assert (fault.status, str(fault)) == (status, "no")


def test_a_query_that_cannot_start_tells_all_causes() -> None:
    fault = JavaFault("KafkaException", "no client", ["java.io.IOException: no disk"])
    ((_, told, kind),) = Broken(fault).failures()
    assert told.endswith("no client\nCaused by: java.io.IOException: no disk")
    assert kind == "SYSTEM"
    ((_, told, _),) = Broken(KsqlError("no function")).failures()
    assert told.endswith("no function")


def test_its_statement_failed() -> None:
    made = recalled(Recorded(7, "stream/`S`/create", {}, Command("CREATE …;")))
    assert made.status == "SUCCESS"
    failed = made.failed("no disk")
    assert (failed.status, failed.message, failed.offset) == ("ERROR", "no disk", 7)
