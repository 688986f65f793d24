"""The server's settings, and the properties that SQL can see and change."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.ksqldb.errors import StartError, StatementError
from lab.ksqldb.listeners import Listener, parse
from lab.ksqldb.names import ServiceId, TopicName

VERSION = "7.9.0"
"""The ksqlDB version whose protocol and SQL this server follows; clients parse it."""

PRODUCT = "ksqldb-compatible server of kafka-lab"

_STREAMS = "ksql.streams."
_REGISTRY = "ksql.schema.registry."
_FUNCTIONS = "ksql.functions."

DEFAULTS: dict[str, str] = {
    "ksql.service.id": "default_",
    "ksql.output.topic.name.prefix": "",
    "ksql.persistence.default.format.key": "KAFKA",
    "ksql.query.pull.range.scan.enabled": "true",
    "ksql.query.pull.table.scan.enabled": "true",
    "ksql.persistent.prefix": "query_",
    "ksql.transient.prefix": "transient_",
    "ksql.hidden.topics": "_confluent.*,__confluent.*,_schemas,__consumer_offsets,"
    "__transaction_state,connect-configs,connect-offsets,connect-status,connect-statuses",
    "ksql.internal.topic.replicas": "-1",
    "ksql.fail.on.deserialization.error": "false",
    "ksql.fail.on.production.error": "true",
    "ksql.logging.processing.rows.include": "true",
    "ksql.logging.processing.stream.auto.create": "true",
    "ksql.streams.auto.offset.reset": "latest",
    "ksql.streams.commit.interval.ms": "2000",
    "ksql.streams.cache.max.bytes.buffering": "10000000",
    "ksql.streams.num.stream.threads": "4",
    "ksql.streams.processing.guarantee": "at_least_once",
    "ksql.readonly.topics": "_confluent.*,__confluent.*,_schemas,__consumer_offsets,"
    "__transaction_state,connect-configs,connect-offsets,connect-status,connect-statuses",
    "ksql.assert.topic.default.timeout.ms": "1000",
    "ksql.assert.schema.default.timeout.ms": "1000",
    "ksql.connect.url": "http://localhost:8083",
    "ksql.connect.request.timeout.ms": "5000",
    "ksql.create.or.replace.enabled": "true",
    "ksql.error.classifier.regex": "",
    "ksql.heartbeat.check.interval.ms": "200",
    "ksql.heartbeat.discover.interval.ms": "2000",
    "ksql.heartbeat.enable": "false",
    "ksql.heartbeat.missed.threshold.ms": "3",
    "ksql.heartbeat.send.interval.ms": "100",
    "ksql.heartbeat.window.ms": "2000",
    "ksql.idle.connection.timeout.seconds": "86400",
    "ksql.insert.into.values.enabled": "true",
    "ksql.lag.reporting.enable": "false",
    "ksql.lag.reporting.send.interval.ms": "5000",
    "ksql.properties.overrides.denylist": "",
    "ksql.max.push.queries": "100",
    "ksql.pull.queries.enable": "true",
    "ksql.query.pull.max.concurrent.requests": "2147483647",
    "ksql.query.pull.max.hourly.bandwidth.megabytes": "2147483647",
    "ksql.query.pull.max.qps": "2147483647",
    "ksql.query.error.max.queue.size": "10",
    "ksql.query.pull.enable.standby.reads": "false",
    "ksql.query.pull.forwarding.timeout.ms": "20000",
    "ksql.query.pull.max.allowed.offset.lag": "9223372036854775807",
    "ksql.query.persistent.active.limit": "2147483647",
    "ksql.query.retry.backoff.initial.ms": "15000",
    "ksql.query.retry.backoff.max.ms": "900000",
    "ksql.server.command.response.timeout.ms": "5000",
    "ksql.source.table.materialization.enabled": "true",
    "ksql.timestamp.throw.on.invalid": "false",
    "ksql.variable.substitution.enable": "true",
}
"""Properties and their defaults, as ksqlDB's are where it has them."""

_OPTIONAL = frozenset(
    {
        "ksql.advertised.listener",
        "ksql.internal.basic.auth.user.info",
        "ksql.internal.listener",
        "ksql.schema.registry.url",
        "ksql.persistence.default.format.value",
    }
)

