"""Regular expressions, as Java writes them."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Way, scalar

FUNCTIONS = (
    scalar(
        "REGEXP_EXTRACT", "REGULAR EXPRESSION", "The first match, or a group of it.",
        Way(("VARCHAR pattern", "VARCHAR input"), "VARCHAR", "Regexps.extract"),
        Way(("VARCHAR pattern", "VARCHAR input", "INT group"), "VARCHAR", "Regexps.extract"),
    ),
    scalar(
        "REGEXP_EXTRACT_ALL", "REGULAR EXPRESSION", "All matches, or a group of each.",
        Way(("VARCHAR pattern", "VARCHAR input"), "ARRAY<VARCHAR>", "Regexps.extractAll"),
        Way(
            ("VARCHAR pattern", "VARCHAR input", "INT group"),
            "ARRAY<VARCHAR>", "Regexps.extractAll",
        ),
    ),
    scalar(
        "REGEXP_REPLACE", "REGULAR EXPRESSION",
        "The text with every match replaced; $1 stands for a group.",
        Way(("VARCHAR str", "VARCHAR regexp", "VARCHAR newStr"), "VARCHAR", "Regexps.replace"),
    ),
    scalar(
        "REGEXP_SPLIT_TO_ARRAY", "REGULAR EXPRESSION", "The parts between matches.",
        Way(("VARCHAR string", "VARCHAR regexp"), "ARRAY<VARCHAR>", "Regexps.split"),
    ),
)  # fmt: skip
