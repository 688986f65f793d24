"""INSERT INTO … VALUES: one record, made of the statement's values."""

from __future__ import annotations

from typing import Any

from lab.ksqldb.analysis.insert import Computed, Insertion, Value, mismatch
from lab.ksqldb.catalog import Column, Source
from lab.ksqldb.errors import BadRequest, StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.jvm import rows
from lab.ksqldb.jvm.errors import JavaFault
from lab.ksqldb.jvm.kafka import Broker
from lab.ksqldb.jvm.values import to_java


def produce(insertion: Insertion, broker: Broker, functions: Registry) -> None:
    """Compute the values, encode them and produce the record.

    Raises:
        KsqlError: a value does not fit, or the broker refuses.
    """
    source = insertion.source
    key = _java_values(insertion.key, source.schema.key, source, functions)
    value = _java_values(insertion.value, source.schema.value, source, functions)
    try:
        key_bytes, value_bytes = rows.encode(source, key, value)
    except JavaFault as fault:
        raise StatementError(
            f"Failed to insert values into '{source.name}'. "
            f"Could not serialize the record: {fault.message}"
        ) from None
    timestamp = insertion.timestamp
    if timestamp is not None and not isinstance(timestamp, int):
        raise StatementError("ROWTIME takes a BIGINT: milliseconds since 1970.")
    try:
        broker.produce(source.topic, key_bytes, value_bytes, timestamp)
    except JavaFault as fault:
        raise BadRequest(
            f"Failed to insert values into '{source.name}'.\nCaused by: {fault.message}"
        ) from None


def _java_values(
    values: tuple[Value, ...], columns: tuple[Column, ...], source: Source, functions: Registry
) -> list[Any]:
    computed = [v.expression for v in values if isinstance(v, Computed)]
    results: Any = ()
    if computed:
        function = rows.compiled((), functions, select=computed)
        try:
            results = rows.raising(function, [])
        except JavaFault as fault:
            raise StatementError(
                f"Failed to insert values into '{source.name}'. {fault.message}"
            ) from None
    found: list[Any] = []
    taken = 0
    for value, column in zip(values, columns, strict=True):
        if isinstance(value, Computed):
            found.append(results[taken])
            taken += 1
            continue
        try:
            found.append(to_java(value, column.type))
        except JavaFault:
            refused = mismatch(column, f"STRING({value})")
            raise StatementError(
                f"Failed to insert values into '{source.name}'. {refused.message}"
            ) from None
    return found
