"""What nodes say to each other over HTTP, and what they say of each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from lab.ksqldb.errors import BadRequest
from lab.ksqldb.rest.entities import Entity
from lab.ksqldb.runtime.cluster import Cluster
from lab.ksqldb.runtime.lags import HostLags
from lab.ksqldb.runtime.peers import Host

UNRESPONSIVE = "UNRESPONSIVE"
"""The state of a query on a node that does not answer."""
_TOLD_FIRST = ("ERROR", "NOT_RUNNING", "PAUSED", "RUNNING", UNRESPONSIVE)


def heartbeat(cluster: Cluster, body: Mapping[str, Any]) -> Entity:
    """Take a node's heartbeat.

    Raises:
        BadRequest: the body is none.
    """
    try:
        host = Host.of_entity(body.get("hostInfo"))
    except ValueError as error:
        raise BadRequest(f'"hostInfo": {error}') from None
    cluster.heartbeats.received(host)
    return {"isOk": True}


def lag(cluster: Cluster, body: Mapping[str, Any]) -> Entity:
    """Take a node's lags.

    Raises:
        BadRequest: the body is none.
    """
    try:
        host = Host.of_entity(body.get("ksqlHost"))
        lags = HostLags.of_entity(body.get("hostStoreLags"))
    except ValueError as error:
        raise BadRequest(f"Not a report of lags: {error}") from None
    cluster.lags.received(host, lags)
    return {"isOk": True}


def all_queries(
    own: Iterable[Entity], others: Iterable[Iterable[Entity]], silent: int
) -> list[Entity]:
    """The queries of all nodes as SHOW QUERIES lists them; ``silent`` nodes did not answer."""
    found = {query["id"]: {**query, "statusCount": dict(query["statusCount"])} for query in own}
    for queries in others:
        for query in queries:
            known = found.setdefault(query["id"], {**query, "statusCount": {}})
            for state, count in query["statusCount"].items():
                known["statusCount"][state] = known["statusCount"].get(state, 0) + count
    for query in found.values():
        if query["queryType"] == "PERSISTENT":
            if silent:
                query["statusCount"][UNRESPONSIVE] = silent
            query["state"] = _of_all(query["statusCount"])
    return list(found.values())


def _of_all(states: Collection[str]) -> str:
    """A query's state over all nodes: ERROR if it is so on any."""
    return next((state for state in _TOLD_FIRST if state in states), UNRESPONSIVE)


def all_descriptions(
    own: Iterable[Entity], others: Iterable[Iterable[Entity]], silent: Iterable[Host]
) -> list[Entity]:
    """The descriptions of all nodes' queries, each query's in one."""
    unresponsive = {str(host): UNRESPONSIVE for host in silent}
    found = {query["id"]: dict(query) for query in own}
    for queries in others:
        for query in queries:
            known = found.get(query["id"])
            if known is None:
                found[query["id"]] = dict(query)
                continue
            known["ksqlHostQueryStatus"] = (
                known["ksqlHostQueryStatus"] | query["ksqlHostQueryStatus"]
            )
            for several in ("tasksMetadata", "queryErrors"):
                known[several] = [*known[several], *query[several]]
    for query in found.values():
        if query["queryType"] == "PERSISTENT":
            query["ksqlHostQueryStatus"] = query["ksqlHostQueryStatus"] | unresponsive
            query["state"] = _of_all(query["ksqlHostQueryStatus"].values())
    return list(found.values())
