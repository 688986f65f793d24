"""A client of ksqlDB's REST API: statements, pull queries, push queries as rows arrive.

Sources: ksqlDB's API reference ("/ksql", "/query-stream" with the delimited format, "/close-query",
"/inserts-stream", "/info", "/healthcheck"), and recorded answers of ksqlDB 7.9.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx2

from lab import access
from lab.clients.errors import KsqlRefused, UnexpectedAnswer, Unreachable
from lab.clients.ksqldb_rows import PushQuery, Rows
from lab.clients.names import QueryId, ServiceId, SourceName, TopicName
from lab.errors import InvalidSetting

_STATEMENT_TYPE = "application/vnd.ksql.v1+json"
_ROWS_TYPE = "application/vnd.ksqlapi.delimited.v1"
_EARLIEST = {"ksql.streams.auto.offset.reset": "earliest"}


@dataclass(frozen=True)
class ServerInfo:
    """What the server says it is, from ``/info``."""

    version: str
    kafka_cluster_id: str
    service_id: ServiceId
    status: str


@dataclass(frozen=True)
class Entity:
    """One statement's answer; ``data`` is all of it, the rest picked from it where it is there."""

    type: str
    statement_text: str
    data: Mapping[str, object]

    @property
    def query_id(self) -> QueryId | None:
        """The persistent query that the statement started, if it did."""
        status = self.data.get("commandStatus")
        query_id = status.get("queryId") if isinstance(status, dict) else None
        return QueryId(query_id) if isinstance(query_id, str) and query_id else None

    @property
    def status(self) -> str | None:
        """The command's status ("SUCCESS", …) for statements that were commands."""
        status = self.data.get("commandStatus")
        word = status.get("status") if isinstance(status, dict) else None
        return word if isinstance(word, str) else None


@dataclass(frozen=True)
class RunningQuery:
    """A line of SHOW QUERIES."""

    query_id: QueryId
    query_type: str
    state: str
    sinks: tuple[SourceName, ...]
    sink_topics: tuple[TopicName, ...]
    statement_text: str