_UNUSED = frozenset(
    {
        "ksql.cast.strings.preserve.nulls",
        "ksql.nested.error.set.null",
        "ksql.query.pull.consistency.token.enabled",
        "ksql.query.push.v2.enabled",
        "ksql.streams.application.server",
        "ksql.streams.shutdown.timeout.ms",
        "ksql.suppress.enabled",
    }
)
"""Properties of a request that ksqlDB knows and that change nothing here."""

IMMUTABLE = frozenset(
    {
        "ksql.advertised.listener",
        "ksql.connect.url",
        "ksql.extension.dir",
        "ksql.internal.basic.auth.user.info",
        "ksql.internal.listener",
        "ksql.logging.processing.rows.include",
        "ksql.idle.connection.timeout.seconds",
        "ksql.max.push.queries",
        "ksql.query.persistent.active.limit",
        "ksql.query.pull.max.concurrent.requests",
        "ksql.query.pull.max.hourly.bandwidth.megabytes",
        "ksql.query.pull.max.qps",
        "ksql.server.command.response.timeout.ms",
        "ksql.schema.registry.url",
        "ksql.service.id",
        "ksql.streams.application.id",
        "ksql.streams.bootstrap.servers",
        "ksql.streams.state.dir",
        "application.id",
        "bootstrap.servers",
        "state.dir",
    }
)
"""Properties of the server that no request can change."""

EDITABLE = frozenset(
    {
        "ksql.query.retry.backoff.max.ms",
        "ksql.timestamp.throw.on.invalid",
        "ksql.query.pull.range.scan.enabled",
        "ksql.query.pull.table.scan.enabled",
        "ksql.streams.auto.offset.reset",
        "ksql.streams.commit.interval.ms",
        "ksql.streams.cache.max.bytes.buffering",
        "ksql.streams.processing.guarantee",
    }
)

_WHOLE_NUMBERS = frozenset(
    {
        "ksql.assert.schema.default.timeout.ms",
        "ksql.assert.topic.default.timeout.ms",
        "ksql.connect.request.timeout.ms",
        "ksql.idle.connection.timeout.seconds",
        "ksql.max.push.queries",
        "ksql.query.error.max.queue.size",
        "ksql.query.persistent.active.limit",
        "ksql.query.pull.max.concurrent.requests",
        "ksql.query.pull.max.hourly.bandwidth.megabytes",
        "ksql.query.pull.max.qps",
        "ksql.query.retry.backoff.initial.ms",
        "ksql.query.retry.backoff.max.ms",
        "ksql.server.command.response.timeout.ms",
    }
)

_RENAMED = {"cache.max.bytes.buffering": "statestore.cache.max.bytes"}
"""Names that Kafka Streams has changed since ksqlDB took them."""

FAILS_ON_UNREADABLE = "lab.fail.on.unreadable.records"
FAILS_ON_UNSENT = "lab.fail.on.unsent.records"
_FAILURE_MODES = {
    "ksql.fail.on.deserialization.error": FAILS_ON_UNREADABLE,
    "ksql.fail.on.production.error": FAILS_ON_UNSENT,
}
_HANDLER = "deserialization.exception.handler"
_HANDLERS = {
    "org.apache.kafka.streams.errors.LogAndFailExceptionHandler": "true",
    "org.apache.kafka.streams.errors.LogAndContinueExceptionHandler": "false",
}
"""Kafka Streams' handlers, which stand for this server's own: whether a query fails."""

_INTERVALS = ("ksql.heartbeat.", "ksql.lag.reporting.", "ksql.query.pull.forwarding.")
_FLAGS = frozenset(
    {
        "ksql.heartbeat.enable",
        "ksql.lag.reporting.enable",
        "ksql.query.pull.enable.standby.reads",
    }
)

