"""Hand-formatted storage is what Kafka's own tool would have written."""

from __future__ import annotations

from pathlib import Path

from lab.config import Settings
from lab.embedded import broker
from lab.embedded.fetching import outfitter
from lab.embedded.storage_template import format_with_storage_tool

BATCH_HEADER_BYTES = 61
LENGTH_AT, LENGTH_BYTES = 8, 4


def payloads(snapshot: bytes) -> list[bytes]:
    """The records of every batch, without the headers, which carry times and checksums."""
    found = []
    while snapshot:
        length = int.from_bytes(snapshot[LENGTH_AT : LENGTH_AT + LENGTH_BYTES])
        end = LENGTH_AT + LENGTH_BYTES + length
        found.append(snapshot[BATCH_HEADER_BYTES:end])
        snapshot = snapshot[end:]
    return found


def test_the_template_holds_the_records_that_storage_tool_writes(tmp_path: Path) -> None:
    outfit = outfitter(Settings.from_env())()
    broker.format_storage(tmp_path, 1, "cluster", outfit.kafka_version)
    ours = payloads((tmp_path / "bootstrap.checkpoint").read_bytes())
    tools = payloads(format_with_storage_tool(outfit))
    assert len(ours) == 3  # snapshot header, feature levels, snapshot footer
    assert ours[1] == tools[1]
