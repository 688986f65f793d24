"""The decoders agree with kafka-dump-log, field by field, on segments of a real broker."""

import base64
import json
import re
from pathlib import Path
from typing import Any, TypedDict, cast
from uuid import UUID

import pytest

from lab.wire import cluster_metadata, consumer_offsets, control_records, transaction_state
from lab.wire.record_batch import RecordBatch, decode_batches

DATA = Path(__file__).parent / "data"


class Recording(TypedDict):
    about: str
    segment_hex: str
    dump: list[str]


def recording(name: str) -> Recording:
    return cast("Recording", json.loads((DATA / f"{name}.json").read_text()))


def batches(name: str) -> list[RecordBatch]:
    return list(decode_batches(bytes.fromhex(recording(name)["segment_hex"])))


def number(line: str, field: str) -> int:
    found = re.search(rf"\b{field}: (-?\d+)", line)
    assert found, f"{field} in {line}"
    return int(found[1])


def is_true(line: str, field: str) -> bool:
    return f"{field}: true" in line


@pytest.mark.parametrize(
    "name", ["records", "consumer_offsets", "transaction_state", "cluster_metadata"]
)
def test_batch_headers_agree(name: str) -> None:
    lines = [line for line in recording(name)["dump"] if line.startswith("baseOffset")]
    found = batches(name)
    assert len(found) == len(lines) > 3
    position = 0
    for batch, line in zip(found, lines, strict=True):
        assert batch.base_offset == number(line, "baseOffset")
        assert batch.last_offset == number(line, "lastOffset")
        assert batch.record_count == number(line, "count")
        assert batch.base_sequence == number(line, "baseSequence")
        assert batch.producer_id == number(line, "producerId")
        assert batch.producer_epoch == number(line, "producerEpoch")
        assert batch.leader_epoch == number(line, "partitionLeaderEpoch")
        assert batch.transactional == is_true(line, "isTransactional")
        assert batch.control == is_true(line, "isControl")
        assert batch.max_timestamp_ms == number(line, "CreateTime")
        assert batch.size == number(line, "size")
        assert batch.crc == number(line, "crc")
        assert batch.crc_matches == is_true(line, "isvalid")
        assert f"compresscodec: {batch.compression} " in line
        assert position == number(line, "position")
        position += batch.size


def test_records_agree() -> None:
    lines = [line for line in recording("records")["dump"] if line.startswith("|")]
    dumped = {number(line, "offset"): line for line in lines}
    seen = 0
    for batch in batches("records"):
        for record in batch.records or ():
            line = dumped[record.offset]
            seen += 1
            assert record.timestamp_ms == number(line, "CreateTime")
            assert number(line, "keySize") == (-1 if record.key is None else len(record.key))
            assert number(line, "valueSize") == (-1 if record.value is None else len(record.value))
            headers = ",".join(name for name, _ in record.headers)
            assert f"headerKeys: [{headers}]" in line
            if record.value is not None and not batch.control:
                assert f"payload: {record.value.decode()}" in line
    assert seen == len(lines) - 12, "all but the 12 records of the lz4 batch"


def test_kinds_of_batches_are_told_apart() -> None:
    found = batches("records")
    assert [batch.compression for batch in found if batch.compression != "none"] == ["gzip", "lz4"]
    assert [batch.records is None for batch in found if batch.compression == "lz4"] == [True]
    assert sum(batch.control for batch in found) == 2, "one commit marker, one abort marker"
    assert sum(batch.transactional and not batch.control for batch in found) == 2
    assert any(batch.base_sequence == 0 and not batch.transactional for batch in found)


def test_headers_and_nulls_are_kept() -> None:
    tombstone = [r for batch in batches("records") for r in batch.records or ()][1]
    assert (tombstone.key, tombstone.value) == (b"k1", None)
    assert tombstone.headers == (("h", b"\x00\xff"), ("none", None))


def test_committed_offsets_agree() -> None:
    lines = [line for line in recording("consumer_offsets")["dump"] if line.startswith("|")]
    records = [r for batch in batches("consumer_offsets") for r in batch.records or ()]
    commits = 0
    for record, line in zip(records, lines, strict=True):
        found = re.search(r"key: (\{.*?\}\}) payload: (\{.*\}|<DELETE>)$", line)
        assert found, line
        dumped_key = json.loads(found[1])
        assert record.key is not None
        key = consumer_offsets.decode_key(record.key)
        assert str(key.version) == dumped_key["type"]
        if not isinstance(key, consumer_offsets.OffsetCommitKey):
            continue
        assert dumped_key["data"] == {
            "group": key.group,
            "topic": key.topic,
            "partition": key.partition,
        }
        if record.value is None:
            assert found[2] == "<DELETE>"
            continue
        dumped = json.loads(found[2])
        value = consumer_offsets.decode_offset_commit_value(record.value)
        commits += 1
        assert str(value.version) == dumped["version"]
        assert value.offset == dumped["data"]["offset"]
        assert value.leader_epoch == dumped["data"]["leaderEpoch"]
        assert value.metadata == dumped["data"]["metadata"]
        assert value.commit_timestamp_ms == dumped["data"]["commitTimestamp"]
        assert value.topic_id is not None
        topic_id = base64.urlsafe_b64encode(value.topic_id.bytes).decode().rstrip("=")
        assert topic_id == dumped["data"]["topicId"]
    assert commits == 3


