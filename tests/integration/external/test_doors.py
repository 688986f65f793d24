"""Ways into a cluster, good and bad, at the listeners of a real broker; and a broker of old."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.broker_doors import API_SECRET, CLIENT_SECRET, Doors, doors
from support.ksqldb_server import Server, until
from support.lab_command import COMMAND, LabCommand, lab_user
from support.old_kafka import old_broker
from support.scratch_connect import scratch_connect

from lab import access
from lab.clients.kafka import KafkaClient
from lab.clients.plain_request import ask
from lab.embedded.broker import render_properties
from lab.embedded.outfit import Outfit
from lab.errors import LabError
from lab.external import store
from lab.external.entering import enter
from lab.external.ledger import Ledger
from lab.external.parsing import described
from lab.external.report import Probe, probe
from lab.wait import wait_until
from lab.wire import describe_quorum
from lab.workloads.streams import copy_stream

pytestmark = pytest.mark.xdist_group("external")

SECONDS = 45
"""Far more than a refusal takes, on a machine that does other things; a hang takes longer."""
SECRETS = (CLIENT_SECRET, API_SECRET)


@pytest.fixture(scope="module")
def broker(outfit: Outfit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    with doors(outfit, tmp_path_factory.mktemp("doors") / "all") as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    yield
    access.forget_all()


def probed(description: dict[str, Any]) -> Probe:
    begun = time.monotonic()
    found = probe(described("test", description, "a test"))
    assert time.monotonic() - begun < SECONDS
    for text in (*found.problems, *(part.hint or "" for part in found.parts)):
        assert not any(secret in text for secret in SECRETS)
    return found


@pytest.mark.parametrize("listener", ["TOKENS", "MUTUAL", "KEYS"])
def test_a_good_description_is_let_in(broker: Doors, listener: str) -> None:
    found = probed(broker.description(listener))
    assert found.problems == ()
    assert found.brokers is not None
    assert found.brokers.may_create_topics
    # A request of the lab's own, beside the library's.
    answer = ask(
        broker.at[listener],
        "DescribeQuorum",
        describe_quorum.VERSION,
        describe_quorum.encode_request(),
    )
    assert describe_quorum.decode_answer(answer).leader == 1


@pytest.mark.parametrize(
    ("listener", "changed", "problem", "hint"),
    [
        ("EXPIRED", {}, "certificate has expired", "renewed"),
        ("OTHER", {}, "not valid for '127.0.0.1'", "check_hostname"),
        ("MUTUAL", {"certificate_file": None}, "wants a client's certificate", "key_file"),
        ("MUTUAL", {"certificate_file": "stranger"}, "does not take the client's", "key_file"),
        ("MUTUAL", {"certificate_file": "late"}, "does not take the client's", "key_file"),
        ("MUTUAL", {"key_file": "stranger"}, "this side cannot be used", "belong together"),
        ("TOKENS", {"client_secret": "wrong-secret"}, "HTTP 401: invalid_client", "client_id"),
        ("TOKENS", {"scope": "another"}, "HTTP 400: invalid_scope", "scope"),
        ("TOKENS", {"token_ca_file": None}, "local issuer", "token_ca_file"),
        ("TOKENS", {"token_url": "https://127.0.0.1:1/token"}, "refused", "host and port"),
        ("TOKENS", {"token_url": "https://no.invalid/token"}, "not known", "name"),
        ("KEYS", {"api_secret": "wrong-secret"}, "refuse the login", "password"),
        ("KEYS", {"tls": False, "ca_file": None}, "the listener speaks TLS", "tls = true"),
        ("MUTUAL", {"bootstrap_servers": "plain"}, "no TLS handshake", "plain text"),
    ],
)
def test_a_bad_one_is_refused_soon_and_the_reason_is_told(
    broker: Doors, listener: str, changed: dict[str, Any], problem: str, hint: str
) -> None:
    files = {
        key: broker.file(value)
        for key, value in changed.items()
        if value is not None and key in {"certificate_file", "key_file"}
    }
    if changed.get("bootstrap_servers") == "plain":
        files["bootstrap_servers"] = broker.plain
    found = probed(broker.description(listener, **{**changed, **files}))
    assert found.brokers is None
    (part,) = found.parts
    assert problem in str(part.problem)
    assert hint in str(part.hint)


def test_a_token_that_the_broker_does_not_take_is_told(broker: Doors) -> None:
    # A good token, at the door of those who have API keys.
    found = probed(broker.description("KEYS", api_key=None, api_secret=None, **oauth(broker)))
    assert "refuse the login" in found.problems[0]
    assert "Unsupported SASL mechanism" in found.problems[0]


def oauth(broker: Doors) -> dict[str, Any]:
    kafka = broker.description("TOKENS")["kafka"]
    return {key: value for key, value in kafka.items() if key != "bootstrap_servers"}


@pytest.mark.parametrize("listener", ["TOKENS", "MUTUAL"])
def test_java_workloads_get_in(broker: Doors, listener: str, tmp_path: Path) -> None:
    endpoints = enter(described("test", broker.description(listener), "a test"))
    kafka = KafkaClient(endpoints.bootstrap_servers)
    source, sink = (f"{listener.lower()}-{part}" for part in ("in", "out"))
    for topic in (source, sink):
        kafka.create_topic(topic)
    kafka.produce(source, b"word")
    with copy_stream(
        endpoints.bootstrap_servers,
        source=source,
        sink=sink,
        application=f"{listener.lower()}-copy",
        guarantee="at_least_once",
        commit_interval_ms=100,
        folder=tmp_path,
    ) as copying:
        copying.wait_until_logged(
            lambda: sum(kafka.end_offsets(sink).values()) == 1, "it is copied"
        )
    for file in tmp_path.rglob("*.properties"):
        assert CLIENT_SECRET not in file.read_text()


def test_a_connect_worker_tells_its_version_and_plug_ins(broker: Doors, tmp_path: Path) -> None:
    keys = (broker.file("server"), broker.file("ca"))
    with scratch_connect(tmp_path / "worker", broker.plain, *keys) as worker:
        ca = {"ca_file": broker.file("ca")}
        mutual = {"url": worker.mutual_url, **ca, "certificate_file": broker.file("me")}
        for connect in ({"url": worker.url}, mutual):
            found = probed({"kafka": {"bootstrap_servers": broker.plain}, "connect": connect})
            assert found.problems == ()
            part = found.parts[1]
            assert part.version.startswith("4.")
            assert "JsonConverter" in str(part.facts["converters"])
            assert part.facts["connectors"] == []
        for changed, problem in (
            ({"url": worker.mutual_url, **ca}, "a client's certificate"),
            ({**mutual, "certificate_file": broker.file("stranger")}, "client's certificate"),
            ({"url": worker.url.replace("http:", "https:"), **ca}, "does not speak TLS"),
            ({"url": worker.mutual_url.replace("https:", "http:")}, "no answer to HTTP"),
        ):
            found = probed({"kafka": {"bootstrap_servers": broker.plain}, "connect": changed})
            assert found.brokers is not None
            part = found.parts[1]
            assert problem in f"{part.problem} {part.hint}", changed
    found = probed({"kafka": {"bootstrap_servers": broker.plain}, "connect": {"url": worker.url}})
    assert "connect: " in found.problems[0]
    assert "refused" in found.problems[0]


def test_our_ksqldb_server_gets_in_by_a_token(
    broker: Doors, tmp_path: Path, classpath: str, build_dir: Path
) -> None:
    file = tmp_path / "server.properties"
    login = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLogin"
    ca = broker.file("ca")
    options = f'clientId="tests-client" clientSecret="{CLIENT_SECRET}" scope="kafka"'
    trusted = f'ssl.truststore.type="PEM" ssl.truststore.location="{ca}"'
    settings = {
        "security.protocol": "SASL_SSL",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": ca,
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.token.endpoint.url": broker.tokens.url,
        "sasl.login.callback.handler.class": f"{login}CallbackHandler",
        "sasl.jaas.config": f"{login}Module required {options} {trusted};",
    }
    file.write_text(render_properties({f"ksql.streams.{k}": v for k, v in settings.items()}))
    server = Server(tmp_path, broker.at["TOKENS"], classpath, build_dir)
    server.configured(file)
    try:
        server.start()
        server.ksql(
            "CREATE STREAM tokens_s (k STRING KEY, v INT) WITH (kafka_topic='tokens_s', "
            "partitions=1, value_format='JSON');"
        )
        server.ksql("CREATE TABLE tokens_t AS SELECT k, SUM(v) AS s FROM tokens_s GROUP BY k;")
        for value in (1, 2):
            server.ksql(f"INSERT INTO tokens_s VALUES ('a', {value});")
        until(lambda: "3" in str(server.select("SELECT * FROM tokens_t;")), "the table has the sum")
        argv = " ".join(psutil.Process(server.pid).cmdline())
        assert CLIENT_SECRET not in argv
        assert CLIENT_SECRET not in server.log.read_text()
    finally:
        server.kill()


@pytest.fixture
def user(tmp_path: Path) -> Iterator[LabCommand]:
    with lab_user(tmp_path / "state", LAB_RUNS_DIR=str(tmp_path / "runs")) as made:
        yield made


def test_an_api_key_is_seen_nowhere_in_a_run(
    broker: Doors, user: LabCommand, tmp_path: Path
) -> None:
    data = broker.description("KEYS", api_secret={"env": "TESTS_API_SECRET"})
    store.save(user.state_root, data, "cloud")
    user.env["TESTS_API_SECRET"] = API_SECRET
    said = tmp_path / "said"
    with said.open("wb") as output:
        run = subprocess.Popen(
            [*COMMAND, "verify", "--target", "external", "--name", "cloud", "-k", "K02 or K11"],
            env=user.environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    lines: set[str] = set()
    root = psutil.Process(run.pid)

    def over() -> bool:
        lines.update(_line(process) for process in (root, *_children(root)))
        return run.poll() is not None

    wait_until("the run is over", over, timeout_seconds=300, every_seconds=0.05)
    assert run.returncode == 0, said.read_text()
    assert any("lab.workloads" in line for line in lines)
    assert not any(API_SECRET in line for line in lines)
    for file in (said, *(path for path in tmp_path.rglob("*") if path.is_file())):
        assert API_SECRET.encode() not in file.read_bytes(), file
    assert not user.state_root.joinpath("targets", "cloud.ledger").exists()


def test_an_interrupted_run_removes_its_own_and_leaves_the_other_run_alone(
    broker: Doors, user: LabCommand
) -> None:
    store.save(user.state_root, broker.description("KEYS"), "shared")
    kafka = KafkaClient(broker.plain)
    theirs_alone = "lab-k11-of-somebody-else"
    kafka.create_topic(theirs_alone)
    others = {theirs_alone, *(str(topic) for topic in kafka.topics())}
    ledger = Ledger(user.state_root / "targets" / "shared.ledger")

    def started() -> subprocess.Popen[str]:
        return user.start("verify", "--target", "external", "--name", "shared", "-k", "K11")

    def made() -> set[str]:
        return {str(topic) for topic in kafka.topics()} - others

    runs = [started(), started()]
    try:
        wait_until(
            "both runs have made topics",
            lambda: len({entry.run for entry in ledger.entries()}) == 2 and len(made()) >= 2,
            timeout_seconds=120,
            every_seconds=0.1,
            give_up=lambda: _not_over(runs),
        )
        mine, theirs = runs
        mine.send_signal(signal.SIGINT)
        said, _ = mine.communicate(timeout=90)
        assert mine.returncode == 130, said
        if theirs.poll() is None:
            assert len({entry.run for entry in ledger.entries()}) == 1
        said, _ = theirs.communicate(timeout=200)
        assert theirs.returncode == 0, said
    finally:
        for run in runs:
            if run.poll() is None:
                run.kill()
            run.communicate()
    assert made() == set()
    assert theirs_alone in {str(topic) for topic in kafka.topics()}
    assert not ledger.path.exists()


def _not_over(runs: list[subprocess.Popen[str]]) -> None:
    for run in runs:
        if run.poll() is not None:
            raise LabError(f"a run ended: {run.communicate()}")


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_a_broker_of_old_is_refused(outfit: Outfit, user: LabCommand, tmp_path: Path) -> None:
    with old_broker(outfit, tmp_path / "old") as address:
        user.run("target", "add", "old", "--bootstrap", address)
        begun = time.monotonic()
        said = user.run("target", "probe", "old", expect=1).stdout
        assert "too old: it does not understand IncrementalAlterConfigs (Kafka 2.3)" in said
        assert "Apache Kafka 2.3 or newer" in said
        run = user.run("verify", "--target", "external", "--name", "old", "-k", "K02", expect=1)
        assert "too old" in run.stdout + run.stderr
        assert time.monotonic() - begun < SECONDS
    assert [path.name for path in (user.state_root / "targets").iterdir()] == ["old.toml"]
