"""The schema registry: schemas to columns and back, through the JVM's client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jpype  # type: ignore[import-untyped] # it has none

from lab.ksqldb.analysis.inference import Registration
from lab.ksqldb.catalog import Column, Format
from lab.ksqldb.errors import StatementError
from lab.ksqldb.jvm.errors import JavaFault, translated
from lab.ksqldb.jvm.kafka import java_map
from lab.ksqldb.jvm.rows import struct_text
from lab.ksqldb.names import ColumnName
from lab.ksqldb.sql.types import SqlType, Struct


class SchemaRegistry:
    """A schema registry with Confluent's API. Every method may block."""

    def __init__(
        self, urls: str, settings: Mapping[str, str], parse_type: Callable[[str], SqlType]
    ) -> None:
        """``urls`` are separated by commas. It becomes the registry of this process's codecs.

        ``settings`` are those of registries' clients: ``basic.auth.user.info``,
        ``bearer.auth.token``, ``ssl.*``.

        Raises:
            JavaFault: the settings for TLS are wrong.
        """
        java = jpype.JClass("lab.ksqldb.registry.Registry")
        with translated():
            self._java: Any = java(urls, java_map(dict(settings)))
        java.install(self._java)
        self._parse_type = parse_type

    def columns(
        self, format_: Format, topic: str, *, bare: bool, schema_id: int | None
    ) -> tuple[Column, ...] | None:
        """The columns of a topic's latest schema, or of an id's; None when there is none.

        Raises:
            StatementError: the registry cannot be asked, or the schema has no columns in SQL.
        """
        try:
            with translated():
                text = _schemas().columns(
                    format_.name,
                    topic,
                    format_.is_key,
                    -1 if schema_id is None else schema_id,
                    bare,
                    java_map(dict(format_.properties)),
                )
        except JavaFault as fault:
            side = "keys" if format_.is_key else "values"
            raise StatementError(
                f"Could not determine the schema of message {side} on topic '{topic}' from the "
                f"Schema Registry: {fault.message}"
            ) from None
        if text is None:
            return None
        type_ = self._parse_type(str(text))
        assert isinstance(type_, Struct)  # noqa: S101 - narrows a type
        return tuple(Column(ColumnName(f.name), f.type) for f in type_.fields)

    def check(self, registration: Registration) -> None:
        """Refuse columns that have no schema in their format.

        Raises:
            StatementError: with the reason.
        """
        format_ = registration.format
        if format_.property("schemaId") is not None:
            return
        try:
            with translated():
                _schemas().text(
                    format_.name,
                    struct_text(registration.columns),
                    format_.wrap is not False,
                    java_map(dict(format_.properties)),
                )
        except JavaFault as fault:
            raise StatementError(
                f"Schema is not compatible with {format_.name}: {fault.message}"
            ) from None

    def register(self, registration: Registration) -> None:
        """Put a schema into the registry.

        Raises:
            StatementError: the registry refuses it, or cannot be asked.
        """
        format_ = registration.format
        try:
            with translated():
                if registration.only_if_missing and _schemas().exists(
                    registration.topic, format_.is_key
                ):
                    return
                _schemas().register(
                    format_.name,
                    struct_text(registration.columns),
                    format_.wrap is not False,
                    registration.topic,
                    format_.is_key,
                    java_map(dict(format_.properties)),
                )
        except JavaFault as fault:
            raise StatementError(f"Could not register schema for topic: {fault.message}") from None

    def has(self, subject: str | None, schema_id: int | None) -> bool:
        """Whether a subject is there, or an id, or a subject with the schema of an id.

        Raises:
            StatementError: the registry refuses to tell, or cannot be asked.
        """
        try:
            with translated():
                return bool(self._java.has(subject, -1 if schema_id is None else schema_id))
        except JavaFault as fault:
            raise StatementError(f"Cannot check existence of schema: {fault.message}") from None

    def delete(self, subject: str) -> None:
        """Delete a subject; a missing one is no error.

        Raises:
            JavaFault: the registry refuses, or cannot be asked.
        """
        with translated():
            self._java.delete(subject)


def delete_prefixed(prefix: str) -> None:
    """Delete the subjects whose names begin so, from the registry of this process.

    Raises:
        JavaFault: the registry refuses, or cannot be asked.
    """
    with translated():
        jpype.JClass("lab.ksqldb.registry.Registry").installed().deletePrefixed(prefix)


def decoder() -> Any:
    """A Java object that shows records by their schemas; None where no registry is configured."""
    if not jpype.JClass("lab.ksqldb.registry.Registry").isInstalled():
        return None
    return jpype.JClass("lab.ksqldb.serde.RegistryDecoder")()


def _schemas() -> Any:
    return jpype.JClass("lab.ksqldb.serde.Schemas")
