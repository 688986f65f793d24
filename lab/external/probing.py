"""The probe: what answers, in which version, and what one may do there. It creates nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from lab import access
from lab.access import HttpAccess
from lab.clients.errors import ClientError
from lab.clients.kafka_border import border, connection, result
from lab.clients.tokens import TokenRefused, token
from lab.endpoints import ComponentInfo, Role
from lab.errors import LabError
from lab.external.knocking import NotReached, check_tcp, check_tls, knock, require_recent
from lab.external.model import Described
from lab.external.rights import rights_on
from lab.wire.api_versions import Understands

LOGIN_SECONDS = 12.0
_ASK_SECONDS = 10.0
BROKER = "Kafka broker"


@dataclass(frozen=True)
class Part:
    """A component as it was found; ``problem`` is why it cannot be used, None if it can."""

    role: Role
    address: str
    product: str = ""
    version: str = ""
    problem: str | None = None
    hint: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Brokers:
    """The cluster as it describes itself: its id, node id → address, and rights on it.

    ``rights`` are the operations that the brokers say this user has on the cluster; None where
    they do not tell this user. ``may_create_topics`` is what they answered to a request that was
    only to be checked; ``refusal`` their words if they said no. ``on_names`` are the rights on
    names with the target's prefix (see rights.py), as far as they could be asked for.
    """

    cluster_id: str
    nodes: Mapping[int, str]
    understands: Understands
    rights: tuple[str, ...] | None
    may_create_topics: bool
    refusal: str | None = None
    on_names: Mapping[str, bool] = field(default_factory=dict)

    def lacks(self, *rights: str) -> tuple[str, ...]:
        """Those of the rights ("topic WRITE") that the brokers say this user has not."""
        return tuple(right for right in rights if self.on_names.get(right) is False)


def look_at_brokers(target: Described) -> Brokers:
    """Knock, log in, and ask. Raises NotReached within seconds, naming the layer that failed."""
    servers = target.kafka.bootstrap_servers
    settings = access.kafka_settings(servers)
    understands = knock(servers, settings)
    require_recent(understands, servers)
    if settings.get("sasl.mechanism") == "OAUTHBEARER":
        _token_is_had(settings)
    told: list[KafkaError] = []
    with border("create an admin client"):
        admin = AdminClient(connection(servers, {"error_cb": told.append}))  # type: ignore[dict-item]  # a callback is no value
    cluster = _logged_in(admin, servers, told)
    may, refusal = _may_create(admin, f"{target.prefix}probe")
    rights = cluster.authorized_operations
    return Brokers(
        str(cluster.cluster_id),
        {node.id: f"{node.host}:{node.port}" for node in cluster.nodes},
        understands,
        None if rights is None else tuple(sorted(each.name for each in rights)),
        may,
        refusal,
        rights_on(servers, target.prefix),
    )


def _token_is_had(settings: Mapping[str, str]) -> None:
    """Ask for a token, as the library will. Raises NotReached, naming what failed."""
    url = settings.get("sasl.oauthbearer.token.endpoint.url", "")
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        if parts.scheme == "https":
            check_tls(host, port, HttpAccess(ca_file=settings.get("https.ca.location")))
        else:
            check_tcp(host, port)
        token(settings, fresh=True)
    except NotReached as error:
        hint = error.hint
        if error.layer == "tls":
            hint = "Tokens are had by https: token_ca_file names the endpoint's authority."
        raise NotReached(error.layer, f"token endpoint {url}: {error}", hint=hint) from None
    except TokenRefused as error:
        hint = "Check token_url."
        if error.status in {400, 401, 403}:
            hint = "Check client_id, client_secret and scope of [kafka]."
        raise NotReached("login", str(error), hint=hint) from None
    except ClientError as error:
        raise NotReached("login", str(error), hint="Check token_url.") from None


def _logged_in(admin: AdminClient, servers: str, told: list[KafkaError]) -> Any:
    """The cluster's description, or the error that the library only tells its callbacks."""
    deadline = time.monotonic() + LOGIN_SECONDS
    answer = admin.describe_cluster(
        include_authorized_operations=True, request_timeout=LOGIN_SECONDS
    )
    while not answer.done() and time.monotonic() < deadline:
        admin.poll(0.1)
        for error in told:
            if error.code() == KafkaError._AUTHENTICATION:
                raise NotReached(
                    "login",
                    f"{servers}: the brokers refuse the login: {_words(error)}",
                    hint="Check user, password and sasl_mechanism of [kafka].",
                )
            if error.code() == KafkaError._SSL:
                raise NotReached("tls", f"{servers}: {_words(error)}")
    try:
        return result(answer, f"describe the cluster at {servers}", 0.5)
    except LabError as error:
        last = f" ({_words(told[-1])})" if told else ""
        raise NotReached(
            "login",
            f"{error}{last}",
            hint="The addresses that the brokers advertise must be reachable from here too.",
        ) from error


def _words(error: KafkaError) -> str:
    return error.str().partition(" (after ")[0]


