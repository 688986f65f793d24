"""Rows of ksqlDB queries, as ``/query-stream`` sends them: a header line, then one row a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import httpx2

from lab.clients.errors import KsqlRefused, UnexpectedAnswer, Unreachable
from lab.clients.names import QueryId

Row = tuple[object, ...]


@dataclass(frozen=True)
class QueryHeader:
    """The first line: columns, and the query's id where the server gives one."""

    query_id: QueryId | None
    column_names: tuple[str, ...]
    column_types: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """A whole answer."""

    header: QueryHeader
    rows: tuple[Row, ...]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def as_dicts(self) -> list[dict[str, object]]:
        """The rows as column name → value."""
        return [dict(zip(self.header.column_names, row, strict=True)) for row in self.rows]


def parse_line(line: str) -> QueryHeader | Row:
    """One line of the delimited format.

    Raises KsqlRefused for an error that the server sent in place of a row, UnexpectedAnswer for
    anything else that is neither header nor row.
    """
    try:
        found = json.loads(line)
    except ValueError as error:
        raise UnexpectedAnswer(f"a line that is not JSON: {line[:200]!r}") from error
    if isinstance(found, list):
        return tuple(found)
    if isinstance(found, dict) and "columnNames" in found:
        query_id = found.get("queryId")
        return QueryHeader(
            QueryId(query_id) if query_id else None,
            tuple(found["columnNames"]),
            tuple(found.get("columnTypes", ())),
        )
    if isinstance(found, dict) and "message" in found:
        code = found.get("error_code")
        statement = found.get("statementText")
        raise KsqlRefused(
            status=200,
            error_code=code if isinstance(code, int) else 0,
            reason=str(found["message"]),
            statement_text=statement if isinstance(statement, str) else None,
        )
    raise UnexpectedAnswer(f"neither header nor row: {line[:200]!r}")


class PushQuery:
    """A running query: iterate for rows as they arrive; ``close`` ends it on the server too.

    ``close`` may be called from another thread than the one that iterates: the server then ends
    the stream and the iteration is over.
    """

    def __init__(self, response: httpx2.Response, end_query: Callable[[QueryId], bool]) -> None:
        self._response = response
        self._end_query = end_query
        self._lines = filter(str.strip, response.iter_lines())
        self._over = False
        try:
            self.header = self._read_header()
        except BaseException:
            response.close()
            raise

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        line = parse_line(self._next_line())
        if isinstance(line, QueryHeader):
            raise UnexpectedAnswer("a second header")
        return line

    def take(self, count: int) -> list[Row]:
        """The next ``count`` rows; fewer only when the query ends before."""
        rows: list[Row] = []
        while len(rows) < count:
            try:
                rows.append(next(self))
            except StopIteration:
                break
        return rows

    def close(self) -> None:
        """End the query: on the server, unless it has ended by itself, and here."""
        if not self._over:
            self._over = True
            if self.header.query_id is not None:
                self._end_query(self.header.query_id)
        self._response.close()

    def disconnect(self) -> None:
        """Close the connection without a word to the server, as a client that dies does."""
        self._over = True
        self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_header(self) -> QueryHeader:
        try:
            first = parse_line(self._next_line())
        except StopIteration:
            raise UnexpectedAnswer("an answer without a header") from None
        if not isinstance(first, QueryHeader):
            raise UnexpectedAnswer(f"a row before the header: {first!r}")
        return first

    def _next_line(self) -> str:
        try:
            return next(self._lines)
        except StopIteration:
            self._over = True
            raise
        except httpx2.StreamError:
            self._over = True
            raise StopIteration from None
        except httpx2.HTTPError as error:
            if self._over:
                raise StopIteration from None
            raise Unreachable(f"rows of a query: {error or type(error).__name__}") from error
