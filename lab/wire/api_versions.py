"""ApiVersions: which requests a broker understands, and the feature levels of its cluster.

Source: Kafka's protocol guide, ApiVersions request and response versions 0 and 3 (KIP-35, KIP-511,
KIP-584). The answer's header has no tagged fields in any version, so that old brokers can refuse
what they do not know: a refusal of version 3 comes in the form of version 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.wire import writer
from lab.wire.api_keys import API_KEYS
from lab.wire.primitives import Reader

UNSUPPORTED_VERSION = 35
_CLIENT = "kafka-lab"

RELEASES = (
    *("3.0", "3.1", "3.2", "3.3", "3.3", "3.3", "3.3", "3.4", "3.5", "3.5", "3.5"),
    *("3.6", "3.6", "3.6", "3.7", "3.7", "3.7", "3.7", "3.7", "3.8", "3.9"),
    *("4.0", "4.0", "4.0", "4.0", "4.1", "4.1", "4.2", "4.2", "4.3"),
)
"""The release of each level of metadata.version, from level 1 on (MetadataVersion in Kafka)."""


@dataclass(frozen=True)
class Understands:
    """A broker's answer: API key → lowest and highest version; feature → highest level it knows."""

    error: int
    versions: Mapping[int, tuple[int, int]]
    features: Mapping[str, int] = field(default_factory=dict)

    def highest(self, api: str) -> int | None:
        """The highest version of a request, None where the broker does not know it."""
        found = self.versions.get(API_KEYS[api])
        return None if found is None else found[1]

    @property
    def release(self) -> str:
        """The release that the broker's level of metadata.version belongs to, as far as known."""
        level = self.features.get("metadata.version")
        if level is None:
            return "before 3.3, or with ZooKeeper"
        if 1 <= level <= len(RELEASES):
            return RELEASES[level - 1]
        return f"after {RELEASES[-1]}"


def encode_request(version: int, number: int) -> bytes:
    """A whole request in version 0 or 3, its size before it."""
    head = writer.int16(API_KEYS["ApiVersions"]) + writer.int16(version) + writer.int32(number)
    request = head + writer.string(_CLIENT)
    if version >= 3:
        request += writer.NO_TAGS
        request += writer.compact_string(_CLIENT) + writer.compact_string("1") + writer.NO_TAGS
    return writer.int32(len(request)) + request


def decode_answer(version: int, body: bytes) -> Understands:
    """An answer's body without its header. Raises lab.wire.errors' errors for one that is none."""
    reader = Reader(body)
    error = reader.int16()
    if error == UNSUPPORTED_VERSION:
        version = 0
    flexible = version >= 3
    versions = {}
    for _ in range(reader.array_length(flexible=flexible)):
        key, lowest, highest = reader.int16(), reader.int16(), reader.int16()
        if flexible:
            reader.tagged_fields()
        versions[key] = (lowest, highest)
    features: dict[str, int] = {}
    if flexible:
        reader.int32()  # throttle time
        supported = reader.tagged_fields().get(0)
        if supported is not None:
            features = _features(Reader(supported))
    return Understands(error, versions, features)


def _features(reader: Reader) -> dict[str, int]:
    found = {}
    for _ in range(reader.array_length()):
        name, _lowest, highest = reader.compact_string(), reader.int16(), reader.int16()
        reader.tagged_fields()
        found[name] = highest
    return found