def _may_create(admin: AdminClient, topic: str) -> tuple[bool, str | None]:
    """Whether a topic may be created: asked with validate_only, which creates nothing."""
    new = NewTopic(topic, num_partitions=1, replication_factor=-1)
    answer = admin.create_topics([new], validate_only=True, request_timeout=_ASK_SECONDS)[topic]
    try:
        answer.result(_ASK_SECONDS + 1)
    except KafkaException as error:
        cause = error.args[0]
        return cause.code() == KafkaError.TOPIC_ALREADY_EXISTS, cause.str()
    except TimeoutError:
        return False, "no answer"
    return True, None


def look_at_registry(url: str) -> Part:
    """The registry's product and version, and its mode where it has one."""

    def found(ask: Callable[[str], Any]) -> Part:
        subjects = ask("/subjects")
        if not isinstance(subjects, list):
            raise NotReached("http", f"{url}/subjects: no list of subjects")
        product, version = _registry_version(ask)
        facts: dict[str, object] = {}
        mode = _optional(ask, "/mode").get("mode")
        if mode is not None:
            facts["mode"] = mode
        level = _optional(ask, "/config").get("compatibilityLevel")
        if level is not None:
            facts["compatibility"] = level
        problem = f"the registry's mode is {mode}" if mode in {"READONLY", "IMPORT"} else None
        return Part("schema-registry", url, product, version, problem=problem, facts=facts)

    return _asked("schema-registry", url, found)


def _registry_version(ask: Callable[[str], Any]) -> tuple[str, str]:
    told = _optional(ask, "/v1/metadata/version")
    if "version" in told:
        return "Schema Registry (Confluent's API)", str(told["version"])
    for path in ("/apis/registry/v3/system/info", "/apis/registry/v2/system/info"):
        told = _optional(ask, path)
        if "version" in told:
            return str(told.get("name", "Apicurio Registry")), str(told["version"])
    return "registry with Confluent's API", "not told"


def look_at_ksqldb(url: str, cluster_id: str | None) -> Part:
    """ksqlDB's version, service id and cluster; ``cluster_id`` is that of the brokers."""

    def found(ask: Callable[[str], Any]) -> Part:
        told = ask("/info")
        info = told.get("KsqlServerInfo") if isinstance(told, dict) else None
        if not isinstance(info, dict):
            raise NotReached("http", f"{url}/info: not ksqlDB's answer")
        ours = info.get("kafkaStreamsVersion")
        product = "ksqlDB-compatible server on Kafka Streams" if ours else "ksqlDB server"
        own_cluster = info.get("kafkaClusterId")
        problem = None
        if cluster_id and own_cluster and own_cluster != cluster_id:
            problem = f"it works on another Kafka cluster, {own_cluster}"
        return Part(
            "ksqldb",
            url,
            product,
            str(ours or info.get("version", "not told")),
            problem=problem,
            facts={"service_id": info.get("ksqlServiceId"), "status": info.get("serverStatus")},
        )

    return _asked("ksqldb", url, found)


def look_at_connect(url: str) -> Part:
    """The Connect worker's version and plug-ins."""

    def found(ask: Callable[[str], Any]) -> Part:
        told = ask("/")
        if not isinstance(told, dict) or "version" not in told:
            raise NotReached("http", f"{url}/: not Connect's answer")
        plugins = _plugins(ask("/connector-plugins?connectorsOnly=false"))
        return Part(
            "connect",
            url,
            "Kafka Connect worker",
            str(told["version"]),
            facts=plugins,
        )

    return _asked("connect", url, found)


def _plugins(told: object) -> dict[str, object]:
    """What a worker can run and convert with, by class without package, and version."""
    found: dict[str, set[str]] = {"connectors": set(), "converters": set()}
    for each in told if isinstance(told, list) else []:
        kind = str(each.get("type", "")) if isinstance(each, dict) else ""
        if kind in {"source", "sink"}:
            name = str(each.get("class", "")).rpartition(".")[2]
            found["connectors"].add(f"{name} {each.get('version') or ''}".strip())
        elif kind in {"converter", "key_converter", "value_converter"}:
            found["converters"].add(str(each.get("class", "")).rpartition(".")[2])
    return {kind: sorted(names) for kind, names in found.items()}


def _asked(role: Role, url: str, look: Callable[[Callable[[str], Any]], Part]) -> Part:
    from lab.external.http_asking import asker  # noqa: PLC0415 - loads requests

    try:
        with asker(url) as ask:
            return look(ask)
    except LabError as error:
        return Part(role, url, problem=str(error), hint=error.hint)


def _optional(ask: Callable[[str], Any], path: str) -> dict[str, Any]:
    try:
        told = ask(path)
    except NotReached:
        return {}
    return told if isinstance(told, dict) else {}


def components(brokers: Brokers, parts: tuple[Part, ...]) -> tuple[ComponentInfo, ...]:
    """What was found as evidence names it."""
    listed = [
        ComponentInfo(f"broker-{node}", "broker", BROKER, brokers.understands.release, address)
        for node, address in sorted(brokers.nodes.items())
    ]
    listed += [
        ComponentInfo(part.role, part.role, part.product, part.version, part.address)
        for part in parts
        if part.product and part.role != "broker"
    ]
    return tuple(listed)
