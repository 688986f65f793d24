"""K04. When a leader dies the controller has another replica take over, and no acknowledged record
is lost.

Set-up    three brokers; a topic with replication factor 3 and min.insync.replicas=2
Action    records are produced with acks=all and idempotence; half-way the leader is killed with
          SIGKILL; when all attempts have ended it is started again
Observed  another broker leads; every acknowledged record is fetched, once, and in the order in
          which it was produced
Control   a topic with two replicas, acks=1, min.insync.replicas=1 and unclean leader election: the
          follower is paused until it is out of sync, records are acknowledged by the leader alone,
          the leader is paused and the follower takes over: those records are in no replica's log
Limits    one partition and one producer per round; the time without a leader is mostly the
          controller's patience with a silent broker (broker.session.timeout.ms, 9 s by default)
"""

from __future__ import annotations

import pytest

from lab.evidence import claim
from lab.evidence.checkers import duplicates, reordered, run_checker
from lab.evidence.cluster import Cluster
from lab.evidence.model import Finding, Outcome
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.workloads.load import SAFE, Load, longest_silence
from lab.workloads.log import WorkloadLog
from lab.workloads.loss import judge_loss, read_back

UNSAFE_TOPIC = {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}


@claim("K04")
@pytest.mark.brokers(3)
def test_new_leader_is_elected_and_nothing_acknowledged_is_lost(
    cluster: Cluster, evidence: Evidence, scale: Scale
) -> None:
    cluster.faults.require("kill", "pause", "restart", "broker_logs")
    for number in range(1, scale.rounds + 1):
        # Set-up
        orders = cluster.topic(f"orders-{number}", config={"min.insync.replicas": "2"})
        log = WorkloadLog()
        leader = cluster.when_led(orders, in_sync=cluster.brokers)

        # Action
        with Load(
            cluster.kafka.connection(SAFE),
            orders,
            log,
            count=scale.records,
            per_second=scale.records / 3,
            prefix=f"order-{number}",
        ) as load:
            load.wait_for(scale.records // 2)
            cluster.faults.kill(cluster.component(leader))
            others = set(cluster.brokers) - {leader}
            successor = cluster.when_led(orders, in_sync=others)
            load.finish()
        cluster.faults.restart(cluster.component(leader))
        cluster.when_led(orders, in_sync=cluster.brokers)
        read_back(cluster, orders, log)
        lost = judge_loss(cluster, orders, log)
        log.save(evidence.folder / f"{orders}.jsonl")
        silence = longest_silence(log.entries)
        evidence.record(
            "producer",
            "load",
            orders,
            answer={"acknowledged": load.acknowledged, "seconds without a leader": silence},
        )

        # Observed
        evidence.observe(
            "whether all attempts were acknowledged, by another leader in the end",
            {"acknowledged": load.acknowledged, "another leader": successor != leader},
            expected={"acknowledged": scale.records, "another leader": True},
            says=f"round {number}: leader {leader} was killed under load, {successor} took over;"
            f" {silence} s went by without an acknowledgement",
        )
        evidence.observe(
            "acknowledged records that are lost",
            finding=lost,
            says=f"round {number}: all {load.acknowledged} acknowledged records were fetched",
        )
        for checker in (duplicates, reordered):
            evidence.observe(
                checker.__name__,
                finding=run_checker(checker, log.entries, topic=orders),
                says="each once and in order",
            )

    # Control
    acknowledged, lost = with_an_unclean_election(cluster, evidence, scale)
    evidence.control(
        "acknowledged records that are lost with acks=1 and unclean election",
        {"outcome": lost.outcome, "says": lost.says.partition(":")[0]},
        expected={
            "outcome": Outcome.FAIL,
            "says": f"{scale.records} of {acknowledged} acknowledged records are missing",
        },
        says=f"acks=1 and an unclean election lost {scale.records} of {acknowledged} acknowledged"
        " records; they are in no replica's log",
    )


def with_an_unclean_election(
    cluster: Cluster, evidence: Evidence, scale: Scale
) -> tuple[int, Finding]:
    """Acknowledge records that only the leader has, then let the other replica lead.

    Returns how many records were acknowledged in all, and what the checker for loss finds.
    """
    leader, follower = cluster.brokers[0], cluster.brokers[1]
    risky = cluster.topic("risky", assignment=[[leader, follower]], config=UNSAFE_TOPIC)
    log = WorkloadLog()
    acknowledged = 0
    for prefix, count, acks in (("both", 100, "all"), ("leader-only", scale.records, 1)):
        with Load(
            cluster.kafka.connection({"acks": acks}),
            risky,
            log,
            count=count,
            per_second=20_000,
            prefix=prefix,
            actor=prefix,
        ) as load:
            load.finish()
        acknowledged += load.acknowledged
        if prefix == "both":
            cluster.faults.pause(cluster.component(follower))
            cluster.when_led(risky, in_sync={leader})
    cluster.faults.pause(cluster.component(leader))
    cluster.faults.resume(cluster.component(follower))
    cluster.when_led(risky, in_sync={follower})
    cluster.faults.resume(cluster.component(leader))
    cluster.when_led(risky, in_sync={leader, follower})
    read_back(cluster, risky, log)
    lost = judge_loss(cluster, risky, log)
    log.save(evidence.folder / f"{risky}.jsonl")
    return acknowledged, lost