# Settings of this server's own for its Streams applications; users' properties win.
_TUNED = {
    "producer.batch.size": "131072",
    # Threads learn by it that tasks have moved to them: after 3 s by default, and rest till then.
    "consumer.heartbeat.interval.ms": "500",
    "topology.optimization": "none",
    # How long a thread waits for records before it looks for restored tasks.
    "poll.ms": "25",
    # How soon tasks go to a node that has caught up with their state; the least there can be.
    "probing.rebalance.interval.ms": "60000",
    "reconnect.backoff.ms": "50",
    "reconnect.backoff.max.ms": "500",
}


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Everything the server is started with. ``properties`` are the user's own."""

    bootstrap_servers: str
    host: str
    port: int
    service_id: ServiceId
    state_dir: Path
    schema_registry_url: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def internal_prefix(self) -> str:
        """What the names of all internal topics and groups begin with."""
        return f"_confluent-ksql-{self.service_id}"

    @property
    def command_topic(self) -> TopicName:
        """The command topic's name."""
        return TopicName(f"{self.internal_prefix}_command_topic")

    @property
    def processing_log_topic(self) -> TopicName:
        """The processing log's topic."""
        return TopicName(f"{self.service_id}ksql_processing_log")

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Where HTTP is served: the property ``listeners``, or plain HTTP on ``host`` and ``port``.

        Raises:
            StartError: the property is wrong.
        """
        named = self.properties.get("listeners")
        return (Listener("http", self.host, self.port),) if named is None else parse(named)

    @property
    def internal(self) -> Listener | None:
        """The listener of other nodes, ``ksql.internal.listener``, if they have one of their own.

        Raises:
            StartError: the property is wrong.
        """
        named = self.properties.get("ksql.internal.listener")
        found = None if named is None else parse(named)[0]
        return None if found in self.listeners else found

    @property
    def bound(self) -> tuple[Listener, ...]:
        """All listeners, that of other nodes too.

        Raises:
            StartError: a property is wrong.
        """
        return self.listeners if self.internal is None else (*self.listeners, self.internal)

    @property
    def advertised(self) -> Listener:
        """How other nodes reach the server.

        ``ksql.advertised.listener``, or ``ksql.internal.listener``, or the first listener.

        Raises:
            StartError: a property is wrong.
        """
        named = self.properties.get("ksql.advertised.listener")
        if named is not None:
            return parse(named)[0]
        first = self.internal or self.listeners[0]
        anywhere = first.host in {"0.0.0.0", "::"}  # noqa: S104 - only compared with
        return replace(first, host=socket.gethostname()) if anywhere else first

    @property
    def address(self) -> str:
        """``host:port`` by which the server is known to others."""
        return f"{self.advertised.host}:{self.advertised.port}"

    def effective(self) -> dict[str, str]:
        """All properties with their values, the user's over the defaults."""
        own = {"ksql.service.id": str(self.service_id)}
        own["ksql.streams.bootstrap.servers"] = self.bootstrap_servers
        own["ksql.streams.state.dir"] = str(self.state_dir)
        if self.schema_registry_url:
            own["ksql.schema.registry.url"] = self.schema_registry_url
        return DEFAULTS | dict(self.properties) | own

    def client_settings(self) -> dict[str, str]:
        """Settings of plain Kafka clients."""
        settings = {
            "bootstrap.servers": self.bootstrap_servers,
            "reconnect.backoff.ms": "50",
            "reconnect.backoff.max.ms": "200",
            "retry.backoff.ms": "50",
            "socket.connection.setup.timeout.ms": "2000",
        }
        # With the prefix a setting is for Kafka alone; without, it is the listeners' too.
        ordered = sorted(self.properties.items(), key=lambda item: item[0].startswith(_STREAMS))
        for name, value in ordered:
            plain = name.removeprefix(_STREAMS)
            if plain.startswith(("security.", "sasl.", "ssl.")):
                settings[plain] = value
        return settings

    def streams_settings(self, overrides: Mapping[str, str]) -> dict[str, str]:
        """Settings of a Kafka Streams application, a request's properties over the server's."""
        merged: dict[str, str] = {}
        for properties in (self.effective(), overrides):
            ordered = sorted(properties.items(), key=lambda item: item[0].startswith(_STREAMS))
            for name, value in ordered:
                plain = name.removeprefix(_STREAMS)
                if name in _FAILURE_MODES:
                    merged[_FAILURE_MODES[name]] = str(value).lower()
                elif plain.removeprefix("default.") == _HANDLER:
                    merged[FAILS_ON_UNREADABLE] = _HANDLERS.get(str(value), "false")
                elif name == "listeners" or name.startswith(("authentication.", "access.control.")):
                    continue
                elif not name.startswith("ksql.") or name.startswith(_STREAMS):
                    merged[_RENAMED.get(plain, plain)] = str(value)
        # A setting for all clients would lose against one of ours for one of them.
        tuned = {n: v for n, v in _TUNED.items() if n.partition(".")[2] not in merged}
        return tuned | merged