class KsqlClient:
    """Talks to one server. Close it, or use it as a context manager."""

    def __init__(
        self,
        url: str,
        *,
        auth: tuple[str, str] | None = None,
        ca_file: Path | None = None,
        timeout_seconds: float = 30.0,
    ) -> None:
        """``auth`` are user and password; they may stand in the URL too, and are never shown.

        ``ca_file`` holds the certificates in PEM that an https server is checked by, in place of
        the usual authorities. What is not given comes from lab/access.py. Raises InvalidSetting
        where a file cannot be read.
        """
        parts = httpx2.URL(url)
        if parts.userinfo:
            auth = auth or (parts.username, parts.password)
            parts = parts.copy_with(username=None, password=None)
        self.url = str(parts).rstrip("/")
        known = access.http_access(self.url)
        self._http = httpx2.Client(
            base_url=self.url,
            auth=auth or known.basic,
            headers=known.headers,
            verify=_trusting(ca_file, known),
            timeout=timeout_seconds,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections; open push queries end with them."""
        self._http.close()

    def __enter__(self) -> KsqlClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def info(self) -> ServerInfo:
        """The server's version and service id."""
        body = _object(self._get("/info"), "/info")
        found = body.get("KsqlServerInfo")
        if not isinstance(found, dict):
            raise UnexpectedAnswer(f"/info: {body}")
        return ServerInfo(
            version=str(found["version"]),
            kafka_cluster_id=str(found["kafkaClusterId"]),
            service_id=ServiceId(str(found["ksqlServiceId"])),
            status=str(found["serverStatus"]),
        )

    def healthy(self) -> bool:
        """Whether the server's own health check says so."""
        return _object(self._get("/healthcheck"), "/healthcheck").get("isHealthy") is True

    def execute(
        self, statements: str, *, properties: Mapping[str, str] | None = None
    ) -> list[Entity]:
        """Run statements one after the other; one entity each (INSERT VALUES has none).

        ``properties`` default to reading sources from their beginning. Raises KsqlRefused at the
        first statement that is refused; those before it have taken effect.
        """
        body = {
            "ksql": statements,
            "streamsProperties": dict(_EARLIEST if properties is None else properties),
        }
        answer = self._post("/ksql", body, accept=_STATEMENT_TYPE)
        if not isinstance(answer, list):
            raise UnexpectedAnswer(f"/ksql: not a list: {answer!r}")
        entities = [_object(item, "/ksql") for item in answer]
        return [
            Entity(str(found.get("@type", "")), str(found.get("statementText", "")), found)
            for found in entities
        ]

    def start_query(
        self, statement: str, *, properties: Mapping[str, str] | None = None
    ) -> QueryId:
        """Run one CSAS, CTAS or INSERT INTO and return the id of the query that it started."""
        entities = self.execute(statement, properties=properties)
        query_id = entities[-1].query_id if entities else None
        if query_id is None:
            raise UnexpectedAnswer(f"no query id in the answer to: {statement}")
        return query_id

    def queries(self) -> list[RunningQuery]:
        """SHOW QUERIES, typed."""
        found = self.execute("SHOW QUERIES;")[0].data.get("queries")
        if not isinstance(found, list):
            raise UnexpectedAnswer("SHOW QUERIES: no list of queries")
        return [
            RunningQuery(
                query_id=QueryId(str(item["id"])),
                query_type=str(item.get("queryType", "")),
                state=str(item.get("state", "")),
                sinks=tuple(SourceName(name) for name in item.get("sinks", ())),
                sink_topics=tuple(TopicName(name) for name in item.get("sinkKafkaTopics", ())),
                statement_text=str(item.get("queryString", "")),
            )
            for item in found
        ]

    def sources(self) -> dict[SourceName, str]:
        """Every stream and table: name → "STREAM" or "TABLE"."""
        entities = self.execute("SHOW STREAMS; SHOW TABLES;")
        found: dict[SourceName, str] = {}
        for entity in entities:
            for kind in ("streams", "tables"):
                listed = cast("list[dict[str, str]]", entity.data.get(kind, []))
                found |= {SourceName(item["name"]): item["type"] for item in listed}
        return found

    def pull(self, sql: str, *, properties: Mapping[str, str] | None = None) -> Rows:
        """Run a query that ends by itself and return all of its rows.

        Raises KsqlRefused, and Unreachable when no row or end arrives within the time-out.
        """
        with self.push(sql, properties=properties) as query:
            return Rows(query.header, tuple(query))

    def push(
        self,
        sql: str,
        *,
        properties: Mapping[str, str] | None = None,
        row_timeout_seconds: float | None = 30.0,
    ) -> PushQuery:
        """Start a query and return it with its header; iterate over it for rows as they come.

        ``row_timeout_seconds`` is how long the server may be silent before Unreachable is raised.
        Closing the result ends the query on the server.
        """
        body = {"sql": sql, "properties": dict(_EARLIEST if properties is None else properties)}
        request = self._http.build_request(
            "POST",
            "/query-stream",
            json=body,
            headers={"Accept": _ROWS_TYPE, "Content-Type": _ROWS_TYPE},
            timeout=httpx2.Timeout(15.0, read=row_timeout_seconds),
        )
        try:
            response = self._http.send(request, stream=True)
            if response.status_code != 200:
                response.read()
                raise _refusal(response)
        except httpx2.HTTPError as error:
            raise Unreachable(f"POST /query-stream: {error}") from error
        return PushQuery(response, self.end_query)

    def end_query(self, query_id: QueryId) -> bool:
        """Ask the server to end a push query; False when it knows of none (it ended already)."""
        response = self._send("POST", "/close-query", {"queryId": query_id})
        if response.status_code == 400:
            return False
        if not response.is_success:
            raise _refusal(response)
        return True

    def insert(self, target: str, rows: Sequence[Mapping[str, object]]) -> int:
        """Insert rows through ``/inserts-stream``; how many were acknowledged. Raises KsqlRefused.

        Each row maps column names to values.
        """
        lines = [json.dumps({"target": target}), *(json.dumps(dict(row)) for row in rows)]
        response = self._send("POST", "/inserts-stream", "\n".join(lines) + "\n")
        if not response.is_success:
            raise _refusal(response)
        acknowledged = 0
        for line in filter(str.strip, response.text.splitlines()):
            found = _object(json.loads(line), "/inserts-stream")
            if found.get("status") == "error":
                raise KsqlRefused(
                    status=200,
                    error_code=_number(found.get("error_code")),
                    reason=str(found.get("message", "")),
                )
            acknowledged += 1
        return acknowledged

    def _get(self, path: str) -> object:
        response = self._send("GET", path, None)
        if not response.is_success:
            raise _refusal(response)
        return _json(response)

    def _post(self, path: str, body: object, *, accept: str) -> object:
        response = self._send("POST", path, body, accept=accept)
        if not response.is_success:
            raise _refusal(response)
        return _json(response)

    def _send(
        self, method: str, path: str, body: object, *, accept: str = "*/*"
    ) -> httpx2.Response:
        content = body if isinstance(body, str) or body is None else json.dumps(body)
        headers = {"Accept": accept}
        if content is not None:
            headers["Content-Type"] = _ROWS_TYPE if isinstance(body, str) else _STATEMENT_TYPE
        try:
            return self._http.request(method, path, content=content, headers=headers)
        except httpx2.HTTPError as error:
            raise Unreachable(f"{method} {self.url}{path}: {error}") from error


def _trusting(ca_file: Path | None, known: access.HttpAccess) -> ssl.SSLContext | bool:
    authority = known.ca_file if ca_file is None else str(ca_file)
    if authority is None and known.certificate_file is None:
        return True
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise InvalidSetting(
            str(authority), f"no certificates to check a server by: {error}"
        ) from None
    if known.certificate_file is not None:
        try:
            context.load_cert_chain(known.certificate_file, known.key_file)
        except (OSError, ssl.SSLError) as error:
            raise InvalidSetting(
                known.certificate_file, f"no certificate with its key: {error}"
            ) from None
    return context


def _refusal(response: httpx2.Response) -> KsqlRefused:
    try:
        body = response.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    statement = body.get("statementText")
    return KsqlRefused(
        status=response.status_code,
        error_code=_number(body.get("error_code")),
        reason=str(body.get("message") or response.text or response.reason_phrase),
        statement_text=statement if isinstance(statement, str) else None,
        entities=tuple(body.get("entities") or ()),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _json(response: httpx2.Response) -> object:
    try:
        return cast("object", response.json())
    except ValueError as error:
        raise UnexpectedAnswer(f"{response.url}: not JSON: {response.text[:200]!r}") from error


def _object(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise UnexpectedAnswer(f"{where}: not a JSON object: {value!r}")
    return cast("dict[str, object]", value)
