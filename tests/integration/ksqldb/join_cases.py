"""Cases of joins and of PARTITION BY: what goes in, in phases, and what stands in the sink after.

Every case has the streams L and R and the tables T, U and V, of one partition each::

    L, R     STREAM (ID VARCHAR KEY, K VARCHAR, V INT)
    T, U, V  TABLE  (ID VARCHAR PRIMARY KEY, K VARCHAR, V INT)

under names that begin with ``{p}``; the sink is ``{p}S``. A phase begins when everything before it
was read and the rows of it are there. Within a phase, records of different topics are read in any
order: where the order matters they stand in different phases. Times are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Record = tuple[str, str | None, tuple[str | None, int | None] | None, int]
"""Source, key, (K, V) or a tombstone, time in seconds."""

Row = tuple[str | None, dict[str, Any] | None]
"""Key and value in the sink."""


@dataclass(frozen=True)
class Phase:
    """Records, and the rows that come of them, in any order.

    Kafka Streams looks for closed windows at most once a second, when a record comes: ``nudge`` is
    a record to be sent until the rows are there.
    """

    records: list[Record]
    rows: list[Row]
    nudge: Record | None = None


@dataclass(frozen=True)
class Case:
    """A query and its phases."""

    name: str
    query: str
    phases: list[Phase]


_SS = (
    "CREATE STREAM {p}S AS SELECT {select} FROM {p}L l {kind} JOIN {p}R r WITHIN {within} ON {on};"
)


def streams(
    kind: str,
    within: str = "10 SECONDS",
    on: str = "l.id = r.id",
    select: str = "l.id AS id, l.v AS a, r.v AS b",
) -> str:
    """A join of both streams."""
    return _SS.format(p="{p}", kind=kind, within=within, on=on, select=select)


def tables(
    kind: str, on: str = "t.id = u.id", select: str = "t.id AS id, t.v AS a, u.v AS b"
) -> str:
    """A join of both tables."""
    return f"CREATE TABLE {{p}}S AS SELECT {select} FROM {{p}}T t {kind} JOIN {{p}}U u ON {on};"


def row(key: str | None, a: int | None, b: int | None) -> Row:
    """A row with the columns A and B."""
    return key, {"A": a, "B": b}


CASES = [
    Case(
        "streams inner: within the window on both sides, duplicates, other keys, null keys",
        streams("INNER"),
        [
            Phase(
                [
                    ("L", "x", ("", 1), 100),
                    ("R", "x", ("", 2), 109),
                    ("R", "x", ("", 3), 111),
                    ("L", "x", ("", 4), 112),
                    ("L", "y", ("", 5), 113),
                    ("L", None, ("", 6), 114),
                    ("R", None, ("", 7), 115),
                ],
                [row("x", 1, 2), row("x", 4, 2), row("x", 4, 3)],
            ),
            # Out of order, yet within the default grace.
            Phase([("R", "x", ("", 8), 95)], [row("x", 1, 8)]),
        ],
    ),
    Case(
        "streams left without grace: a row at once, another with the match",
        streams("LEFT"),
        [
            Phase([("L", "x", ("", 1), 100)], [row("x", 1, None)]),
            Phase([("R", "x", ("", 2), 101)], [row("x", 1, 2)]),
            Phase([("L", "x", ("", 3), 102)], [row("x", 3, 2)]),
        ],
    ),
    Case(
        "streams left with grace: a row without match once its window has closed, and only then",
        streams("LEFT", "10 SECONDS GRACE PERIOD 5 SECONDS"),
        [
            Phase(
                [
                    ("L", "x", ("", 1), 100),
                    ("L", "y", ("", 2), 100),
                    ("L", "z", ("", 9), 112),
                    ("R", "x", ("", 3), 101),
                    ("R", "z", ("", 8), 112),
                ],
                [row("x", 1, 3), row("z", 9, 8)],
            ),
            Phase(
                [("L", "w", ("", 4), 140), ("R", "w", ("", 6), 140)],
                [row("y", 2, None), row("w", 4, 6)],
                nudge=("R", "n", ("", 7), 141),
            ),
            # Too late for y.
            Phase([("R", "y", ("", 5), 100), ("R", "w", ("", 8), 142)], [row("w", 4, 8)]),
        ],
    ),
    Case(
        "streams right: the key is the right side's",
        streams("RIGHT", select="r.id AS id, l.v AS a, r.v AS b"),
        [
            Phase([("R", "x", ("", 1), 100)], [row("x", None, 1)]),
            Phase([("L", "x", ("", 2), 101)], [row("x", 2, 1)]),
            Phase([("L", "y", ("", 3), 101)], []),
            Phase([("R", "y", ("", 4), 102)], [row("y", 3, 4)]),
        ],
    ),
    Case(
        "streams full: the key is a column of its own",
        streams("FULL", select="ROWKEY AS id, l.v AS a, r.v AS b"),
        [
            Phase([("R", "x", ("", 1), 100)], [row("x", None, 1)]),
            Phase([("L", "y", ("", 2), 101)], [row("y", 2, None)]),
            Phase([("L", "x", ("", 3), 102)], [row("x", 3, 1)]),
        ],
    ),
    Case(
        "streams with a window that reaches only before",
        streams("INNER", "(10 SECONDS, 0 SECONDS)"),
        [
            Phase([("R", "x", ("", 1), 95), ("L", "x", ("", 2), 100)], [row("x", 2, 1)]),
            Phase(
                [("R", "x", ("", 3), 101), ("L", "x", ("", 4), 101)],
                [row("x", 4, 1), row("x", 4, 3)],
            ),
        ],
    ),
    Case(
        "streams right with a window that reaches only before",
        streams("RIGHT", "(10 SECONDS, 0 SECONDS)", select="r.id AS id, l.v AS a, r.v AS b"),
        [
            Phase([("L", "x", ("", 2), 100)], []),
            Phase([("R", "x", ("", 1), 95)], [row("x", 2, 1)]),
            Phase([("R", "x", ("", 3), 101)], [row("x", None, 3)]),
        ],
    ),
    Case(
        "streams on other columns: both are repartitioned, rows with NULL are dropped",
        streams("INNER", on="l.k = r.k", select="r.k AS k, l.id AS lid, l.v AS a, r.v AS b"),
        [
            Phase(
                [
                    ("L", "1", ("x", 1), 100),
                    ("L", "2", (None, 2), 100),
                    ("R", "3", ("x", 3), 101),
                    ("R", "4", (None, 4), 101),
                ],
                [("x", {"LID": "1", "A": 1, "B": 3})],
            ),
        ],
    ),
    Case(
        "streams on expressions: the key is a column of its own, and every column is there",
        streams("INNER", on="l.v + 1 = ABS(r.v)", select="*"),
        [
            Phase(
                [("L", "1", ("x", 4), 100), ("R", "2", ("y", -5), 101)],
                [
                    (
                        "\0\0\0\5",
                        {"L_ID": "1", "L_K": "x", "L_V": 4, "R_ID": "2", "R_K": "y", "R_V": -5},
                    )
                ],
            ),
        ],
    ),
    Case(
        "stream and table inner: only rows that the table has then",
        "CREATE STREAM {p}S AS SELECT l.id AS id, l.v AS a, t.v AS b FROM {p}L l "
        "JOIN {p}T t ON l.id = t.id;",
        [
            Phase([("L", "x", ("", 1), 99)], []),
            Phase([("T", "x", ("", 10), 100)], []),
            Phase([("L", "x", ("", 2), 101)], [row("x", 2, 10)]),
            Phase([("T", "x", ("", 20), 102)], []),
            Phase([("L", "x", ("", 3), 103), ("L", None, ("", 5), 103)], [row("x", 3, 20)]),
            Phase([("T", "x", None, 104)], []),
            Phase([("L", "x", ("", 4), 105)], []),
        ],
    ),
    Case(
        "stream and table left on another column of the stream",
        "CREATE STREAM {p}S AS SELECT l.k, l.id, l.v AS a, t.v AS b FROM {p}L l "
        "LEFT JOIN {p}T t ON t.id = l.k;",
        [
            Phase([("T", "x", ("", 10), 100)], []),
            Phase(
                [("L", "1", ("x", 1), 101), ("L", "2", ("y", 2), 102)],
                [("x", {"L_ID": "1", "A": 1, "B": 10}), ("y", {"L_ID": "2", "A": 2, "B": None})],
            ),
        ],
    ),
    Case(
        "tables inner: updates, and a deletion on either side",
        tables("INNER"),
        [
            Phase([("T", "x", ("", 1), 100)], []),
            Phase([("U", "x", ("", 2), 101)], [row("x", 1, 2)]),
            Phase([("T", "x", ("", 3), 102), ("T", "y", ("", 9), 102)], [row("x", 3, 2)]),
            Phase([("U", "x", None, 103)], [("x", None)]),
            Phase([("U", "x", ("", 4), 104)], [row("x", 3, 4)]),
        ],
    ),
    Case(
        "tables left",
        tables("LEFT"),
        [
            Phase([("T", "x", ("", 1), 100), ("U", "y", ("", 5), 100)], [row("x", 1, None)]),
            Phase([("U", "x", ("", 2), 101)], [row("x", 1, 2)]),
            Phase([("U", "x", None, 102)], [row("x", 1, None)]),
            Phase([("T", "x", None, 103)], [("x", None)]),
        ],
    ),
    Case(
        "tables right",
        tables("RIGHT", select="u.id AS id, t.v AS a, u.v AS b"),
        [
            Phase([("U", "x", ("", 1), 100), ("T", "y", ("", 5), 100)], [row("x", None, 1)]),
            Phase([("T", "x", ("", 2), 101)], [row("x", 2, 1)]),
            Phase([("U", "x", None, 102)], [("x", None)]),
        ],
    ),
    Case(
        "tables full",
        tables("FULL OUTER", select="ROWKEY AS id, t.v AS a, u.v AS b"),
        [
            Phase(
                [("T", "x", ("", 1), 100), ("U", "y", ("", 2), 100)],
                [row("x", 1, None), row("y", None, 2)],
            ),
            Phase([("U", "x", ("", 3), 101)], [row("x", 1, 3)]),
            Phase([("T", "x", None, 102)], [row("x", None, 3)]),
            Phase([("U", "x", None, 103)], [("x", None)]),
        ],
    ),
    Case(
        "tables on a foreign key inner: many to one, a change of the key, deletions",
        tables("INNER", on="t.k = u.id"),
        [
            Phase([("U", "x", ("", 10), 99), ("U", "y", ("", 20), 99)], []),
            Phase(
                [
                    ("T", "1", ("x", 1), 100),
                    ("T", "2", ("x", 2), 100),
                    ("T", "3", (None, 3), 100),
                ],
                [row("1", 1, 10), row("2", 2, 10)],
            ),
            Phase([("T", "1", ("y", 1), 102)], [row("1", 1, 20)]),
            Phase([("U", "x", ("", 11), 103)], [row("2", 2, 11)]),
            Phase([("U", "x", None, 104)], [("2", None)]),
            Phase([("T", "1", None, 105)], [("1", None)]),
        ],
    ),
    Case(
        "tables on a foreign key that is an expression, left",
        tables("LEFT", on="LCASE(t.k) = u.id"),
        [
            Phase([("T", "1", ("X", 1), 100)], [row("1", 1, None)]),
            Phase([("U", "x", ("", 10), 101)], [row("1", 1, 10)]),
            Phase([("U", "x", None, 102)], [row("1", 1, None)]),
        ],
    ),
    Case(
        "three sources: two streams and a table",
        "CREATE STREAM {p}S AS SELECT l.id AS id, l.v AS a, r.v AS b, t.v AS c FROM {p}L l "
        "JOIN {p}R r WITHIN 10 SECONDS ON l.id = r.id LEFT JOIN {p}T t ON r.id = t.id;",
        [
            Phase([("T", "x", ("", 3), 99)], []),
            Phase(
                [("L", "x", ("", 1), 100), ("R", "x", ("", 2), 101)],
                [("x", {"A": 1, "B": 2, "C": 3})],
            ),
        ],
    ),
    Case(
        "three tables, the last on a column that may be NULL",
        "CREATE TABLE {p}S AS SELECT ROWKEY AS id, t.v AS a, u.v AS b, v.v AS c FROM {p}T t "
        "FULL JOIN {p}U u ON t.id = u.id LEFT JOIN {p}V v ON t.id = v.id;",
        [
            Phase([("V", "x", ("", 3), 99), ("V", "y", ("", 4), 99)], []),
            Phase(
                [("T", "x", ("", 1), 100), ("U", "y", ("", 2), 100)],
                [("x", {"A": 1, "B": None, "C": 3}), ("y", {"A": None, "B": 2, "C": None})],
            ),
        ],
    ),
    Case(
        "three sources, the last on a column that an outer join leaves NULL",
        "CREATE STREAM {p}S AS SELECT l.id AS id, l.v AS a, t.v AS b, u.v AS c FROM {p}L l "
        "LEFT JOIN {p}T t ON l.id = t.id JOIN {p}U u ON t.id = u.id;",
        [
            Phase([("T", "x", ("", 1), 99), ("U", "x", ("", 2), 99), ("U", "y", ("", 3), 99)], []),
            Phase(
                [("L", "y", ("", 5), 100), ("L", "x", ("", 4), 101)],
                [("x", {"A": 4, "B": 1, "C": 2})],
            ),
        ],
    ),
    Case(
        "three tables on their keys",
        "CREATE TABLE {p}S AS SELECT u.id, t.v AS a, u.v AS b, v.v AS c FROM {p}T t "
        "JOIN {p}U u ON t.id = u.id LEFT JOIN {p}V v ON u.id = v.id;",
        [
            Phase([("T", "x", ("", 1), 100)], []),
            Phase([("U", "x", ("", 2), 101)], [("x", {"A": 1, "B": 2, "C": None})]),
            Phase([("V", "x", ("", 3), 102)], [("x", {"A": 1, "B": 2, "C": 3})]),
        ],
    ),
    Case(
        "a condition after the join, on both sides",
        "CREATE STREAM {p}S AS SELECT l.id AS id, l.v AS a, t.v AS b FROM {p}L l "
        "LEFT JOIN {p}T t ON l.id = t.id WHERE t.v IS NULL OR l.v > t.v;",
        [
            Phase([("T", "x", ("", 5), 99)], []),
            Phase(
                [("L", "x", ("", 4), 100), ("L", "x", ("", 6), 101), ("L", "y", ("", 1), 102)],
                [row("x", 6, 5), row("y", 1, None)],
            ),
        ],
    ),
    Case(
        "a stream joined and then grouped",
        "CREATE TABLE {p}S AS SELECT t.k AS k, COUNT(*) AS a, SUM(l.v) AS b FROM {p}L l "
        "JOIN {p}T t ON l.id = t.id GROUP BY t.k;",
        [
            Phase([("T", "x", ("g", 0), 98), ("T", "y", ("g", 0), 99)], []),
            Phase([("L", "x", ("", 5), 100)], [row("g", 1, 5)]),
            Phase([("L", "y", ("", 6), 101)], [row("g", 2, 11)]),
        ],
    ),
    Case(
        "a stream joined and then partitioned by a column of the table",
        "CREATE STREAM {p}S AS SELECT t.k AS k, l.v AS a, t.v AS b FROM {p}L l "
        "JOIN {p}T t ON l.id = t.id PARTITION BY t.k;",
        [
            Phase([("T", "x", ("g", 2), 99)], []),
            Phase([("L", "x", ("", 1), 100)], [row("g", 1, 2)]),
        ],
    ),
    Case(
        "partition by a column: NULL gives no key",
        "CREATE STREAM {p}S AS SELECT * FROM {p}L PARTITION BY k;",
        [
            Phase(
                [("L", "1", ("x", 1), 100), ("L", "2", (None, 2), 101), ("L", None, ("y", 3), 102)],
                [
                    ("x", {"V": 1, "ID": "1"}),
                    (None, {"V": 2, "ID": "2"}),
                    ("y", {"V": 3, "ID": None}),
                ],
            )
        ],
    ),
    Case(
        "partition by an expression under its alias",
        "CREATE STREAM {p}S AS SELECT UCASE(k) AS u, v FROM {p}L WHERE v > 0 "
        "PARTITION BY UCASE(k);",
        [Phase([("L", "1", ("x", 1), 100), ("L", "2", ("y", 0), 101)], [("X", {"V": 1})])],
    ),
    Case(
        "partition by several expressions",
        "CREATE STREAM {p}S WITH (KEY_FORMAT='JSON') AS SELECT k, v + 1 AS n, id "
        "FROM {p}L PARTITION BY k, v + 1;",
        [Phase([("L", "1", ("x", 1), 100)], [('{"K":"x","N":2}', {"ID": "1"})])],
    ),
    Case(
        "partition by NULL",
        "CREATE STREAM {p}S AS SELECT * FROM {p}L PARTITION BY NULL;",
        [Phase([("L", "1", ("x", 1), 100)], [(None, {"K": "x", "V": 1, "ID": "1"})])],
    ),
    Case(
        "pseudo columns of both sides, and every column of one",
        "CREATE STREAM {p}S AS SELECT l.id, l.ROWTIME - t.ROWTIME AS a, t.ROWOFFSET AS b, t.* "
        "FROM {p}L l JOIN {p}T t ON l.id = t.id;",
        [
            Phase([("T", "y", ("", 0), 98), ("T", "x", ("g", 7), 99)], []),
            Phase(
                [("L", "x", ("", 1), 100)],
                [("x", {"A": 1000, "B": 1, "T_ID": "x", "T_K": "g", "T_V": 7})],
            ),
        ],
    ),
]
