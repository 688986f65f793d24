"""Statements about connectors, forwarded to Kafka Connect (``ksql.connect.url``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from lab.ksqldb.errors import KsqlError, RequestError, ServerFault
from lab.ksqldb.rest import describe
from lab.ksqldb.rest.entities import Entity
from lab.ksqldb.rest.handlers.session import Session, entity
from lab.ksqldb.runtime.engine import Engine
from lab.ksqldb.runtime.http_json import Reply, call
from lab.ksqldb.sql import ast_admin

_BAD_REQUEST = "org.apache.kafka.connect.runtime.rest.errors.BadRequestException: "


class ConnectRefused(RequestError):
    """Connect refused; its status becomes the answer's.

    It answers 500 to some bad requests, and names its exception in the message: those are 400.
    """

    def __init__(self, what: str, reply: Reply) -> None:
        wrong, named, reason = reply.message.partition(_BAD_REQUEST)
        ours = bool(named) and not wrong
        super().__init__(f"{what}: {reason if ours else reply.message}")
        self.error_code = 40000 if ours else max(reply.status, 400) * 100


class InvalidConnector(RequestError):
    """Connect finds a configuration wrong."""


def show_connectors(session: Session, statement: ast_admin.ShowConnectors, text: str) -> Entity:
    """The connectors, with how they do."""
    found = _call(session.engine, "GET", "connectors?expand=info&expand=status")
    if found.status != 200:
        raise ConnectRefused("Failed to list connectors", found)
    rows = []
    warnings = []
    for name, of in sorted(found.body.items()):
        info, status = of.get("info"), of.get("status")
        if info is None:
            warnings.append({"message": f"Could not describe connector {name}"})
            continue
        kind = str(info.get("type", "unknown")).upper()
        if statement.kind in {None, kind}:
            rows.append(
                {
                    "name": name,
                    "type": kind.lower(),
                    "className": info.get("config", {}).get("connector.class"),
                    "state": _state(status),
                }
            )
    return entity("connector_list", text, connectors=rows) | {"warnings": warnings}


def _state(status: dict[str, Any] | None) -> str:
    if status is None:
        return "UNKNOWN"
    own = str(status["connector"]["state"])
    if own.upper() != "RUNNING":
        return own
    tasks = status.get("tasks", [])
    running = sum(1 for t in tasks if str(t["state"]).upper() == "RUNNING")
    word = "FAILED" if running == 0 else "RUNNING" if running == len(tasks) else "WARNING"
    return f"{word} ({running}/{len(tasks)} tasks RUNNING)"


def show_plugins(session: Session, _statement: ast_admin.ShowConnectorPlugins, text: str) -> Entity:
    """The connector plugins that Connect has."""
    found = _call(session.engine, "GET", "connector-plugins", kind=list)
    if found.status != 200:
        raise ConnectRefused("Failed to list connector plugins", found)
    rows = [
        {"className": p.get("class"), "type": p.get("type"), "version": p.get("version")}
        for p in found.body
    ]
    return entity("connector_plugins_list", text, connectorsPlugins=rows)


def create_connector(session: Session, statement: ast_admin.CreateConnector, text: str) -> Entity:
    """Create a connector, once Connect finds its configuration right."""
    engine = session.engine
    name = statement.name
    config = {**dict(statement.properties), "name": name}
    if _call(engine, "GET", f"connectors/{_part(name)}").status == 200:
        if statement.if_not_exists:
            return entity("warning_entity", text, message=f"Connector {name} already exists")
        existing = Reply(409, f"Connector {name} already exists")
        raise ConnectRefused("Failed to create connector", existing)
    _validate(engine, config)
    made = _call(engine, "POST", "connectors", {"name": name, "config": config})
    if made.status not in {200, 201}:
        raise ConnectRefused("Failed to create connector", made)
    return entity("connector_info", text, info=_members(made.body, _INFO))


def _validate(engine: Engine, config: dict[str, str]) -> None:
    plugin = config.get("connector.class")
    if not plugin:
        raise InvalidConnector(
            "Validation error: Connector config "
            f"{{{', '.join(f'{k}={v}' for k, v in config.items())}}} contains no connector type"
        )
    checked = _call(engine, "PUT", f"connector-plugins/{_part(plugin)}/config/validate", config)
    if checked.status != 200:
        raise ConnectRefused("Failed to create connector", checked)
    wrong = [
        f"{c['value']['name']} - {'. '.join(c['value']['errors'])}"
        for c in checked.body.get("configs", [])
        if c.get("value", {}).get("errors")
    ]
    if wrong:
        raise InvalidConnector("Validation error: " + "\n".join(wrong))


def drop_connector(session: Session, statement: ast_admin.DropConnector, text: str) -> Entity:
    """Delete a connector."""
    name = statement.name
    dropped = _call(session.engine, "DELETE", f"connectors/{_part(name)}")
    if dropped.status == 404 and statement.if_exists:
        return entity("warning_entity", text, message=f"Connector '{name}' does not exist.")
    if dropped.status >= 400:
        raise ConnectRefused("Failed to drop connector", dropped)
    return entity("drop_connector", text, connectorName=name)


def describe_connector(
    session: Session, statement: ast_admin.DescribeConnector, text: str
) -> Entity:
    """A connector, its tasks, its topics, and the sources over them."""
    engine = session.engine
    path = f"connectors/{_part(statement.name)}"
    info = _call(engine, "GET", path)
    if info.status != 200:
        raise ConnectRefused("Failed to query connector", info)
    status = _call(engine, "GET", f"{path}/status")
    if status.status != 200:
        raise ConnectRefused("Failed to query connector status", status)
    topics = _call(engine, "GET", f"{path}/topics")
    names: list[str] = []
    warnings: list[Entity] = []
    if topics.status == 200:
        names = sorted(topics.body.get(statement.name, {}).get("topics", []))
    else:
        warnings.append({"message": f"Could not list related topics: {topics.message}"})
    sources = [
        describe.source_description(engine, s, extended=False)
        for s in engine.catalog.sources()
        if s.topic in names
    ]
    return entity(
        "connector_description",
        text,
        connectorClass=info.body.get("config", {}).get("connector.class"),
        status=_members(status.body, _STATUS),
        sources=sources,
        topics=names,
    ) | {"warnings": warnings}


# What Connect 3 tells of a connector: clients know no other members, and a later one has more.
_STATE = dict.fromkeys(("id", "state", "worker_id", "trace"))
_STATUS = {"name": None, "connector": _STATE, "tasks": _STATE, "type": None}
_INFO = dict.fromkeys(("name", "config", "tasks", "type"))


def _members(value: Any, known: Mapping[str, Any]) -> Any:
    """Connect's data with the members that are known only."""
    if isinstance(value, list):
        return [_members(item, known) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: member if known[name] is None else _members(member, known[name])
        for name, member in value.items()
        if name in known
    }


def _part(name: str) -> str:
    return quote(name, safe="")


def _call(
    engine: Engine,
    method: str,
    path: str,
    body: object = None,
    kind: type[dict[str, Any]] | type[list[Any]] = dict,
) -> Reply:
    settings = engine.config.effective()
    url = settings["ksql.connect.url"].split(",")[0].rstrip("/")
    timeout = int(settings["ksql.connect.request.timeout.ms"]) / 1000
    try:
        reply = call(method, f"{url}/{path}", body, timeout_seconds=timeout, server="Kafka Connect")
    except KsqlError as error:
        error.message = error.message.replace(f"{url}/{path}", url)
        raise
    if reply.status < 300 and reply.body is not None and not isinstance(reply.body, kind):
        raise ServerFault(f"What answers at {url} is no Kafka Connect.")
    return reply
