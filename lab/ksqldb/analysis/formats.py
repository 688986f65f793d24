"""The formats: what each of them can do and hold, and the properties each takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.ksqldb.analysis.properties import WithClause
from lab.ksqldb.catalog import Column, Format, FormatProperties
from lab.ksqldb.errors import StatementError
from lab.ksqldb.sql.identifiers import quote
from lab.ksqldb.sql.types import Array, Base, Map, SqlType, Struct

_AVRO_NAMESPACE = "io.confluent.ksql.avro_schemas"
_KAFKA_TYPES = {Base.INTEGER, Base.BIGINT, Base.DOUBLE, Base.STRING, Base.BYTES}
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NESTED = {Base.ARRAY, Base.MAP, Base.STRUCT}


@dataclass(frozen=True, slots=True)
class Ability:
    """What a format can do: keep schemas in a registry, hold a single column in a record of its
    own (wrapped) or by itself (bare), and the properties it takes."""

    registry: bool = False
    wrapped: bool = False
    bare: bool = False
    takes: frozenset[str] = frozenset()


_SCHEMA = frozenset({"fullSchemaName", "schemaId"})
_NULLABLE = frozenset({"nullableRepresentation"})

ABILITIES = {
    "NONE": Ability(),
    "KAFKA": Ability(bare=True),
    "DELIMITED": Ability(takes=frozenset({"delimiter"})),
    "JSON": Ability(wrapped=True, bare=True),
    "JSON_SR": Ability(registry=True, wrapped=True, bare=True, takes=_SCHEMA),
    "AVRO": Ability(registry=True, wrapped=True, bare=True, takes=_SCHEMA),
    "PROTOBUF": Ability(registry=True, wrapped=True, takes=_SCHEMA | _NULLABLE),
    "PROTOBUF_NOSR": Ability(wrapped=True, takes=_NULLABLE),
}


def uses_registry(name: str) -> bool:
    """Whether a format keeps its schemas in the schema registry."""
    return ABILITIES[name].registry


def properties_of(side: str, name: str, clause: WithClause, owner: str) -> FormatProperties:
    """The properties that a WITH clause gives the KEY or VALUE format of a source.

    Raises:
        StatementError: the format does not take one of them.
    """
    given = {
        "delimiter": clause.text(f"{side}_DELIMITER"),
        "fullSchemaName": clause.text(f"{side}_SCHEMA_FULL_NAME"),
        "schemaId": clause.text(f"{side}_SCHEMA_ID"),
        "nullableRepresentation": clause.text(f"{side}_PROTOBUF_NULLABLE_REPRESENTATION"),
    }
    found = {k: v for k, v in given.items() if v is not None}
    ability = ABILITIES[name]
    if "schemaId" in found and not ability.registry:
        raise StatementError(
            f"{side}_FORMAT should support schema inference when {side}_SCHEMA_ID is provided. "
            f"Current format is {name}."
        )
    refused = sorted(found.keys() - ability.takes)
    if refused:
        raise StatementError(
            f"{name} does not support the following configs: [{', '.join(refused)}]"
        )
    if name == "AVRO" and side == "KEY" and "fullSchemaName" not in found:
        # Unlike the value's, the key's record is named after the source: both may stand side by
        # side in one place, where equal names would clash.
        camel = "".join(word.capitalize() for word in owner.split("_"))
        found["fullSchemaName"] = f"{_AVRO_NAMESPACE}.{camel}Key"
    return tuple(sorted(found.items()))


def key_format(
    name: str, properties: FormatProperties = (), columns: tuple[Column, ...] = ()
) -> Format:
    """A key format; single key columns are not wrapped where that is possible.

    The name of a record is left out where the ``columns`` make none: equal keys are equal formats.
    """
    ability = ABILITIES[name]
    wrap = False if ability.wrapped and ability.bare else None
    if wrap is False and len(columns) == 1 and not _has_record(columns[0].type):
        properties = tuple(p for p in properties if p[0] != "fullSchemaName")
    return Format(name, wrap, properties, is_key=ability.registry or name == "DELIMITED")


def _has_record(type_: SqlType) -> bool:
    return type_.base in {Base.MAP, Base.STRUCT} or any(_has_record(p) for p in type_.parts())


def value_format(
    name: str,
    wrap: bool | None,
    columns: tuple[Column, ...],
    properties: FormatProperties = (),
) -> Format:
    """A value format with its wrapping, as far as it can be chosen.

    Raises:
        StatementError: the wrapping asked for is not possible.
    """
    ability = ABILITIES[name]
    both = ability.wrapped and ability.bare
    if wrap is None:
        return Format(name, True if both and len(columns) == 1 else None, properties)
    if len(columns) != 1:
        raise StatementError("'WRAP_SINGLE_VALUE' is only valid for single-field value schemas")
    if not (ability.wrapped if wrap else ability.bare):
        raise StatementError(
            f"Format '{name}' does not support 'WRAP_SINGLE_VALUE' set to '{str(wrap).lower()}'."
        )
    return Format(name, wrap if both else None, properties)


def without_schema_id(format_: Format) -> Format:
    """The format for topics other than the one whose schema was named by id."""
    kept = tuple(p for p in format_.properties if p[0] != "schemaId")
    return Format(format_.name, format_.wrap, kept, format_.is_key)


def refusal(name: str, columns: tuple[Column, ...], shown: str) -> str | None:
    """Why a format cannot hold some columns, or None; ``shown`` is their text."""
    if name == "NONE":
        if not columns:
            return None
        return f"The 'NONE' format can only be used when no columns are defined. Got: [{shown}]"
    if name == "KAFKA":
        if len(columns) > 1:
            return f"The 'KAFKA' format only supports a single field. Got: [{shown}]"
        bad = next((c for c in columns if c.type.base not in _KAFKA_TYPES), None)
        return None if bad is None else _unsupported(name, bad.type)
    if name == "DELIMITED":
        bad = next((c for c in columns if c.type.base in _NESTED), None)
        return None if bad is None else f"{_unsupported(name, bad.type)}, column: {quote(bad.name)}"
    reasons = [_name_refusal(name, c.name) or _nested_refusal(name, c.type) for c in columns]
    return next((reason for reason in reasons if reason is not None), None)


def can_be_internal(name: str, columns: tuple[Column, ...]) -> bool:
    """Whether a format can hold any rows of these columns in the topics of a query."""
    if name == "AVRO":
        names = [*(c.name for c in columns), *(n for c in columns for n in _member_names(c.type))]
        if not all(_PLAIN_NAME.fullmatch(n) for n in names):
            return False
    return name in {"JSON", "AVRO", "JSON_SR"} and refusal(name, columns, "") is None


def _member_names(type_: SqlType) -> list[str]:
    own = [m.name for m in type_.fields] if isinstance(type_, Struct) else []
    return own + [n for part in type_.parts() for n in _member_names(part)]


def _name_refusal(format_: str, name: str) -> str | None:
    if not format_.startswith("PROTOBUF") or _PLAIN_NAME.fullmatch(name):
        return None
    return f"{format_} has no such name for a field: {quote(name)}"


def _unsupported(name: str, type_: SqlType) -> str:
    return f"The '{name}' format does not support type '{type_.base.value}'"


def _nested_refusal(name: str, type_: SqlType) -> str | None:
    match type_:
        case Map(key=key) if key.base is not Base.STRING:
            return f"{name} only supports MAP types with STRING keys"
        case Array(item=Array() | Map() as item) if name.startswith("PROTOBUF"):
            return f"The '{name}' format does not support {item.base.value} types in an ARRAY"
        case Struct(fields=()):
            return f"{name} does not support empty STRUCT types"
        case Struct(fields=members):
            refused = (_name_refusal(name, m.name) for m in members)
            found = next((reason for reason in refused if reason is not None), None)
            if found is not None:
                return found
    reasons = (_nested_refusal(name, part) for part in type_.parts())
    return next((reason for reason in reasons if reason is not None), None)
