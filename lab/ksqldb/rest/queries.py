"""The /query and /query-stream end points: SELECT statements and their formats of answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.ksqldb.analysis import pull
from lab.ksqldb.analysis.query import analyze
from lab.ksqldb.catalog import Column, Schema
from lab.ksqldb.errors import BadRequest, StatementError
from lab.ksqldb.rest.entities import error
from lab.ksqldb.rest.statements import check_properties
from lab.ksqldb.rest.streaming import Framing
from lab.ksqldb.runtime.engine import Engine
from lab.ksqldb.runtime.guards import check_pull
from lab.ksqldb.runtime.peers import ACTIVE_ONLY, DEBUG, PARTITIONS, SKIP_FORWARDING
from lab.ksqldb.runtime.printing import print_topic
from lab.ksqldb.runtime.transient import PullRequest, Rows, RowText
from lab.ksqldb.sql import ast, ast_admin
from lab.ksqldb.sql.identifiers import quote

CLASSIC = "application/vnd.ksql.v1+json"
DELIMITED = "application/vnd.ksqlapi.delimited.v1"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Selected:
    """A query that was started, its rows, and how they are framed."""

    rows: Rows
    framing: Framing


def select(
    engine: Engine,
    text: str,
    properties: Mapping[str, Any],
    media_type: str,
    *,
    classic: bool,
    variables: Mapping[str, str],
    after: int | None,
    request: Mapping[str, str],
) -> Selected:
    """Start the one SELECT of a request.

    ``classic`` is for the errors of /query; ``after`` is the number of a command that must have
    been applied before; ``request`` are the properties of the request itself, by which nodes mark
    what they forward.

    Raises:
        KsqlError: the request is refused.
    """
    engine.check_ready()
    if after is not None:
        engine.wait_for_command(after)
    check_properties(engine, properties)
    parsed = engine.parser.parse(text, custom_types=engine.catalog.types(), variables=variables)
    if len(parsed) != 1:
        raise StatementError(
            f"Expected exactly one KSQL statement; found {len(parsed)} instead", statement=text
        )
    statement = parsed[0].statement
    try:
        if isinstance(statement, ast_admin.Print):
            printed = print_topic(statement, engine.broker, engine.config.command_topic)
            return Selected(printed, Framing(CLASSIC, b"", lambda _: b"", _line))
        if not isinstance(statement, ast.QueryStatement):
            if classic:
                kind = type(statement).__name__
                raise BadRequest(f"Statement type `{kind}' not supported for this resource")
            raise StatementError("Neither a query nor a print statement")
        pulled = _pull_request(engine, parsed[0].text, request)
        return _start(engine, statement.query, parsed[0].text, properties, media_type, pulled)
    except StatementError as error:
        error.statement = error.statement or parsed[0].text
        raise


def _pull_request(engine: Engine, text: str, request: Mapping[str, str]) -> PullRequest:
    partitions = request.get(PARTITIONS)
    try:
        asked = None if partitions is None else tuple(int(p) for p in partitions.split(","))
    except ValueError:
        raise BadRequest(f'"{PARTITIONS}" takes numbers with commas between') from None
    return PullRequest(
        text,
        engine.runner.applied,
        request.get(SKIP_FORWARDING) == "true",
        asked,
        request.get(DEBUG) == "true",
        request.get(ACTIVE_ONLY) == "true",
    )


def _start(  # noqa: PLR0917 - made in one place only
    engine: Engine,
    query: ast.Query,
    text: str,
    properties: Mapping[str, Any],
    media_type: str,
    pulled: PullRequest,
) -> Selected:
    overrides = {str(k): str(v) for k, v in properties.items()}
    if query.emit is None:
        check_pull(engine.config.effective())
        if engine.catalog.source(query.source.source) is not None:
            pull.check_shape(query)
        analyzed = analyze(query, engine.catalog, engine.functions, pull=True)
        text_of_row = _row_text(media_type, push=False)
        rows = engine.pull_limits.admitted(
            lambda: engine.transient.pull(analyzed, engine.catalog, overrides, text_of_row, pulled)
        )
        names = [i.name for i in analyzed.items]
        return Selected(rows, _framing(rows, names, media_type, push=False))
    analyzed = analyze(query, engine.catalog, engine.functions)
    push = engine.transient.push(analyzed, text, overrides, _row_text(media_type, push=True))
    names = [c.name for c in push.schema.value]
    return Selected(push, _framing(push, names, media_type, push=True))


def _row_text(media_type: str, *, push: bool) -> RowText:
    if media_type == DELIMITED:
        return RowText("", "\n")
    if media_type == JSON:
        return RowText(",", "")
    if push:
        return RowText('{"row":{"columns":', "}},\n", ',"tombstone":true}},\n')
    return RowText(',\n{"row":{"columns":', "}}")


def _framing(rows: Rows, names: list[Any], media_type: str, *, push: bool) -> Framing:
    columns = {c.name: c for c in rows.schema.columns}
    ordered = [columns[n] for n in names]
    if media_type == CLASSIC:
        header = {"queryId": rows.id, "schema": _classic_schema(rows.schema, ordered)}
        head = "[" + _compact({"header": header})
        # A push query's rows each end with a comma, a pull query's begin with one.
        comma = b"" if push else b",\n"
        return Framing(
            CLASSIC,
            (head + (",\n" if push else "")).encode(),
            _classic_tail(push),
            lambda why: comma + _compact({"errorMessage": _fault(why)}).encode() + b"]",
        )
    names_and_types: dict[str, Any] = {
        "queryId": rows.id,
        "columnNames": [c.name for c in ordered],
        "columnTypes": [str(c.type) for c in ordered],
    }
    if media_type == JSON:
        head = "[" + _compact(names_and_types)
        return Framing(
            JSON,
            head.encode(),
            lambda _: b"]",
            lambda why: b"," + _compact(_fault(why)).encode() + b"]",
        )
    return Framing(DELIMITED, (_compact(names_and_types) + "\n").encode(), lambda _: b"", _line)


def _fault(why: str) -> dict[str, Any]:
    return error(50000, why, None, [])


def _line(why: str) -> bytes:
    return (_compact(_fault(why)) + "\n").encode()


def _classic_schema(schema: Schema, ordered: list[Column]) -> str:
    return ", ".join(
        f"{quote(c.name)} {c.type}{' KEY' if schema.is_key(c.name) else ''}" for c in ordered
    )


def _classic_tail(push: bool) -> Any:
    def tail(final: str | None) -> bytes:
        if final is None:
            return b"]"
        comma = "" if push else ",\n"
        return (comma + _compact({"finalMessage": final}) + "]").encode()

    return tail


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
