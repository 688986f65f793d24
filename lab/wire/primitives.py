"""Kafka's primitive types, read from a byte string.

Source: the "Protocol Primitive Types" section of Kafka's protocol guide, and KIP-482 for compact
and tagged fields. Integers are big-endian; VARINT and VARLONG are zig-zag encoded; compact lengths
are unsigned varints of length + 1.
"""

from __future__ import annotations

import struct
from uuid import UUID

from lab.wire.errors import DecodeError, Truncated


class Reader:
    """A cursor over ``data``. Every read moves it; a read past the end raises Truncated."""

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data = data
        self.offset = offset

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return len(self.data) - self.offset

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        if count < 0:
            raise DecodeError(f"negative length {count}", offset=self.offset)
        if count > self.remaining:
            raise Truncated(f"{count} bytes wanted, {self.remaining} are left", offset=self.offset)
        chunk = self.data[self.offset : self.offset + count]
        self.offset += count
        return chunk

    def _unpack(self, layout: str, size: int) -> int:
        value: int = struct.unpack(layout, self.take(size))[0]
        return value

    def int8(self) -> int:
        """INT8."""
        return self._unpack(">b", 1)

    def int16(self) -> int:
        """INT16."""
        return self._unpack(">h", 2)

    def int32(self) -> int:
        """INT32."""
        return self._unpack(">i", 4)

    def uint32(self) -> int:
        """UINT32."""
        return self._unpack(">I", 4)

    def int64(self) -> int:
        """INT64."""
        return self._unpack(">q", 8)

    def unsigned_varint(self) -> int:
        """UNSIGNED_VARINT, seven bits a byte, least significant first; ten bytes at most."""
        start = self.offset
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
        raise DecodeError("a varint longer than ten bytes", offset=start)

    def varint(self) -> int:
        """VARINT or VARLONG (the same encoding): zig-zag, signed."""
        raw = self.unsigned_varint()
        return (raw >> 1) ^ -(raw & 1)

    def string(self) -> str:
        """STRING: INT16 length, then UTF-8."""
        return self._utf8(self.take(self.int16()))

    def nullable_string(self) -> str | None:
        """NULLABLE_STRING: a length of -1 is null."""
        length = self.int16()
        return None if length == -1 else self._utf8(self.take(length))

    def compact_string(self) -> str:
        """COMPACT_STRING: UNSIGNED_VARINT length + 1, then UTF-8."""
        start = self.offset
        length = self.unsigned_varint() - 1
        if length < 0:
            raise DecodeError("null where a string must be", offset=start)
        return self._utf8(self.take(length))

    def compact_nullable_string(self) -> str | None:
        """COMPACT_NULLABLE_STRING: a length of 0 is null."""
        length = self.unsigned_varint() - 1
        return None if length < 0 else self._utf8(self.take(length))

    def array_length(self, *, flexible: bool = True) -> int:
        """The number of items of an ARRAY or COMPACT_ARRAY; null counts as none."""
        start = self.offset
        length = self.unsigned_varint() - 1 if flexible else self.int32()
        if length > self.remaining:
            raise DecodeError(f"an array of {length} items", offset=start)
        return max(length, 0)

    def int32_array(self) -> tuple[int, ...]:
        """COMPACT_ARRAY of INT32."""
        return tuple(self.int32() for _ in range(self.array_length()))

    def varint_bytes(self) -> bytes | None:
        """VARINT length, then bytes; a length of -1 is null (keys and values of records)."""
        length = self.varint()
        return None if length == -1 else self.take(length)

    def uuid(self) -> UUID:
        """UUID: 16 bytes, most significant first."""
        return UUID(bytes=self.take(16))

    def tagged_fields(self) -> dict[int, bytes]:
        """The tagged fields that end a flexible structure: tag → raw bytes (KIP-482)."""
        fields: dict[int, bytes] = {}
        for _ in range(self.unsigned_varint()):
            start = self.offset
            tag = self.unsigned_varint()
            if tag in fields:
                raise DecodeError(f"tag {tag} twice", offset=start)
            fields[tag] = self.take(self.unsigned_varint())
        return fields

    def finish(self, what: str) -> None:
        """Raise DecodeError unless everything was read: left-over bytes mean a wrong layout."""
        if self.remaining:
            raise DecodeError(f"{what}: {self.remaining} bytes left over", offset=self.offset)

    def _utf8(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DecodeError("text that is not UTF-8", offset=self.offset - len(raw)) from error
