"""A secure lab as somebody's cluster: good and bad descriptions, runs, crashes, clean-up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from confluent_kafka.admin import AdminClient
from support.lab_command import COMMAND, LabCommand, lab_user
from support.ports import next_port

from lab import access
from lab.access import HttpAccess
from lab.clients.errors import BrokerRefused, ClientError
from lab.clients.kafka import KafkaClient
from lab.clients.kafka_border import connection
from lab.clients.ksqldb import KsqlClient
from lab.clients.schema_registry import SchemaRegistryClient
from lab.embedded.certificates import new_authority
from lab.embedded.state import LabFolder
from lab.embedded.users import allow_prefix, set_scram_password
from lab.external import store
from lab.external.ledger import Ledger
from lab.wait import wait_until

pytestmark = pytest.mark.xdist_group("external")

SECONDS = 45
"""Far more than a refusal takes, on a machine that does other things; a hang takes longer."""


@dataclass(frozen=True)
class Cluster:
    """A secure lab, the user who runs it, and clients of its admin."""

    user: LabCommand
    folder: Path
    runs: Path
    admin: dict[str, Any]

    def describe(self, name: str, **kafka: Any) -> None:
        """Describe the cluster as its admin's, but for these settings of [kafka]."""
        data = {**self.admin, "kafka": {**self.admin["kafka"], **kafka}}
        store.save(self.user.state_root, data, name, replace=True)

    def ledger(self, name: str) -> Ledger:
        return Ledger(self.user.state_root / "targets" / f"{name}.ledger")

    def refused(self, *args: str) -> str:
        """A command that must fail soon; all that it says, in which no secret may be."""
        begun = time.monotonic()
        done = self.user.run(*args, expect=1)
        assert time.monotonic() - begun < SECONDS
        said = done.stdout + done.stderr
        assert self.admin["kafka"]["password"] not in said
        assert "Traceback" not in said
        return said

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Topics, groups, subjects and sources are afterwards what they were before."""
        before = self.things()
        yield
        assert self.things() == before

    def things(self) -> dict[str, set[str]]:
        kafka = KafkaClient(self.admin["kafka"]["bootstrap_servers"])
        registry = SchemaRegistryClient(self.admin["schema_registry"]["url"])
        with KsqlClient(self.admin["ksqldb"]["url"]) as ksqldb:
            found: dict[str, set[str]] = {
                "topics": {str(t) for t in kafka.topics() if not t.startswith("__")},
                "groups": {str(group) for group in kafka.groups()},
                "subjects": {
                    str(each)
                    for each in registry.ask("GET", "/subjects?deleted=true").require_ok().items()
                },
                "sources": {str(name) for name in ksqldb.sources()},
                "queries": {str(query.query_id) for query in ksqldb.queries()},
            }
        registry.close()
        return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    root = tmp_path_factory.mktemp("external")
    runs = root / "runs"
    with lab_user(root / "state", LAB_RUNS_DIR=str(runs)) as user:
        user.run("up", "--name", "own", "--secure")
        folder = root / "state" / "own"
        admin = tomllib.loads((folder / "secure" / "admin.toml").read_text("utf-8"))
        kafka, ksqldb = admin["kafka"], admin["ksqldb"]
        access.remember_kafka(
            kafka["bootstrap_servers"],
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "SCRAM-SHA-256",
                "sasl.username": kafka["user"],
                "sasl.password": kafka["password"],
                "ssl.ca.location": kafka["ca_file"],
            },
        )
        known = HttpAccess(ksqldb["user"], ksqldb["password"], ca_file=ksqldb["ca_file"])
        for part in ("ksqldb", "schema_registry"):
            access.remember_http(admin[part]["url"], known)
        made = Cluster(user, folder, runs, admin)
        made.describe("good")
        yield made
        access.forget_all()


def test_the_probe_tells_what_answers_and_creates_nothing(cluster: Cluster) -> None:
    with cluster.unchanged():
        found = cluster.user.json("target", "probe", "good")
    assert found["usable"] is True
    assert [part["role"] for part in found["components"]] == [
        "broker",
        "schema-registry",
        "ksqldb",
    ]
    assert found["cluster"]["release"].startswith("4.")
    assert "CREATE" in found["cluster"]["rights_on_cluster"]
    assert found["cluster"]["may_create_topics"] is True
    offered = found["capabilities"]
    assert (offered["kill"], offered["proxy"], offered["disruptive"]) == (False, False, False)
    assert offered["reasons"]["disruptive"].startswith("not asked for")


def test_secrets_are_private_and_never_shown(cluster: Cluster) -> None:
    for file in ("admin.toml", "passwords.json", "broker.pem", "ksqldb-users.properties"):
        assert (cluster.folder / "secure" / file).stat().st_mode & 0o077 == 0
    for file in ("broker-1.properties", "schema-registry.properties", "ksqldb.properties"):
        assert (cluster.folder / "run" / file).stat().st_mode & 0o077 == 0
    password = cluster.admin["kafka"]["password"]
    for command in (("show", "good"), ("show", "good", "--json"), ("list",), ("probe", "good")):
        assert password not in cluster.user.run("target", *command).stdout
    for pid in cluster.user.processes():
        assert password not in " ".join(psutil.Process(pid).cmdline())


@pytest.mark.parametrize("part", ["schema_registry", "ksqldb"])
def test_rest_parts_let_nobody_in_without_a_login(cluster: Cluster, part: str) -> None:
    described = cluster.admin[part]
    paths = {"schema_registry": "/subjects", "ksqldb": "/info"}
    ports = [described["url"]]
    if part == "schema_registry":
        state = LabFolder(cluster.folder.parent, cluster.folder.name).load()
        assert state is not None
        ports.append(f"https://127.0.0.1:{state.ports['registry-upstream']}/apis/ccompat/v7")
    for url in ports:
        ask = partial(requests.get, f"{url}{paths[part]}", verify=described["ca_file"], timeout=10)
        assert ask().status_code == 401
        assert ask(auth=("admin", "wrong-password")).status_code == 401
        assert ask(auth=("admin", described["password"])).status_code == 200
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(f"http{url.removeprefix('https')}{paths[part]}", timeout=10)


@pytest.mark.parametrize(
    ("changed", "problem", "hint"),
    [
        ({"password": "wrong-password"}, "HTTP 401", "user and password"),
        ({"user": None, "password": None}, "HTTP 401", "user and password"),
        ({"ca_file": None}, "certificate", "ca_file"),
        ({"url": "http"}, "no answer to HTTP", "https"),
        ({"url": "https://no-such-host.invalid"}, "name is not known", "name"),
    ],
)
def test_a_rest_part_that_cannot_be_used_is_told_and_hides_no_other(
    cluster: Cluster, changed: dict[str, Any], problem: str, hint: str
) -> None:
    if changed.get("url") == "http":
        address = cluster.admin["schema_registry"]["url"].partition("://")[2]
        changed = {"url": f"http://{address}", "ca_file": None}
    part = {**cluster.admin["schema_registry"], **changed}
    part = {key: value for key, value in part.items() if value is not None}
    data = {**cluster.admin, "schema_registry": part}
    store.save(cluster.user.state_root, data, "part", replace=True)
    with cluster.unchanged():
        told = json.loads(cluster.user.run("target", "probe", "part", "--json", expect=1).stdout)
        assert cluster.admin["schema_registry"]["password"] not in json.dumps(told)
    broker, registry, ksqldb = told["components"]
    assert broker["problem"] is ksqldb["problem"] is None
    assert problem in registry["problem"]
    assert hint in registry["hint"]


def test_nobody_gets_in_without_a_login(cluster: Cluster) -> None:
    kafka = KafkaClient(
        cluster.admin["kafka"]["bootstrap_servers"],
        config={"security.protocol": "SSL", "socket.timeout.ms": 3000},
    )
    kafka.timeout_seconds = 3.0
    with pytest.raises(ClientError):
        kafka.topics()


@pytest.mark.parametrize(
    ("kafka", "said"),
    [
        ({"password": "wrong-password"}, "refuse the login"),
        ({"user": "nobody"}, "refuse the login"),
        ({"sasl_mechanism": "PLAIN", "user": "guest", "password": "wrong-password"}, "the login"),
        ({"bootstrap_servers": "unknown-host.invalid:9093"}, "name is not known"),
        ({"bootstrap_servers": "127.0.0.1:{free}"}, "refused"),
        ({"ca_file": "{other}"}, "certificate"),
    ],
)
def test_a_cluster_that_cannot_be_used_is_told_soon_and_nothing_is_left(
    cluster: Cluster, tmp_path: Path, kafka: dict[str, str], said: str
) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(new_authority("another").pem)
    filled = {
        key: value.format(free=next_port(), other=other) if "{" in value else value
        for key, value in kafka.items()
    }
    cluster.describe("bad", **filled)
    with cluster.unchanged():
        assert said in cluster.refused("target", "probe", "bad")
        assert said in cluster.refused(
            "verify", "--target", "external", "--name", "bad", "-k", "K08"
        )
    assert not cluster.ledger("bad").path.exists()


def test_a_user_without_the_right_to_create_is_refused_before_anything_runs(
    cluster: Cluster,
) -> None:
    guest = tomllib.loads((cluster.folder / "secure" / "guest.toml").read_text("utf-8"))["kafka"]
    cluster.describe("guest", user="guest", password=guest["password"])
    with cluster.unchanged():
        said = cluster.refused("target", "probe", "guest")
        assert "lab-…" in said
        assert "refused: " in said
        assert "Missing on lab-…" in said
        said = cluster.refused("verify", "--target", "external", "--name", "guest", "-k", "K08")
        assert "may not be created" in said
    kafka = KafkaClient(
        guest["bootstrap_servers"],
        config={"sasl.username": "guest", "sasl.password": guest["password"]},
    )
    with pytest.raises(BrokerRefused) as caught:
        kafka.create_topic("lab-forbidden")
    assert caught.value.name == "TOPIC_AUTHORIZATION_FAILED"
    kafka.create_topic("guest-allowed")
    kafka.delete_topics(["guest-allowed"])


def test_what_a_user_may_not_is_told_and_not_applicable_and_nothing_is_refuted(
    cluster: Cluster,
) -> None:
    admin = AdminClient(connection(cluster.admin["kafka"]["bootstrap_servers"]))
    set_scram_password(admin, "half", "half-a-password")
    allow_prefix(admin, "half", "lab-", ("TOPIC",))
    kafka = {**cluster.admin["kafka"], "user": "half", "password": "half-a-password"}
    store.save(cluster.user.state_root, {"kafka": kafka}, "half", replace=True)
    with cluster.unchanged():
        found = cluster.user.json("target", "probe", "half")
        rights = found["cluster"]["rights_on_names"]
        assert {name for name, has in rights.items() if has} == {
            f"topic {operation}"
            for operation in ("WRITE", "READ", "DESCRIBE", "DELETE", "DESCRIBE_CONFIGS")
        }
        assert "transactional id WRITE" in rights
        assert "lacks the right" in found["capabilities"]["reasons"]["transactions"]
        ran = cluster.user.run(
            *("verify", "--target", "external", "--name", "half", "-k", "K06 or K12")
        ).stdout
    assert "refuted" not in ran
    for claim in ("K06", "K12"):
        assert f"{claim}  not applicable" in ran
    assert "lacks a right" in ran
    assert not cluster.ledger("half").path.exists()


def runs_of(cluster: Cluster) -> set[str]:
    return {path.name for path in cluster.runs.iterdir()} if cluster.runs.exists() else set()


def test_the_dry_run_prints_names_and_makes_nothing(cluster: Cluster) -> None:
    before = runs_of(cluster)
    with cluster.unchanged():
        told = cluster.user.run(
            "verify", "--target", "external", "--name", "good", "--dry-run", "-k", "K08 or K07"
        ).stdout
    assert "lab-k08-########-orders" in told
    assert "was not asked for" in told
    assert runs_of(cluster) == before


def test_experiments_hold_and_leave_neither_things_nor_secrets(cluster: Cluster) -> None:
    command = [*COMMAND, "verify", "--target", "external", "--name", "good"]
    with cluster.unchanged():
        done = subprocess.run(
            [*command, "-k", "K02 or K07 or K08 or S02 or Q04"],
            env=cluster.user.environment(),
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    for claim in ("K02", "K08", "S02", "Q04"):
        assert f"{claim}  held" in done.stdout
    assert "K07  not applicable  disruptive: not asked for" in done.stdout
    assert not cluster.ledger("good").path.exists()
    secrets = [cluster.admin[part]["password"].encode() for part in ("kafka", "ksqldb")]
    run = (cluster.runs / "latest").resolve()
    evidence = [path for path in run.rglob("*") if path.is_file()]
    assert any(path.name == "history.jsonl" for path in evidence)
    for path in evidence:
        text = path.read_bytes()
        assert not any(secret in text for secret in secrets), path
    environment = (run / "environment.json").read_text("utf-8")
    assert '"target": "external"' in environment


def test_what_a_killed_run_leaves_is_removed_by_its_ledger(cluster: Cluster) -> None:
    before = cluster.things()
    command = [*COMMAND, "verify", "--target", "external", "--name", "good"]
    run = subprocess.Popen(
        [*command, "-k", "Q04 or Q02"],
        env=cluster.user.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(
            "the run has made topics, subjects or sources",
            lambda: cluster.things()["sources"] - before["sources"],
            timeout_seconds=120,
            every_seconds=0.5,
        )
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    left = cluster.things()
    assert left["topics"] - before["topics"]
    for name in left["topics"] - before["topics"]:
        assert "lab-q0" in name.lower().replace("_", "-")
    assert cluster.ledger("good").entries()
    cluster.user.run("target", "remove", "good", expect=1)
    assert "lab-q0" in cluster.user.run("cleanup", "good", "--dry-run").stdout
    removed = cluster.user.json("cleanup", "good")
    assert removed["left"] == []
    assert removed["removed"]
    assert cluster.things() == before
    assert not cluster.ledger("good").path.exists()
    assert "Nothing is left" in cluster.user.run("cleanup", "good").stdout


def test_a_clean_up_that_cannot_reach_the_cluster_says_so_and_keeps_the_ledger(
    cluster: Cluster,
) -> None:
    cluster.describe("gone", bootstrap_servers=f"127.0.0.1:{next_port()}")
    ledger = cluster.ledger("gone")
    ledger.note("stem", "lab-k01-0123abcd", "a run")
    entries = [*ledger.path.read_text().splitlines()]
    # The note is of this process, which is alive: to others it looks like a run that goes on.
    cluster.user.run("cleanup", "gone", expect=2)
    assert "1 entries stay" in cluster.refused("cleanup", "gone", "--force")
    assert ledger.path.read_text().splitlines() == entries
