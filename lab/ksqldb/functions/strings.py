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
        "CONCAT_WS", "STRING",
        "All inputs but the first, with the first between them; NULLs are left out.",
        Way(("VARCHAR... inputs",), "VARCHAR", "Strings.concatWs"),
        Way(("BYTES... inputs",), "BYTES", "Strings.concatWs"),
    ),
    scalar(
        "TRIM", "STRING", "The text without white space at either end.",
        Way(("VARCHAR input",), "VARCHAR", "Strings.trim"),
    ),
    scalar(
        "SUBSTRING", "STRING",
        "The part from a position, counted from one, or from the end when negative.",
        Way(("VARCHAR str", "INT pos", "INT length"), "VARCHAR", "Strings.substring"),
        Way(("BYTES bytes", "INT pos", "INT length"), "BYTES", "Strings.substring"),
        Way(("BYTES bytes", "INT pos"), "BYTES", "Strings.substring"),
        Way(("VARCHAR str", "INT pos"), "VARCHAR", "Strings.substring"),
    ),
    scalar(
        "REPLACE", "STRING", "The text with every occurrence of one part replaced by another.",
        Way(("VARCHAR str", "VARCHAR oldStr", "VARCHAR newStr"), "VARCHAR", "Strings.replace"),
    ),
    scalar(
        "LPAD", "STRING", "The input padded at its start, or cut, to a length.",
        Way(("VARCHAR input", "INT targetLen", "VARCHAR padding"), "VARCHAR", "Strings.lpad"),
        Way(("BYTES input", "INT targetLen", "BYTES padding"), "BYTES", "Strings.lpad"),
    ),
    scalar(
        "RPAD", "STRING", "The input padded at its end, or cut, to a length.",
        Way(("VARCHAR input", "INT targetLen", "VARCHAR padding"), "VARCHAR", "Strings.rpad"),
        Way(("BYTES input", "INT targetLen", "BYTES padding"), "BYTES", "Strings.rpad"),
    ),
    scalar(
        "INITCAP", "STRING", "Each word with an upper-case first letter, the rest in lower case.",
        Way(("VARCHAR str",), "VARCHAR", "Strings.initcap"),
    ),
    scalar(
        "INSTR", "STRING", "Where a part is found, counted from one; zero if it is not there.",
        Way(("VARCHAR str", "VARCHAR substring"), "INT", "Strings.instr"),
        Way(
            ("VARCHAR str", "VARCHAR substring", "INT position", "INT occurrence"),
            "INT", "Strings.instr",
        ),
        Way(("VARCHAR str", "VARCHAR substring", "INT position"), "INT", "Strings.instr"),
    ),
    scalar(
        "CHR", "STRING",
        "The character of a Unicode code point, or of an escape such as \\u004b.",
        Way(("INT decimalCode",), "VARCHAR", "Strings.chr"),
        Way(("VARCHAR utf16Code",), "VARCHAR", "Strings.chr"),
    ),
    scalar(
        "ELT", "STRING", "The n-th of the texts.",
        Way(("INT n", "VARCHAR... args"), "VARCHAR", "Strings.elt"),
    ),
    scalar(
        "FIELD", "STRING",
        "Where the first text is among the others, counted from one; zero if it is not.",
        Way(("VARCHAR str", "VARCHAR... args"), "INT", "Strings.field"),
    ),
    scalar(
        "SPLIT", "STRING", "The parts between delimiters; an empty delimiter splits everywhere.",
        Way(("VARCHAR string", "VARCHAR delimiter"), "ARRAY<VARCHAR>", "Splits.split"),
        Way(("BYTES bytes", "BYTES delimiter"), "ARRAY<BYTES>", "Splits.split"),
    ),
    scalar(
        "SPLIT_TO_MAP", "STRING", "A map from a text of entries, by two delimiters.",
        Way(
            ("VARCHAR input", "VARCHAR entryDelimiter", "VARCHAR kvDelimiter"),
            "MAP<VARCHAR, VARCHAR>", "Splits.toMap",
        ),
    ),
)  # fmt: skip