def uuid_text(value: UUID) -> str:
    return base64.urlsafe_b64encode(value.bytes).decode().rstrip("=")


def test_transaction_states_agree() -> None:
    lines = [line for line in recording("transaction_state")["dump"] if line.startswith("|")]
    records = [r for batch in batches("transaction_state") for r in batch.records or ()]
    states = []
    for record, line in zip(records, lines, strict=True):
        found = re.search(r"key: (\{.*?\}\}) payload: (\{.*\})$", line)
        assert found, line
        dumped = json.loads(found[2])
        assert record.key is not None
        assert record.value is not None
        transactional_id = transaction_state.decode_key(record.key)
        assert json.loads(found[1])["data"] == {"transactionalId": transactional_id}
        value = transaction_state.decode_value(record.value)
        data = dumped["data"]
        assert str(value.version) == dumped["version"]
        assert value.producer_id == data["producerId"]
        assert value.producer_epoch == data["producerEpoch"]
        assert (value.previous_producer_id or 0) == data["previousProducerId"]
        assert value.timeout_ms == data["transactionTimeoutMs"]
        assert transaction_state.STATES.index(value.state) == data["transactionStatus"]
        assert [
            {"topic": topic, "partitionIds": list(partitions)}
            for topic, partitions in value.partitions
        ] == (data["transactionPartitions"] or [])
        assert value.updated_ms == data["transactionLastUpdateTimestampMs"]
        assert value.started_ms == data["transactionStartTimestampMs"]
        states.append(value.state)
    assert states == [
        *("Empty", "Ongoing", "PrepareCommit", "CompleteCommit"),
        *("Ongoing", "PrepareAbort", "CompleteAbort", "Empty"),
    ]


def test_metadata_records_agree() -> None:
    lines = [line for line in recording("cluster_metadata")["dump"] if line.startswith("|")]
    found = batches("cluster_metadata")
    records = [(batch.control, r) for batch in found for r in batch.records or ()]
    decoded = set()
    for (control, record), line in zip(records, lines, strict=True):
        if control:
            leader_change = control_records.decode_leader_change(record)
            data = json.loads(line.partition("LeaderChange: ")[2])
            assert leader_change.leader_id == data["leaderId"]
            assert [{"voterId": n} for n in leader_change.voters] == data["voters"]
            granting = [{"voterId": n} for n in leader_change.granting_voters]
            assert granting == data["grantingVoters"]
            continue
        assert record.value is not None
        dumped = json.loads(line.partition("payload: ")[2])
        value = cluster_metadata.decode_frame(record.value)
        if not isinstance(value, cluster_metadata.OtherRecord):
            decoded.add(dumped["type"])
            assert_same_metadata(value, dumped["data"])
    assert decoded == {
        "TOPIC_RECORD",
        "PARTITION_RECORD",
        "CONFIG_RECORD",
        "PARTITION_CHANGE_RECORD",
        "REMOVE_TOPIC_RECORD",
        "FEATURE_LEVEL_RECORD",
    }


def assert_same_metadata(value: cluster_metadata.MetadataRecord, data: dict[str, Any]) -> None:
    match value:
        case cluster_metadata.TopicRecord():
            assert (value.name, uuid_text(value.topic_id)) == (data["name"], data["topicId"])
        case cluster_metadata.PartitionRecord():
            assert (value.partition, uuid_text(value.topic_id)) == (
                data["partitionId"],
                data["topicId"],
            )
            assert [list(value.replicas), list(value.in_sync)] == [data["replicas"], data["isr"]]
            assert (value.leader, value.leader_epoch) == (data["leader"], data["leaderEpoch"])
            assert value.partition_epoch == data["partitionEpoch"]
        case cluster_metadata.PartitionChangeRecord():
            assert (value.partition, uuid_text(value.topic_id)) == (
                data["partitionId"],
                data["topicId"],
            )
            in_sync = None if value.in_sync is None else list(value.in_sync)
            assert in_sync == data.get("isr")
            assert value.leader == data.get("leader")
            assert value.replicas == data.get("replicas")
        case cluster_metadata.ConfigRecord():
            assert value.resource_type == data["resourceType"]
            assert value.resource_name == data["resourceName"]
            assert (value.name, value.value) == (data["name"], data["value"])
        case cluster_metadata.RemoveTopicRecord():
            assert uuid_text(value.topic_id) == data["topicId"]
        case cluster_metadata.FeatureLevelRecord():
            assert (value.name, value.level) == (data["name"], data["featureLevel"])
        case _:
            raise AssertionError(value)


def test_transaction_markers_agree() -> None:
    lines = [line for line in recording("records")["dump"] if "endTxnMarker" in line]
    records = [r for batch in batches("records") if batch.control for r in batch.records or ()]
    assert len(records) == 2
    for record, line in zip(records, lines, strict=True):
        marker = control_records.decode_transaction_marker(record)
        assert f"endTxnMarker: {marker.kind.upper()}" in line
        assert marker.coordinator_epoch == number(line, "coordinatorEpoch")
