"""JSON documents in texts."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Way, scalar

FUNCTIONS = (
    scalar(
        "EXTRACTJSONFIELD", "JSON",
        "What a path such as $.a[0].b leads to, texts without quotes.",
        Way(("VARCHAR input", "VARCHAR path"), "VARCHAR", "Jsons.extract"),
    ),
    scalar(
        "IS_JSON_STRING", "JSON", "Whether the text is a JSON document.",
        Way(("VARCHAR input",), "BOOLEAN", "Jsons.valid"),
    ),
    scalar(
        "JSON_ARRAY_CONTAINS", "JSON", "Whether a JSON array has such an item.",
        Way(("VARCHAR jsonArray", "T val"), "BOOLEAN", "Jsons.contains"),
    ),
    scalar(
        "JSON_ARRAY_LENGTH", "JSON", "The number of items of a JSON array.",
        Way(("VARCHAR jsonArray",), "INT", "Jsons.length"),
    ),
    scalar(
        "JSON_CONCAT", "JSON", "JSON objects merged, or everything in one JSON array.",
        Way(("VARCHAR... jsonStrings",), "VARCHAR", "Jsons.concat"),
    ),
    scalar(
        "JSON_ITEMS", "JSON", "The items of a JSON array, each as JSON.",
        Way(("VARCHAR jsonItems",), "ARRAY<VARCHAR>", "Jsons.items"),
    ),
    scalar(
        "JSON_KEYS", "JSON", "The names of the members of a JSON object.",
        Way(("VARCHAR jsonObj",), "ARRAY<VARCHAR>", "Jsons.keys"),
    ),
    scalar(
        "JSON_RECORDS", "JSON", "The members of a JSON object, their values as text.",
        Way(("VARCHAR jsonObj",), "MAP<VARCHAR, VARCHAR>", "Jsons.records"),
    ),
    scalar(
        "TO_JSON_STRING", "JSON", "The value as a JSON document.",
        Way(("T input",), "VARCHAR", "JsonTexts.text", typed=True),
    ),
)  # fmt: skip