@dataclass(frozen=True, slots=True)
class Launch:
    """What the process itself is started with. ``begun`` is by ``time.perf_counter``."""

    build_dir: Path
    classpath: tuple[Path, ...]
    java_home: Path
    jvm_options: tuple[str, ...]
    begun: float


def check_override(name: str, known_to_kafka: frozenset[str], denied: str = "") -> None:
    """Refuse a property of a request that nobody knows or that belongs to the server.

    ``denied`` are further names that are refused, separated by commas.

    Raises:
        StatementError: the name is unknown or cannot be changed.
    """
    if name in IMMUTABLE or name in {n.strip() for n in denied.split(",") if n.strip()}:
        raise StatementError(f"Cannot override property '{name}'")
    if name.startswith(_FUNCTIONS):
        return
    plain = kafka_name(name)
    known = name in DEFAULTS or name in _OPTIONAL or name in _UNUSED
    if known or plain in known_to_kafka or name.startswith("request.ksql."):
        return
    raise StatementError(f"Unknown property: {name}")


def registry_settings(properties: Mapping[str, str]) -> dict[str, str]:
    """What a client of the schema registry is told: its login, and TLS.

    Whom the server trusts anyway (``ssl.truststore.*``) is trusted where nothing else is said.
    """
    found = {n: v for n, v in properties.items() if n.startswith("ssl.truststore.")}
    own = {
        name.removeprefix(_REGISTRY): value
        for name, value in properties.items()
        if name.startswith(_REGISTRY)
    }
    if any(name.startswith("ssl.truststore.") for name in own):
        found = {}
    return found | {name: value for name, value in own.items() if name != "url"}


def unusable_value(name: str, value: str) -> str | None:
    """Why a property cannot have a value that Kafka would let pass; None when it can."""
    reason = _unusable(name, value)
    return None if reason is None else f"Invalid value {value} for configuration {name}: {reason}"


def _unusable(name: str, value: str) -> str | None:  # noqa: PLR0911 - one a kind
    if name in _WHOLE_NUMBERS:
        whole = value.isascii() and value.isdigit() and len(value) < 19
        return None if whole else "Expected a whole number that is not negative"
    number = int(value) if value.isascii() and value.isdigit() else -1
    if (name in _FAILURE_MODES or name in _FLAGS) and value.lower() not in {"true", "false"}:
        return "Expected value to be either true or false"
    if name == "ksql.advertised.listener":
        return _unusable_address(value)
    if name == "ksql.internal.listener":
        return _unusable_listener(value)
    if name.startswith(_INTERVALS) and name.endswith(".ms") and not 0 < number < 2**31:
        return "Expected a positive number"
    if name == "ksql.query.pull.max.allowed.offset.lag" and not 0 <= number < 2**63:
        return "Expected a number of records"
    if name.removeprefix(_STREAMS).removeprefix("default.") == _HANDLER and value not in _HANDLERS:
        return f"This server has {' and '.join(sorted(_HANDLERS))}"
    return None


def _unusable_address(value: str) -> str | None:
    try:
        named = parse(value)
    except StartError as error:
        return error.message
    if len(named) != 1 or named[0].host in {"0.0.0.0", "::"}:  # noqa: S104 - only compared with
        return "Expected the one address that other nodes reach"
    return None


def _unusable_listener(value: str) -> str | None:
    try:
        return None if len(parse(value)) == 1 else "Expected one listener"
    except StartError as error:
        return error.message


def kafka_name(name: str) -> str:
    """A property's name as Kafka knows it: without the prefixes of ksqlDB and Kafka Streams."""
    plain = name.removeprefix(_STREAMS)
    for prefix in ("main.consumer.", "restore.consumer.", "global.consumer."):
        plain = plain.removeprefix(prefix)
    for prefix in ("consumer.", "producer.", "admin."):
        plain = plain.removeprefix(prefix)
    return _RENAMED.get(plain, plain)
