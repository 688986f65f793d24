"""Joins and PARTITION BY against a catalog: names, keys, what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.ksqldb.analysis.joins import check_partitions
from lab.ksqldb.analysis.query import AnalyzedQuery, analyze, qualified
from lab.ksqldb.analysis.topics import Topic
from lab.ksqldb.catalog import Catalog, Format, Schema, Source, WindowInfo, columns
from lab.ksqldb.errors import RequestError, StatementError
from lab.ksqldb.functions.library import builtin
from lab.ksqldb.names import ColumnName, SourceName, TopicName
from lab.ksqldb.plan.planner import plan_persistent
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression, query
from lab.ksqldb.sql.types import INTEGER, STRING, SqlType, struct

Parse = Callable[[str], ast.Statement]

WITHIN = "WITHIN 1 HOUR"


@pytest.fixture
def sources() -> Catalog:
    """Streams A, B, K (two key columns), tables T, U, I (an INT key), W (two key columns), and
    the windowed streams X, Y (hopping), Z (sessions)."""
    made = Catalog()

    def add(
        name: str,
        kind: ast.SourceKind,
        *key: tuple[str, SqlType],
        window: WindowInfo | None = None,
    ) -> None:
        value = columns([("V", INTEGER), ("S", STRING), ("ST", struct(("X", INTEGER)))])
        made.put(
            Source(
                name=SourceName(name),
                kind=kind,
                schema=Schema(columns(key), value),
                topic=TopicName(name.lower()),
                key_format=Format("KAFKA" if len(key) == 1 else "JSON"),
                value_format=Format("JSON"),
                statement="",
                window=window,
            )
        )

    add("A", "STREAM", ("ID", STRING))
    add("B", "STREAM", ("ID", STRING))
    add("K", "STREAM", ("K1", STRING), ("K2", STRING))
    add("T", "TABLE", ("ID", STRING))
    add("U", "TABLE", ("ID", STRING))
    add("I", "TABLE", ("ID", INTEGER))
    add("W", "TABLE", ("W1", STRING), ("W2", STRING))
    add("X", "STREAM", ("ID", STRING), window=WindowInfo("TUMBLING", 1000))
    add("Y", "STREAM", ("ID", STRING), window=WindowInfo("HOPPING", 1000))
    add("Z", "STREAM", ("ID", STRING), window=WindowInfo("SESSION", None))
    return made


def analyzed(statement: Parse, sources: Catalog, text: str) -> AnalyzedQuery:
    made = statement(text)
    assert isinstance(made, ast.QueryStatement)
    return analyze(made.query, sources, builtin())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"SELECT * FROM A JOIN B {WITHIN} ON A.ID = B.ID",
         "A_ID A_V A_S A_ST B_ID B_V B_S B_ST"),
        (f"SELECT y.*, x.V FROM A x JOIN B y {WITHIN} ON x.ID = y.ID", "Y_ID Y_V Y_S Y_ST X_V"),
        ("SELECT W1, T.V, T.V + 1, T.ST->X, W.ST->X FROM W JOIN T ON W.S = T.ID",
         "W1 T_V KSQL_COL_0 X X_1"),
        (f"SELECT * FROM A FULL JOIN B {WITHIN} ON A.ID = B.ID",
         "ROWKEY A_ID A_V A_S A_ST B_ID B_V B_S B_ST"),
        ("SELECT A.ROWTIME, T.ROWOFFSET AS O FROM A JOIN T ON A.ID = T.ID", "A_ROWTIME O"),
        ("SELECT * FROM A PARTITION BY S", "S V ST ID"),
        ("SELECT * FROM A PARTITION BY V + 1, ST->X", "KSQL_COL_0 X V S ST ID"),
        ("SELECT * FROM K PARTITION BY NULL", "V S ST K1 K2"),
        ("SELECT *, ST->* FROM T", "ID V S ST X"),
    ],
)  # fmt: skip
def test_names_of_columns(statement: Parse, sources: Catalog, text: str, names: str) -> None:
    found = analyzed(statement, sources, f"{text} EMIT CHANGES;")
    assert [i.name for i in found.items] == names.split()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f"SELECT B.ID, A.V FROM A JOIN B {WITHIN} ON A.ID = B.ID", "B_ID"),
        (f"SELECT B.ID, A.ID, A.V FROM A JOIN B {WITHIN} ON A.ID = B.ID", "A_ID"),
        (f"SELECT B.ID, A.ID, A.V FROM A RIGHT JOIN B {WITHIN} ON A.ID = B.ID", "B_ID"),
        (f"SELECT ROWKEY AS K, A.V FROM A FULL JOIN B {WITHIN} ON A.ID = B.ID", "K"),
        (f"SELECT B.S AS K, A.V FROM A JOIN B {WITHIN} ON LCASE(A.S) = B.S", "K"),
        ("SELECT U.ID AS K, A.V FROM A JOIN T ON A.ID = T.ID JOIN U ON T.ID = U.ID", "K"),
        ("SELECT W1, W2, T.V FROM W JOIN T ON W.S = T.ID", "W1 W2"),
        ("SELECT W1, W2, T.V FROM W JOIN T ON W.S = T.ID JOIN U ON W.W1 = U.ID", "W1 W2"),
        ("SELECT U.ID, T.V, I.V FROM T JOIN U ON T.ID = U.ID JOIN I ON T.V = I.ID", "U_ID"),
        ("SELECT T.ID, T.V FROM T LEFT JOIN U ON T.ID = U.ID LEFT JOIN I ON U.V = I.ID", "T_ID"),
        ("SELECT V + 1 AS N, S FROM A PARTITION BY V + 1", "N"),
        (f"SELECT X.ID, X.WINDOWSTART AS B, Y.V FROM X JOIN Y {WITHIN} ON X.ID = Y.ID", "X_ID"),
        ("SELECT S FROM A PARTITION BY NULL", ""),
    ],
)
def test_keys_of_results(statement: Parse, sources: Catalog, text: str, key: str) -> None:
    found = analyzed(statement, sources, f"{text} EMIT CHANGES;")
    planned = plan_persistent(found, builtin(), "X")
    assert " ".join(c.name for c in planned.schema.key) == key


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT * FROM A JOIN B ON A.ID = B.ID", "must have a WITHIN clause"),
        (f"SELECT * FROM A JOIN T {WITHIN} ON A.ID = T.ID", "for a Stream-Table join"),
        ("SELECT * FROM A JOIN B WITHIN 99999999999 DAYS ON A.ID = B.ID", "reaches too far"),
        (f"SELECT * FROM T JOIN U {WITHIN} ON T.ID = U.ID", "for a Table-Table join"),
        ("SELECT * FROM T JOIN A ON A.ID = T.ID", "table-stream joins are not supported"),
        ("SELECT * FROM A RIGHT JOIN T ON A.ID = T.ID", "right-outer join not supported"),
        ("SELECT * FROM A FULL JOIN T ON A.ID = T.ID", "Got A [FULL] OUTER JOIN T"),
        ("SELECT * FROM A JOIN T ON A.ID > T.ID", "Only equality"),
        ("SELECT * FROM A JOIN T ON A.ID = T.ID AND A.V = T.V", "multiple conditions"),
        ("SELECT * FROM A JOIN T ON A.ID = A.S", "references `A` and right references `A`"),
        ("SELECT * FROM A JOIN T ON A.ID = 'x'", "Invalid comparison expression ''x''"),
        ("SELECT * FROM A JOIN T ON CONCAT(A.ID, T.ID) = T.ID", "exactly one source"),
        ("SELECT * FROM A JOIN T ON A.S = T.S", "stream-table joins require"),
        ("SELECT * FROM T JOIN U ON T.S = U.S", "primary key of the right input table"),
        ("SELECT * FROM T JOIN W ON T.ID = W.W1", "primary key of the right input table"),
        ("SELECT * FROM A JOIN I ON A.ID = I.ID", "Key types differ: STRING vs INTEGER"),
        ("SELECT * FROM T JOIN I ON T.S = I.ID", "Got T.S{STRING} = I.ID{INTEGER}"),
        ("SELECT * FROM T RIGHT JOIN U ON T.S = U.ID", "RIGHT OUTER JOIN on a foreign key"),
        (f"SELECT * FROM A x JOIN A y {WITHIN} ON x.ID = y.ID", "self joins"),
        (f"SELECT * FROM A x JOIN B x {WITHIN} ON x.ID = x.ID", "Got X twice"),
        ("SELECT * FROM A JOIN NOPE ON A.ID = NOPE.ID", "NOPE does not exist"),
        ("SELECT V FROM A JOIN T ON A.ID = T.ID", "Column 'V' is ambiguous. Could be A.V or T.V"),
        ("SELECT A.V FROM A JOIN T ON A.ID = ID", "Column 'ID' is ambiguous"),
        ("SELECT C.* FROM A JOIN T ON A.ID = T.ID", "'C' is not a valid"),
        ("SELECT S->* FROM A", "is for structs"),
        ("SELECT * FROM A JOIN T ON A.ID = T.ID JOIN U ON A.ID = T.ID", "that is joined: `U`"),
        (f"SELECT * FROM A JOIN X {WITHIN} ON A.ID = X.ID", "windowed source to non-windowed"),
        (f"SELECT * FROM X JOIN Z {WITHIN} ON X.ID = Z.ID", "windows differ in kind"),
        ("SELECT * FROM T PARTITION BY V", "Cannot repartition a TABLE source"),
        ("SELECT * FROM A PARTITION BY NOPE", "since PARTITION BY is applied on the input"),
        ("SELECT * FROM A PARTITION BY COUNT(*)", "Can't find any functions with the name 'COUNT'"),
        ("SELECT S, COUNT(*) FROM A GROUP BY S PARTITION BY S", "cannot be combined with GROUP BY"),
        ("SELECT * FROM A PARTITION BY V, NULL", "PARTITION BY NULL stands alone"),
    ],
)  # fmt: skip
def test_refusals(statement: Parse, sources: Catalog, text: str, says: str) -> None:
    with pytest.raises(StatementError) as caught:
        analyzed(statement, sources, f"{text} EMIT CHANGES;")
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"SELECT A.V FROM A JOIN B {WITHIN} ON A.ID = B.ID",
         "must include the join expressions A.ID or B.ID in its projection (eg, SELECT A.ID...)"),
        (f"SELECT A.V FROM A FULL JOIN B {WITHIN} ON A.ID = B.ID", "ROWKEY is added by the join"),
        ("SELECT W1, T.V FROM W JOIN T ON W.S = T.ID", "primary key column W.W2"),
        (f"SELECT X.S, Y.V FROM X JOIN Y {WITHIN} ON X.S = Y.S", "Implicit repartitioning"),
        ("SELECT S FROM A PARTITION BY V", "partitioning expression A.V"),
        ("SELECT V, V AS V2 FROM A PARTITION BY V", "aliased as: V and V2"),
        (f"SELECT A.ST, A.V FROM A JOIN B {WITHIN} ON A.ST = B.ST", "[`A_ST` STRUCT<`X`"),
    ],
)  # fmt: skip
def test_persistent_queries_need_their_key(
    statement: Parse, sources: Catalog, text: str, says: str
) -> None:
    with pytest.raises(RequestError) as caught:
        plan_persistent(analyzed(statement, sources, f"{text};"), builtin(), "X")
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("joins", "counted"),
    [
        (f"JOIN B {WITHIN} ON A.ID = B.ID", "A_ROWTIME"),
        (f"RIGHT JOIN B {WITHIN} ON A.ID = B.ID", "B_ROWTIME"),
        (f"FULL JOIN B {WITHIN} ON A.ID = B.ID", "ROWKEY"),
        (f"FULL JOIN B {WITHIN} ON A.ID = B.ID JOIN T ON A.ID = T.ID", "T_ROWTIME"),
    ],
)
def test_counting_rows_counts_every_row_of_a_join(
    statement: Parse, sources: Catalog, joins: str, counted: str
) -> None:
    text = f"SELECT A.S, COUNT(*) FROM A {joins} GROUP BY A.S EMIT CHANGES;"
    (call,) = analyzed(statement, sources, text).aggregates
    assert call.arguments == (ast.Column(name=ColumnName(counted)),)


def test_times_of_both_sides_are_compared_with_text(statement: Parse, sources: Catalog) -> None:
    found = analyzed(
        statement,
        sources,
        "SELECT A.ID FROM A JOIN T ON A.ID = T.ID WHERE T.ROWTIME > '1970-01-01T00:00:01' "
        "EMIT CHANGES;",
    )
    assert found.where is not None
    assert expression(found.where) == "(T_ROWTIME > 1000)"


def test_the_shown_statement_is_qualified(statement: Parse, sources: Catalog) -> None:
    made = statement(
        "SELECT x.id, s2.v AS v2, w1 FROM A x RIGHT JOIN B s2 WITHIN (1 HOUR, 2 days) GRACE PERIOD "
        "1 minute ON s2.id = x.s LEFT JOIN T ON s2.id = t.id JOIN K WITHIN 5 SECONDS ON k1 = s2.id "
        "WHERE x.v > 1 PARTITION BY w1;".replace("w1", "k2")
    )
    assert isinstance(made, ast.QueryStatement)
    assert query(qualified(made.query, analyze(made.query, sources, builtin()))) == (
        "SELECT\n  X.ID X_ID,\n  S2.V V2,\n  K.K2 K2\nFROM A X\n"
        "RIGHT OUTER JOIN B S2 WITHIN (1 HOURS, 2 DAYS) GRACE PERIOD 1 MINUTES ON ((S2.ID = X.S))\n"
        "LEFT OUTER JOIN T T ON ((S2.ID = T.ID))\n"
        "INNER JOIN K K WITHIN 5 SECONDS ON ((K.K1 = S2.ID))\n"
        "WHERE (X.V > 1)\nPARTITION BY K.K2\nEMIT CHANGES"
    )


class Counts:
    """Topics with as many partitions as told."""

    def __init__(self, **partitions: int) -> None:
        self._partitions = partitions

    def find(self, name: str) -> Topic | None:
        count = self._partitions.get(name)
        return None if count is None else Topic(TopicName(name), count, 1, -1)


def test_sources_of_a_join_need_as_many_partitions(statement: Parse, sources: Catalog) -> None:
    found = analyzed(statement, sources, "SELECT * FROM A JOIN T ON A.ID = T.ID EMIT CHANGES;")
    check_partitions(found.scope, found.joins, Counts(a=2, t=2))
    with pytest.raises(StatementError, match="`A` partitions = 2; `T` partitions = 3"):
        check_partitions(found.scope, found.joins, Counts(a=2, t=3))
    foreign = analyzed(statement, sources, "SELECT * FROM T JOIN U ON T.S = U.ID EMIT CHANGES;")
    check_partitions(foreign.scope, foreign.joins, Counts(t=2, u=3))
