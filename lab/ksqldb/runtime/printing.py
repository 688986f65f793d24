"""PRINT: a topic's records as they come."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from lab.ksqldb.catalog import Schema
from lab.ksqldb.errors import BadRequest
from lab.ksqldb.jvm.kafka import Broker
from lab.ksqldb.jvm.topics import TopicPrinter
from lab.ksqldb.names import QueryId, TopicName
from lab.ksqldb.sql import ast_admin

_WAIT_MS = 200


class PrintedTopic:
    """The lines of a PRINT on their way."""

    final = None

    def __init__(self, topic: TopicName, printer: TopicPrinter) -> None:
        self.id = QueryId(f"print_{topic}")
        self.schema = Schema()
        self._printer = printer
        self._closed = False

    def chunks(self) -> Iterator[bytes]:
        """Lines as records come."""
        try:
            while not self._closed and (chunk := self._printer.next(_WAIT_MS)) is not None:
                yield chunk
        finally:
            self._printer.close()

    def close(self) -> None:
        """End it at the next chunk."""
        self._closed = True


def print_topic(statement: ast_admin.Print, broker: Broker, hidden: TopicName) -> PrintedTopic:
    """Begin to print a topic; ``hidden`` is the command topic, which is not shown.

    Raises:
        BadRequest: there is no such topic.
    """
    topic = TopicName(statement.topic)
    known = broker.topics()
    if topic not in known or topic == hidden:
        near = [n for n in known if n.upper() == topic.upper()]
        near = near or difflib.get_close_matches(topic, known, n=3)
        hint = "".join(f"\n\t\tprint {n};" for n in near)
        raise BadRequest(
            f"Could not find topic '{topic}', or the KSQL user does not have permissions to list "
            "the topic. Topic names are case-sensitive."
            + (f"\n\tDid you mean:{hint}" if near else "")
        )
    printer = TopicPrinter(
        broker,
        topic,
        from_beginning=statement.from_beginning,
        interval=statement.interval,
        limit=-1 if statement.limit is None else statement.limit,
    )
    return PrintedTopic(topic, printer)
