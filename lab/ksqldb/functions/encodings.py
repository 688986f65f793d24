"""Bytes as text and numbers, and back; digests and UUIDs."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Way, scalar

FUNCTIONS = (
    scalar(
        "TO_BYTES", "STRING", "The bytes that a text stands for: hex, utf8, ascii or base64.",
        Way(("VARCHAR value", "VARCHAR encoding"), "BYTES", "Encodings.toBytes"),
    ),
    scalar(
        "FROM_BYTES", "STRING", "Bytes as text: hex, utf8, ascii or base64.",
        Way(("BYTES value", "VARCHAR encoding"), "VARCHAR", "Encodings.fromBytes"),
    ),
    scalar(
        "ENCODE", "STRING", "A text from one encoding to another: hex, utf8, ascii or base64.",
        Way(
            ("VARCHAR str", "VARCHAR inputEncoding", "VARCHAR outputEncoding"),
            "VARCHAR", "Encodings.encode",
        ),
    ),
    scalar(
        "INT_FROM_BYTES", "CONVERSIONS",
        "The INT of four bytes, in BIG_ENDIAN (default) or LITTLE_ENDIAN order.",
        Way(("BYTES value",), "INT", "Encodings.intFromBytes"),
        Way(("BYTES value", "VARCHAR byteOrder"), "INT", "Encodings.intFromBytes"),
    ),
    scalar(
        "BIGINT_FROM_BYTES", "CONVERSIONS",
        "The BIGINT of eight bytes, in BIG_ENDIAN (default) or LITTLE_ENDIAN order.",
        Way(("BYTES value",), "BIGINT", "Encodings.bigintFromBytes"),
        Way(("BYTES value", "VARCHAR byteOrder"), "BIGINT", "Encodings.bigintFromBytes"),
    ),
    scalar(
        "DOUBLE_FROM_BYTES", "CONVERSIONS",
        "The DOUBLE of eight bytes, in BIG_ENDIAN (default) or LITTLE_ENDIAN order.",
        Way(("BYTES value",), "DOUBLE", "Encodings.doubleFromBytes"),
        Way(("BYTES value", "VARCHAR byteOrder"), "DOUBLE", "Encodings.doubleFromBytes"),
    ),
    scalar(
        "MD5", "STRING", "The MD5 digest of the text in UTF-8, in hex.",
        Way(("VARCHAR s",), "VARCHAR", "Encodings.md5"),
    ),
    scalar(
        "UUID", "STRING", "A random UUID, or that of sixteen bytes.",
        Way((), "VARCHAR", "Encodings.uuid"),
        Way(("BYTES bytes",), "VARCHAR", "Encodings.uuid"),
    ),
)  # fmt: skip
