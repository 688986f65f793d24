"""The HTTP application: routes, bodies in, errors out."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from lab.ksqldb.config import PRODUCT, VERSION
from lab.ksqldb.errors import BadRequest, KsqlError, NotFound, RequestError
from lab.ksqldb.jvm.topics import RowInserts
from lab.ksqldb.rest import cluster, entities, inserts, queries
from lab.ksqldb.rest.negotiation import (
    acceptable,
    json_object,
    mapping,
    sequence_number,
    sql,
    text,
)
from lab.ksqldb.rest.statements import Failed, Statements
from lab.ksqldb.rest.streaming import StreamedAnswer
from lab.ksqldb.rest.waiting import abandoned, may_wait
from lab.ksqldb.runtime.engine import Engine
from lab.ksqldb.runtime.peers import BETWEEN_NODES, INTERNAL

_LOG = logging.getLogger(__name__)
_JSON = "application/json"
_INTERNAL = "The server encountered an internal error. Please consult the server's log."
_BARE = frozenset({"/query", "/query-stream", "/inserts-stream", "/close-query"})
"""End points whose errors carry no content type, as ksqlDB's do not."""

Endpoint = Callable[[Request], Awaitable[ASGIApp]]


class OnlyHttp2(BadRequest):
    """An end point was called over HTTP/1.1 that needs HTTP/2."""

    error_code = 40004


