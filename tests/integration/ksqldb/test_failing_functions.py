"""Failures of functions of every family: NULL, a report each, and the query lives."""

from __future__ import annotations

import json

from support.ksqldb_server import Server, until

FAILING = {
    "CHR(-1)": "code point",
    "LPAD(s, 2000000000, 'x')": "longer than",
    "MASK(s, 'XY', 'x', 'n', '-')": "one character",
    "TO_BYTES(s, 'hex')": "hex",
    "INT_FROM_BYTES(b)": "needs 4 bytes",
    "REGEXP_EXTRACT('(', s)": "group",
    "REGEXP_REPLACE(s, 'a', '$5')": "group",
    "EXTRACTJSONFIELD(s, '$.a')": "no JSON",
    "JSON_KEYS(s)": "no JSON",
    "URL_DECODE_PARAM('%zz')": "URLDecoder",
    "URL_EXTRACT_HOST('no url')": "Illegal character",
    "GEO_DISTANCE(91E0, 0E0, 0E0, 0E0)": "latitude",
    "GENERATE_SERIES(1, 5, 0)": "step",
    "SLICE(l, 2, 100)": "no items from 2 to 100",
    "ARRAY_MAX(ARRAY[l])": "no order",
    "TRANSFORM(l, x => x / 0)": "zero",
    "TRANSFORM(m, (x, y) => 'same', (x, y) => y)": "Duplicate key",
    "FORMAT_DATE(d, 'HH')": "HourOfDay",
    "PARSE_TIME('2020-01-01', 'yyyy-MM-dd')": "no date",
    "PARSE_TIMESTAMP(s, 'yyyy')": "could not be parsed",
    "CONVERT_TZ('2020-01-01', 'UTC', 'Nowhere')": "Nowhere",
    "CAST(s AS INT)": "abc",
    "CAST(n * 1000 AS DECIMAL(3, 1))": "overflow",
    "n / 0": "zero",
    "n + nothing": "NULL",
    "d = s": "'abc' is no date",
}
"""Expressions that fail on the row, with a part of what is reported."""


def test_failing_functions_are_reported_and_null_and_the_query_lives(
    server: Server, name: str
) -> None:
    listed = ", ".join(f"{e} AS c{i}" for i, e in enumerate(FAILING))
    server.ksql(
        f"CREATE STREAM {name} (k VARCHAR KEY, s VARCHAR, b BYTES, l ARRAY<INT>, "
        f"m MAP<VARCHAR, INT>, d DATE, t TIMESTAMP, n INT, nothing INT, r STRUCT<x DOUBLE>) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"CREATE STREAM {name}_O AS SELECT k, {listed}, UCASE(s) AS good FROM {name};"
        f"CREATE TABLE {name}_T AS SELECT k, SUM(CAST(n AS DECIMAL(2, 1))) AS s, COUNT(*) AS c "
        f"FROM {name} GROUP BY k;"
        f"INSERT INTO {name} VALUES ('k', 'abc', TO_BYTES('ff', 'hex'), ARRAY[1, NULL], "
        "MAP('a' := 1, 'b' := 2), '2020-01-01', '2020-01-01T01:02:03.004', 9, NULL, "
        "STRUCT(x := 1.5E0));"
        f"INSERT INTO {name} (k, n) VALUES ('k', 9);"
    )
    rows = until(lambda: len(r := server.select(f"SELECT * FROM {name}_O;")) == 2 and r, "two rows")
    assert rows[0] == ["k", *[None] * len(FAILING), "ABC"]
    until(lambda: server.select(f"SELECT * FROM {name}_T;") == [["k", None, 2]], "no sum")
    until(lambda: not missing(log(server, f"%{name}_O%", f"%{name}_T%")), "a report each")
    reports = log(server, f"%{name}_O%")
    assert json.loads(reports[0][1])[:9] == [
        "abc", "/w==", [1, None], {"a": 1, "b": 2}, "2020-01-01", "2020-01-01T01:02:03.004",
        9, None, [1.5],
    ]  # fmt: skip


def missing(reports: list[list[str]]) -> list[str]:
    """What should fail and is not reported as it should be."""
    told = [text for text, _ in reports]
    columns = [
        expression
        for number, (expression, part) in enumerate(FAILING.items())
        if not any(f" for column C{number} " in text and part in text for text in told)
    ]
    summed = any("SUM: numeric field overflow: 18.0" in text for text in told)
    return columns + ([] if summed else ["SUM"])


def log(server: Server, *loggers: str) -> list[list[str]]:
    """Messages and records of the processing log."""
    where = " OR ".join(f"logger LIKE '{logger}'" for logger in loggers)
    return server.select(
        "SELECT message->recordProcessingError->errorMessage AS e, "
        f"message->recordProcessingError->record AS r FROM KSQL_PROCESSING_LOG WHERE {where};"
    )
