"""Functions that take lambdas."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Way, scalar

FUNCTIONS = (
    scalar(
        "TRANSFORM", "LAMBDA",
        "Each item, or each entry, replaced by what the lambdas give for it.",
        Way(
            ("MAP<K, V> map", "LAMBDA (K, V) => R biFunction1", "LAMBDA (K, V) => T biFunction2"),
            "MAP<R, T>", "Lambdas.transform",
        ),
        Way(("ARRAY<T> array", "LAMBDA (T) => R function"), "ARRAY<R>", "Lambdas.transform"),
    ),
    scalar(
        "FILTER", "LAMBDA", "The items, or entries, for which the lambda gives true.",
        Way(
            ("MAP<K, V> map", "LAMBDA (K, V) => BOOLEAN biFunction"),
            "MAP<K, V>", "Lambdas.filter",
        ),
        Way(("ARRAY<T> array", "LAMBDA (T) => BOOLEAN function"), "ARRAY<T>", "Lambdas.filter"),
    ),
    scalar(
        "REDUCE", "LAMBDA",
        "What the lambda makes of a first state and all items, or entries, in turn.",
        Way(
            ("ARRAY<T> list", "S initialState", "LAMBDA (S, T) => S biFunction"),
            "S", "Lambdas.reduce",
        ),
        Way(
            ("MAP<K, V> map", "S initialState", "LAMBDA (S, K, V) => S triFunction"),
            "S", "Lambdas.reduce",
        ),
    ),
)  # fmt: skip
