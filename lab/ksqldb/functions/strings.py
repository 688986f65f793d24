"""Functions on text."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Way, scalar

FUNCTIONS = (
    scalar(
        "UCASE", "STRING", "The text in upper case.",
        Way(("VARCHAR input",), "VARCHAR", "Strings.ucase"),
    ),
    scalar(
        "LCASE", "STRING", "The text in lower case.",
        Way(("VARCHAR input",), "VARCHAR", "Strings.lcase"),
    ),
    scalar(
        "LEN", "STRING", "The number of characters, or of bytes.",
        Way(("VARCHAR input",), "INT", "Strings.len"),
        Way(("BYTES input",), "INT", "Strings.len"),
    ),
    scalar(
        "CONCAT", "STRING", "All inputs one after another; NULLs are left out.",
        Way(("VARCHAR... inputs",), "VARCHAR", "Strings.concat"),
        Way(("BYTES... inputs",), "BYTES", "Strings.concat"),
    ),
    scalar(
        "TRIM", "STRING", "The text without white space at either end.",
        Way(("VARCHAR input",), "VARCHAR", "Strings.trim"),
    ),
    scalar(
        "SUBSTRING", "STRING",
        "The part from a position, counted from one, or from the end when negative.",
        Way(("VARCHAR str", "INT pos"), "VARCHAR", "Strings.substring"),
        Way(("VARCHAR str", "INT pos", "INT length"), "VARCHAR", "Strings.substring"),
        Way(("BYTES bytes", "INT pos"), "BYTES", "Strings.substring"),
        Way(("BYTES bytes", "INT pos", "INT length"), "BYTES", "Strings.substring"),
    ),
    scalar(
        "REPLACE", "STRING", "The text with every occurrence of one part replaced by another.",
        Way(("VARCHAR str", "VARCHAR oldStr", "VARCHAR newStr"), "VARCHAR", "Strings.replace"),
    ),
    scalar(
        "TO_BYTES", "STRING", "The bytes that a text stands for: hex, utf8, ascii or base64.",
        Way(("VARCHAR value", "VARCHAR encoding"), "BYTES", "Strings.toBytes"),
    ),
    scalar(
        "FROM_BYTES", "STRING", "Bytes as text: hex, utf8, ascii or base64.",
        Way(("BYTES value", "VARCHAR encoding"), "VARCHAR", "Strings.fromBytes"),
    ),
)  # fmt: skip
