"""A lab of three nodes: a quorum of three, replicated topics, one node lost and back."""

from __future__ import annotations

from confluent_kafka.admin import AdminClient
from support.lab_command import LabCommand

from lab.wait import wait_until


def test_three_nodes_form_a_quorum_and_survive_the_loss_of_one(user: LabCommand) -> None:
    user.run("up", "--brokers", "3")
    status = user.json("status")
    assert [c["name"] for c in status["components"]][:3] == ["broker-1", "broker-2", "broker-3"]
    bootstrap = status["endpoints"]["LAB_BOOTSTRAP_SERVERS"]
    assert len(bootstrap.split(",")) == 3
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def in_sync() -> list[set[int]]:
        topics = admin.list_topics("__consumer_offsets", timeout=10).topics
        return [set(p.isrs) for p in topics["__consumer_offsets"].partitions.values()]

    assert set(admin.list_topics(timeout=10).brokers) == {1, 2, 3}
    assert {len(isr) for isr in in_sync()} == {3}

    _as_a_cluster_of_somebody(user, bootstrap)
    user.run("kill", "broker-3")
    wait_until(
        "no partition counts the killed node as in sync",
        lambda: not any(3 in isr for isr in in_sync()),
    )
    # The broker that is named first is the one that is gone.
    turned = ",".join(reversed(bootstrap.split(",")))
    user.run("target", "add", "turned", "--bootstrap", turned)
    found = user.json("target", "probe", "turned")
    assert found["problems"] == []
    assert all(found["cluster"]["rights_on_names"].values())
    user.run("up")
    wait_until("every replica is in sync again", lambda: all(len(i) == 3 for i in in_sync()))
    user.run("down")
    assert user.processes() == {}


def _as_a_cluster_of_somebody(user: LabCommand, bootstrap: str) -> None:
    """What of several brokers is told, allowed and not applicable on an external target."""
    first = bootstrap.partition(",")[0]
    user.run("target", "add", "plain", "--bootstrap", first)
    user.run("target", "add", "several", "--bootstrap", first, "--set", "allow=multi-broker")
    for name, brokers in (("plain", 1), ("several", 3)):
        found = user.json("target", "probe", name)
        assert sorted(found["cluster"]["brokers"]) == ["1", "2", "3"]
        assert found["capabilities"]["brokers"] == brokers
    reasons = user.json("target", "probe", "plain")["capabilities"]["reasons"]
    assert reasons["more_brokers"].startswith("not asked for")
    for name, reason in (("plain", 'allow = ["multi-broker"]'), ("several", "kill: nothing of")):
        told = user.run("verify", "--target", "external", "--name", name, "-k", "K03").stdout
        told = " ".join(told.split())
        assert "K03 not applicable" in told
        assert reason in told
    told = user.run("verify", "--target", "external", "--name", "several", "-k", "K02").stdout
    assert "K02  held" in told
