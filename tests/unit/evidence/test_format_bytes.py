"""What lies in a topic, by plain rules. The bytes are those that ksqlDB 7.9.0 was recorded with,
where they are of a kind that was recorded.
"""

import pytest

from lab.clients.errors import DeserializerFailed
from lab.evidence.format_bytes import as_stored, stored
from lab.wire.errors import DecodeError

ROW = {"V": 7, "W": "a,b"}
AVRO = (
    '{"type":"record","name":"R","fields":[{"name":"V","type":["null","int"],"default":null},'
    '{"name":"W","type":["null","string"],"default":null}]}'
)
PROTO = 'syntax = "proto3";\n\nmessage ConnectDefault1 {\n  int32 V = 1;\n  string W = 2;\n}\n'
JSON = '{"type":"object","properties":{"V":{"type":"integer"},"W":{"type":"string"}}}'
SCHEMAS = {1: AVRO, 2: PROTO, 3: JSON, 4: '"string"', 5: '{"type":"string"}'}


@pytest.mark.parametrize(
    ("format_", "data", "columns", "is_key"),
    [
        ("KAFKA", b"\0\0\0\x07", {"V": 7}, False),
        ("KAFKA", b"k1", {"K": "k1"}, True),
        ("DELIMITED", b'7,"a,b"', ROW, False),
        ("DELIMITED", b"k1", {"K": "k1"}, True),
        ("JSON", b'{"V":7,"W":"a,b"}', ROW, False),
        ("JSON", b'{"V":7}', {"V": 7}, False),
        ("JSON", b'"k1"', {"K": "k1"}, True),
        ("PROTOBUF_NOSR", b"\x08\x07\x12\x03a,b", ROW, False),
        ("PROTOBUF_NOSR", b"\n\x02k1", {"K": "k1"}, True),
        ("AVRO", b"\0\0\0\0\x01\x02\x0e\x02\x06a,b", ROW, False),
        ("AVRO", b"\0\0\0\0\x04\x04k1", {"K": "k1"}, True),
        ("PROTOBUF", b"\0\0\0\0\x02\0\x08\x07\x12\x03a,b", ROW, False),
        ("JSON_SR", b'\0\0\0\0\x03{"V":7,"W":"a,b"}', ROW, False),
        ("JSON_SR", b'\0\0\0\0\x05"k1"', {"K": "k1"}, True),
    ],
)
def test_a_format_is_read_as_it_is_written(
    format_: str, data: bytes, columns: dict[str, object], is_key: bool
) -> None:
    found = stored(format_, data, columns, SCHEMAS.__getitem__)
    assert found == as_stored(format_, columns, is_key=is_key)


def test_no_columns_are_no_bytes() -> None:
    assert stored("JSON", None, {}, SCHEMAS.__getitem__) is None
    assert as_stored("NONE", {}, is_key=True) is None


def test_bytes_of_another_format_are_told() -> None:
    plain = b'{"V":7,"W":"a,b"}'
    assert stored("DELIMITED", plain, ROW, SCHEMAS.__getitem__) != as_stored(
        "DELIMITED", ROW, is_key=False
    )
    with pytest.raises(DecodeError):
        stored("AVRO", plain, ROW, SCHEMAS.__getitem__)
    with pytest.raises(ValueError, match="Expecting"):
        stored("JSON", b"k1", ROW, SCHEMAS.__getitem__)
    with pytest.raises(DeserializerFailed):
        stored("PROTOBUF_NOSR", b"\xff", ROW, SCHEMAS.__getitem__)
    with pytest.raises(ValueError, match="no reader"):
        stored("XML", plain, ROW, SCHEMAS.__getitem__)
