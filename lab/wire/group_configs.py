"""IncrementalAlterConfigs for a consumer group, which client libraries do not all offer yet.

Source: the message schemas ``IncrementalAlterConfigsRequest.json`` and
``IncrementalAlterConfigsResponse.json``, version 1 (KIP-339); resource type 32 is a group
(``ConfigResource.Type`` in kafka-clients), operation 0 sets a value and 1 removes it.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.wire import writer
from lab.wire.primitives import Reader

VERSION = 1
_GROUP = 32
_SET = 0
_DELETE = 1


def encode_request(group: str, configs: Mapping[str, str | None]) -> bytes:
    """The request's body; a config whose value is None is removed."""
    items = [
        writer.compact_string(name)
        + writer.int8(_DELETE if value is None else _SET)
        + writer.compact_string(value)
        + writer.NO_TAGS
        for name, value in configs.items()
    ]
    resource = (
        writer.int8(_GROUP)
        + writer.compact_string(group)
        + writer.compact_array(items)
        + writer.NO_TAGS
    )
    validate_only = writer.int8(0)
    return writer.compact_array([resource]) + validate_only + writer.NO_TAGS


def decode_answer(body: bytes) -> tuple[int, str | None]:
    """The first resource's error code (0: none) and text."""
    reader = Reader(body)
    reader.int32()
    found: list[tuple[int, str | None]] = []
    for _ in range(reader.array_length()):
        found.append((reader.int16(), reader.compact_nullable_string()))
        reader.int8()
        reader.compact_string()
        reader.tagged_fields()
    reader.tagged_fields()
    reader.finish("an answer to IncrementalAlterConfigs")
    return found[0] if found else (-1, "no resource in the answer")
