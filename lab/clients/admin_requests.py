"""Admin requests that the client library has no call for: the quorum, groups' configs, members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.clients.errors import BrokerRefused, ClientError, Unreachable
from lab.clients.plain_request import ask
from lab.wire import describe_quorum as wire
from lab.wire import group_configs, leave_group


@dataclass(frozen=True)
class Quorum:
    """Who leads, in which epoch, who votes, and how far each voter's copy of the log is."""

    leader: int
    epoch: int
    high_watermark: int
    voters: Mapping[int, int]


def describe_quorum(addresses: Sequence[str], *, timeout_seconds: float = 5) -> Quorum:
    """Ask the brokers, one after the other, until one has an answer of the quorum's leader.

    Raises Unreachable or BrokerRefused: what the last one said.
    """
    problem: ClientError = Unreachable("describe the quorum: no broker was named")
    for address in addresses:
        try:
            body = ask(
                address,
                "DescribeQuorum",
                wire.VERSION,
                wire.encode_request(),
                timeout_seconds=timeout_seconds,
            )
        except ClientError as error:
            problem = error
            continue
        found = wire.decode_answer(body)
        if found.error == 0:
            voters = {replica.node_id: replica.log_end_offset for replica in found.voters}
            return Quorum(found.leader, found.epoch, found.high_watermark, voters)
        problem = _refused("describe the quorum", found.error)
    raise problem


def set_group_config(address: str, group: str, configs: Mapping[str, str | None]) -> None:
    """Set configs of a group (KIP-848), or remove those that are None.

    Raises BrokerRefused, Unreachable.
    """
    doing = f"configure group {group}"
    body = group_configs.encode_request(group, configs)
    answer = ask(address, "IncrementalAlterConfigs", group_configs.VERSION, body)
    error, text = group_configs.decode_answer(answer)
    if error:
        raise _refused(doing, error, text)


def remove_members(address: str, group: str, instance_ids: Sequence[str]) -> None:
    """Remove static members from a classic group; ``address`` is its coordinator's.

    Raises BrokerRefused, Unreachable.
    """
    body = leave_group.encode_request(group, instance_ids)
    error = leave_group.decode_answer(ask(address, "LeaveGroup", leave_group.VERSION, body))
    if error:
        raise _refused(f"remove members of group {group}", error)


def _refused(doing: str, code: int, text: str | None = None) -> BrokerRefused:
    from confluent_kafka import KafkaError  # noqa: PLC0415 - only for the code's name

    known = KafkaError(code)
    return BrokerRefused(doing, code=code, name=known.name(), text=text or known.str())
