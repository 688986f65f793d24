"""Addresses in a broker's answers, replaced: how clients are kept on the way through a proxy.

A client connects to the addresses that the answers to Metadata, FindCoordinator and
DescribeCluster name. Everything else in an answer stays as it is, byte for byte.

Sources: the message schemas ``MetadataResponse.json`` (versions 0-13, flexible from 9),
``FindCoordinatorResponse.json`` (0-6, flexible from 3, a list from 4), ``DescribeClusterResponse``
(0-2, all flexible). A newer version raises UnknownVersion rather than let a client slip past.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.wire import writer
from lab.wire.api_keys import API_KEYS
from lab.wire.errors import UnknownVersion
from lab.wire.primitives import Reader

Address = tuple[str, int]
Translate = Callable[[Address], Address]

METADATA = API_KEYS["Metadata"]
FIND_COORDINATOR = API_KEYS["FindCoordinator"]
DESCRIBE_CLUSTER = API_KEYS["DescribeCluster"]
_NEWEST = {METADATA: 13, FIND_COORDINATOR: 6, DESCRIBE_CLUSTER: 2}


def with_addresses(answer: bytes, api_key: int, version: int, translate: Translate) -> bytes:
    """The answer (without its length) with every broker's address translated."""
    if api_key not in _NEWEST:
        return answer
    if not 0 <= version <= _NEWEST[api_key]:
        raise UnknownVersion("answer with broker addresses", version)
    splice = _Splice(answer, translate)
    if api_key == METADATA:
        _metadata(splice, version)
    elif api_key == FIND_COORDINATOR:
        _find_coordinator(splice, version)
    else:
        _describe_cluster(splice, version)
    return splice.finished()


class _Splice:
    """Copies an answer piece by piece; ``address`` replaces the one at the cursor."""

    def __init__(self, data: bytes, translate: Translate) -> None:
        self.reader = Reader(data)
        self._translate = translate
        self._done = bytearray()
        self._copied = 0

    def address(self, *, flexible: bool) -> None:
        """Host and port stand here."""
        reader = self.reader
        self._done += reader.data[self._copied : reader.offset]
        host = reader.compact_string() if flexible else reader.string()
        port = reader.int32()
        if host:
            host, port = self._translate((host, port))
        self._done += writer.compact_string(host) if flexible else writer.string(host)
        self._done += writer.int32(port)
        self._copied = reader.offset

    def finished(self) -> bytes:
        """The whole answer; what was not looked at is as it was."""
        return bytes(self._done) + self.reader.data[self._copied :]


def _metadata(splice: _Splice, version: int) -> None:
    reader, flexible = splice.reader, version >= 9
    reader.int32()
    if flexible:
        reader.tagged_fields()
    if version >= 3:
        reader.int32()
    for _ in range(reader.array_length(flexible=flexible)):
        reader.int32()
        splice.address(flexible=flexible)
        if version >= 1:
            _nullable_string(reader, flexible=flexible)
        if flexible:
            reader.tagged_fields()


def _find_coordinator(splice: _Splice, version: int) -> None:
    reader, flexible = splice.reader, version >= 3
    reader.int32()
    if flexible:
        reader.tagged_fields()
    if version >= 1:
        reader.int32()
    if version >= 4:
        for _ in range(reader.array_length()):
            reader.compact_string()
            reader.int32()
            splice.address(flexible=True)
            reader.int16()
            reader.compact_nullable_string()
            reader.tagged_fields()
        return
    reader.int16()
    if version >= 1:
        _nullable_string(reader, flexible=flexible)
    reader.int32()
    splice.address(flexible=flexible)


def _describe_cluster(splice: _Splice, version: int) -> None:
    reader = splice.reader
    reader.int32()
    reader.tagged_fields()
    reader.int32()
    reader.int16()
    reader.compact_nullable_string()
    if version >= 1:
        reader.int8()
    reader.compact_string()
    reader.int32()
    for _ in range(reader.array_length()):
        reader.int32()
        splice.address(flexible=True)
        reader.compact_nullable_string()
        if version >= 2:
            reader.int8()
        reader.tagged_fields()


def _nullable_string(reader: Reader, *, flexible: bool) -> str | None:
    return reader.compact_nullable_string() if flexible else reader.nullable_string()