class Application:
    """The end points over an engine."""

    def __init__(self, engine: Engine, versions: dict[str, str], statements: Statements) -> None:
        """``versions`` are further members of /info."""
        self._engine = engine
        self._versions = versions
        self._statements = statements
        self._work = ThreadPoolExecutor(32, thread_name_prefix="request")
        self._queries = ThreadPoolExecutor(32, thread_name_prefix="query")
        self._waiting = ThreadPoolExecutor(64, thread_name_prefix="waiting")
        self._streams = ThreadPoolExecutor(256, thread_name_prefix="push")

    def asgi(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/", self._root),
            Route("/info", self._info),
            Route("/healthcheck", self._health),
            Route("/ksql", self._guarded(self._ksql), methods=["POST"]),
            Route("/query", self._guarded(self._query), methods=["POST"]),
            Route("/query-stream", self._guarded(self._query_stream), methods=["POST"]),
            Route("/close-query", self._guarded(self._close_query), methods=["POST"]),
            Route("/inserts-stream", self._guarded(self._inserts), methods=["POST"]),
            Route("/status", self._guarded(self._all_status)),
            Route("/status/{kind}/{name}/{action}", self._guarded(self._status)),
            Route("/is_valid_property/{name}", self._guarded(self._valid_property)),
            Route("/clusterStatus", self._guarded(self._cluster_status)),
            Route("/heartbeat", self._guarded(self._heartbeat), methods=["POST"]),
            Route("/lag", self._guarded(self._lag), methods=["POST"]),
            Route("/ksql/terminate", self._guarded(self._terminate), methods=["POST"]),
            Route("/terminate", self._guarded(self._terminate), methods=["POST"]),
            Route("/v1/metadata", self._metadata),
            Route("/v1/metadata/id", self._metadata_id),
        ]
        handlers: Any = {404: _missing, 405: _wrong_method}
        return Starlette(routes=routes, exception_handlers=handlers)

    def _guarded(self, endpoint: Endpoint) -> Any:
        """An end point whose errors become error bodies."""

        async def guarded(request: Request) -> Any:
            try:
                return await endpoint(request)
            except Failed as failed:
                return _refused(failed.error, failed.done, _JSON)
            except KsqlError as error:
                bare = request.url.path in _BARE
                return _refused(error, [], None if bare else _JSON)
            except ClientDisconnect:
                body = entities.error(40000, "The request ended before its body did", None, [])
                return _json(body, 400)
            except Exception:
                _LOG.exception("%s failed", request.url.path)
                return _json(entities.error(50000, _INTERNAL, None, []), 500)

        return guarded

    async def _run(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return await self._run_in(self._work, call, *arguments, **named)

    @staticmethod
    async def _run_in(
        pool: Executor, call: Callable[..., Any], *arguments: Any, **named: Any
    ) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, lambda: call(*arguments, **named))

    def _is_ahead(self, number: int | None) -> bool:
        """Whether a command has still to be waited for."""
        ready = self._engine.ready.is_set()
        return ready and number is not None and number > self._engine.runner.applied

    async def _root(self, _request: Request) -> Response:
        return RedirectResponse("/info", status_code=307)

    async def _info(self, _request: Request) -> Response:
        info = {
            "version": VERSION,
            "kafkaClusterId": self._engine.cluster_id,
            "ksqlServiceId": self._engine.config.service_id,
            "serverStatus": "RUNNING" if self._engine.ready.is_set() else "INITIALIZING",
            "product": PRODUCT,
            **self._versions,
        }
        return _json({"KsqlServerInfo": info})

    async def _health(self, _request: Request) -> Response:
        ready = self._engine.ready.is_set()
        following = ready and self._engine.runner.is_alive
        details = {"metastore": ready, "kafka": ready, "commandRunner": following}
        return _json(
            {
                "isHealthy": following,
                "details": {name: {"isHealthy": good} for name, good in details.items()},
                "serverState": "READY" if ready else "NOT_READY",
            }
        )

    async def _ksql(self, request: Request) -> ASGIApp:
        acceptable(request, (queries.CLASSIC, _JSON))
        body = await json_object(request)
        statements, after = sql(body, "ksql"), sequence_number(body)
        waits = may_wait(statements) or self._is_ahead(after)
        async with abandoned(request) as given_up:
            return _json(
                await self._run_in(
                    self._waiting if waits else self._work,
                    self._statements.run,
                    statements,
                    mapping(body, "streamsProperties"),
                    mapping(body, "sessionVariables"),
                    after,
                    alone=self._request_properties(request, body).get(INTERNAL) == "true",
                    given_up=given_up,
                )
            )

    async def _query(self, request: Request) -> ASGIApp:
        media = acceptable(request, (queries.CLASSIC, _JSON, queries.DELIMITED))
        media = queries.CLASSIC if media == _JSON else media
        return await self._select(request, media, classic=True)

    async def _query_stream(self, request: Request) -> ASGIApp:
        media = acceptable(request, (queries.DELIMITED, queries.JSON, queries.CLASSIC))
        return await self._select(request, media, classic=False)

    async def _select(self, request: Request, media: str, *, classic: bool) -> ASGIApp:
        body = await json_object(request)
        after = sequence_number(body)
        starting = asyncio.ensure_future(
            self._run_in(
                self._waiting if self._is_ahead(after) else self._queries,
                queries.select,
                self._engine,
                sql(body, "ksql" if classic or ("sql" not in body and "ksql" in body) else "sql"),
                mapping(
                    body, "streamsProperties" if classic else "properties", "streamsProperties"
                ),
                media,
                classic=classic,
                variables=mapping(body, "sessionVariables"),
                after=after,
                request=self._request_properties(request, body),
            )
        )
        try:
            found = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Its client is gone: what starts all the same must not run on.
            starting.add_done_callback(_unwanted)
            raise
        return StreamedAnswer(found.rows, found.framing, self._streams)

    async def _close_query(self, request: Request) -> ASGIApp:
        query = text(await json_object(request), "queryId")
        push = self._engine.transient.find(query) if self._engine.ready.is_set() else None
        if push is None:
            raise BadRequest(f"No query with id {query}")
        push.close()
        return Response(status_code=200)

    async def _inserts(self, request: Request) -> ASGIApp:
        if not request.scope.get("http_version", "1.1").startswith("2"):
            raise OnlyHttp2("This endpoint is only available when using HTTP2")
        media = acceptable(request, (queries.DELIMITED, queries.JSON))
        lines = inserts.Lines(request)
        source = await self._run(inserts.target, self._engine, await lines.first())
        rows = await self._run(RowInserts, self._engine.broker, source)
        return inserts.InsertsAnswer(rows, lines, self._streams, media)

    async def _all_status(self, _request: Request) -> ASGIApp:
        found = dict(self._engine.statuses)
        return _json({"commandStatuses": {key: done.status for key, done in found.items()}})

    async def _status(self, request: Request) -> ASGIApp:
        parts = request.path_params
        found = self._engine.statuses.get(f"{parts['kind']}/{parts['name']}/{parts['action']}")
        if found is None:
            raise NotFound("Command not found")
        return _json({"status": found.status, "message": found.message, "queryId": found.query})

    async def _valid_property(self, request: Request) -> ASGIApp:
        name = request.path_params["name"]
        denied = self._engine.config.effective()["ksql.properties.overrides.denylist"]
        if name in {n.strip() for n in denied.split(",")}:
            raise BadRequest(
                "One or more properties overrides set locally are prohibited by the KSQL server "
                f"(use UNSET to reset their default value): [{name}]"
            )
        return _json(True)

    async def _terminate(self, request: Request) -> ASGIApp:
        body = await json_object(request)
        await self._run(self._engine.check_ready)
        patterns = body.get("deleteTopicList") or []
        if not isinstance(patterns, list) or not all(isinstance(p, str) for p in patterns):
            raise BadRequest('"deleteTopicList" must be a list of texts')
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise BadRequest(f"Invalid pattern: {pattern}: {error}") from None
        number = await self._run(self._engine.terminate_cluster, patterns)
        done = entities.status(
            "cluster/TerminateCluster/terminate",
            "Cluster terminated.",
            None,
            "TERMINATE CLUSTER;",
            number,
        )
        return _json([done])

    async def _cluster_status(self, _request: Request) -> ASGIApp:
        await self._run(self._engine.check_ready)
        if not self._engine.cluster.heartbeats.settings.enabled:
            return _switched_off()
        return _json({"clusterStatus": await self._run(self._engine.cluster.status)})

    def _of_a_node(self, request: Request) -> bool:
        """Whether it may come from a node: it has come by their listener, or they have none."""
        internal = self._engine.config.internal
        return internal is None or bool(request.scope["server"][1] == internal.port)

    def _only_for_nodes(self, request: Request) -> None:
        """Refuse clients, where nodes have a listener of their own. Raises BadRequest."""
        if not self._of_a_node(request):
            raise BadRequest("Can't call internal endpoint on public listener")

    def _request_properties(self, request: Request, body: dict[str, Any]) -> dict[str, str]:
        """The properties of the request itself; what only nodes may ask for is passed over."""
        found = mapping(body, "requestProperties")
        if self._of_a_node(request):
            return found
        return {name: value for name, value in found.items() if name not in BETWEEN_NODES}

    async def _heartbeat(self, request: Request) -> ASGIApp:
        self._only_for_nodes(request)
        body = await json_object(request)
        await self._run(self._engine.check_ready)
        if not self._engine.cluster.heartbeats.settings.enabled:
            return _switched_off()
        return _json(cluster.heartbeat(self._engine.cluster, body))

    async def _lag(self, request: Request) -> ASGIApp:
        self._only_for_nodes(request)
        body = await json_object(request)
        await self._run(self._engine.check_ready)
        if not self._engine.cluster.lags.enabled:
            return _switched_off()
        return _json(cluster.lag(self._engine.cluster, body))

    async def _metadata(self, _request: Request) -> Response:
        return _json({"version": VERSION, "clusterId": self._cluster()})

    async def _metadata_id(self, _request: Request) -> Response:
        return _json(self._cluster())

    def _cluster(self) -> dict[str, Any]:
        clusters = {
            "kafka-cluster": self._engine.cluster_id,
            "ksql-cluster": self._engine.config.service_id,
        }
        return {"scope": {"path": [], "clusters": clusters}, "id": ""}


def _switched_off() -> Response:
    return Response(status_code=404, media_type=_JSON)


def _unwanted(starting: asyncio.Future[queries.Selected]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result().rows.close()


def _json(value: Any, status: int = 200, media_type: str | None = _JSON) -> Response:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    # Half a surrogate pair has no UTF-8; escaped it is JSON.
    data = text.encode("utf-8", "backslashreplace")
    headers = {} if media_type is None else {"content-type": media_type}
    return Response(data, status, headers=headers)


def _refused(error: KsqlError, done: list[dict[str, Any]], media_type: str | None) -> Response:
    if not isinstance(error, RequestError):
        _LOG.warning("%s", error)
        return _json(entities.error(50000, error.message, None, done), 500, media_type)
    statement = getattr(error, "statement", None)
    body = entities.error(error.error_code, error.message, statement, done)
    return _json(body, error.status, media_type)


async def _missing(_request: Request, _error: Exception) -> Response:
    return Response(
        "<html><body><h1>Resource not found</h1></body></html>",
        404,
        media_type="text/html",
    )


async def _wrong_method(_request: Request, _error: Exception) -> Response:
    return Response(
        "<html><body><h1>Method Not Allowed</h1></body></html>", 405, media_type="text/html"
    )
