"""Rows into a stream's topic, and a topic's records as text."""

from __future__ import annotations

from typing import Any

import jpype  # type: ignore[import-untyped] # it has none

from lab.ksqldb.catalog import Source
from lab.ksqldb.jvm import registry, rows
from lab.ksqldb.jvm.errors import translated
from lab.ksqldb.jvm.kafka import Broker
from lab.ksqldb.names import TopicName


class RowInserts:
    """Rows, each a JSON object, to records; every row is acknowledged by its number."""

    def __init__(self, broker: Broker, source: Source) -> None:
        schema = source.schema
        with translated():
            self._java: Any = jpype.JClass("lab.ksqldb.client.RowInserts")(
                broker.java,
                source.topic,
                rows.codec(source.key_format, schema.key),
                rows.codec(source.value_format, schema.value),
                rows.struct_text(schema.key),
                rows.struct_text(schema.value),
            )

    def row(self, text: bytes) -> None:
        """Take a row; waits while too many are not acknowledged yet."""
        with translated():
            self._java.row(_bytes(text))

    def drain(self, wait_ms: int, before: bytes, after: bytes) -> bytes:
        """The acknowledgements that are there, after waiting for the first.

        ``before`` stands before each but the very first, ``after`` after each.
        """
        with translated():
            return bytes(self._java.drain(wait_ms, _bytes(before), _bytes(after)))

    @property
    def settled(self) -> bool:
        """Whether every row was acknowledged and every acknowledgement taken."""
        return bool(self._java.settled())


class TopicPrinter:
    """A topic's records as lines for people."""

    def __init__(
        self, broker: Broker, topic: TopicName, *, from_beginning: bool, interval: int, limit: int
    ) -> None:
        """Every ``interval``-th record is printed; a negative limit is none."""
        with translated():
            decoder = registry.decoder()
            self._java: Any = jpype.JClass("lab.ksqldb.client.Printer")(
                broker.java, topic, from_beginning, interval, limit, decoder
            )

    def next(self, wait_ms: int) -> bytes | None:
        """More lines, perhaps none yet; None after the last."""
        with translated():
            found = self._java.next(wait_ms)
        return None if found is None else bytes(found)

    def close(self) -> None:
        """Close the consumer, from the thread that reads."""
        with translated():
            self._java.close()


def _bytes(data: bytes) -> Any:
    return jpype.JArray(jpype.JByte)(data)
