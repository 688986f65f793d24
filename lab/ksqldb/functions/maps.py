"""Functions of maps."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Way, scalar

FUNCTIONS = (
    scalar(
        "AS_MAP", "MAP", "A map from an array of keys and one of values.",
        Way(("ARRAY<VARCHAR> keys", "ARRAY<T> values"), "MAP<VARCHAR, T>", "Maps.of"),
    ),
    scalar(
        "ENTRIES", "MAP", "The entries as structs of K and V, in order of the keys if asked for.",
        Way(
            ("MAP<VARCHAR, VARCHAR> map", "BOOLEAN sorted"),
            "ARRAY<STRUCT<K VARCHAR, V VARCHAR>>", "Maps.entries",
        ),
        Way(
            ("MAP<VARCHAR, BIGINT> map", "BOOLEAN sorted"),
            "ARRAY<STRUCT<K VARCHAR, V BIGINT>>", "Maps.entries",
        ),
        Way(
            ("MAP<VARCHAR, INT> map", "BOOLEAN sorted"),
            "ARRAY<STRUCT<K VARCHAR, V INT>>", "Maps.entries",
        ),
        Way(
            ("MAP<VARCHAR, DOUBLE> map", "BOOLEAN sorted"),
            "ARRAY<STRUCT<K VARCHAR, V DOUBLE>>", "Maps.entries",
        ),
        Way(
            ("MAP<VARCHAR, BOOLEAN> map", "BOOLEAN sorted"),
            "ARRAY<STRUCT<K VARCHAR, V BOOLEAN>>", "Maps.entries",
        ),
    ),
    scalar(
        "MAP_KEYS", "MAP", "The keys.",
        Way(("MAP<VARCHAR, T> input",), "ARRAY<VARCHAR>", "Maps.keys"),
    ),
    scalar(
        "MAP_UNION", "MAP", "The entries of both maps; the second wins.",
        Way(("MAP<VARCHAR, T> map1", "MAP<VARCHAR, T> map2"), "MAP<VARCHAR, T>", "Maps.union"),
    ),
    scalar(
        "MAP_VALUES", "MAP", "The values.",
        Way(("MAP<VARCHAR, T> input",), "ARRAY<T>", "Maps.values"),
    ),
)  # fmt: skip
