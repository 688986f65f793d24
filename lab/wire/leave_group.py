"""LeaveGroup on behalf of a static member that will not come back.

Source: the message schemas ``LeaveGroupRequest.json`` and ``LeaveGroupResponse.json``, version 5
(KIP-345, KIP-800). A static member that ends keeps its place until its session times out.
"""

from __future__ import annotations

from collections.abc import Iterable

from lab.wire import writer
from lab.wire.primitives import Reader

VERSION = 5


def encode_request(group: str, instance_ids: Iterable[str]) -> bytes:
    """The request's body."""
    members = [
        writer.compact_string("")
        + writer.compact_string(instance_id)
        + writer.compact_string("removed by the lab")
        + writer.NO_TAGS
        for instance_id in instance_ids
    ]
    return writer.compact_string(group) + writer.compact_array(members) + writer.NO_TAGS


def decode_answer(body: bytes) -> int:
    """The first error code of the answer, 0 for none."""
    reader = Reader(body)
    reader.int32()
    errors = [reader.int16()]
    for _ in range(reader.array_length()):
        reader.compact_string()
        reader.compact_nullable_string()
        errors.append(reader.int16())
        reader.tagged_fields()
    reader.tagged_fields()
    reader.finish("an answer to LeaveGroup")
    return next((error for error in errors if error), 0)
