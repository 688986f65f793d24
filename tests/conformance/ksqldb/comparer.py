"""Compares an answer with a recorded one.

Agreement means: HTTP status, error code, shape and rows. What varies from run to run is
normalized first: query numbers, transient ids, sequence numbers, times, hosts, node numbers in
topologies, order where the protocol promises none. The words of error messages are ours.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

VARYING = {
    "commandSequenceNumber",
    "consumerGroupId",
    "errorStats",
    "kafkaClusterId",
    "kafkaStreamsVersion",
    "product",
    "clusterStatistics",
    "ksqlHostQueryStatus",
    "statistics",
    "version",
}
"""Members that are left out: they name a run, a host, a time or a version."""

UNORDERED = {
    "functions",
    "offsets",
    "queries",
    "queryDescriptions",
    "sourceDescriptions",
    "streams",
    "tables",
    "tasksMetadata",
    "topics",
    "topicSummaries",
}

_IDS = (
    (re.compile(r"(?<![A-Z0-9])(C[ST]AS_[A-Z0-9_]+?)_\d+(?![A-Z0-9_])"), r"\1_#"),
    (re.compile(r"(?<![a-z])transient_([A-Z]\w*?)_\d{10,}(_\d+)?"), r"transient_\1_#"),
    (re.compile(r"\bquery_\d{10,}"), "query_#"),
    (re.compile(r"(KSTREAM|KTABLE)-([A-Z]+)-\d{10}"), r"\1-\2-#"),
)


@dataclass(frozen=True)
class Difference:
    """Where two answers part, and how."""

    path: str
    recorded: Any
    actual: Any

    def __str__(self) -> str:
        return f"{self.path}: recorded {_short(self.recorded)}, got {_short(self.actual)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else text[:300] + "…"


def text(value: str) -> str:
    """A text with its varying parts blanked out."""
    for pattern, replacement in _IDS:
        value = pattern.sub(replacement, value)
    return value


def normalized(value: Any, name: str = "") -> Any:
    """JSON data with what varies blanked out or put in order."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        items = [normalized(item) for item in value if not _is_push(item)]
        if name in UNORDERED:
            items.sort(key=lambda item: json.dumps(item, sort_keys=True))
        return items
    if isinstance(value, dict):
        return {k: normalized(v, k) for k, v in value.items() if k not in VARYING}
    return value


def _is_push(item: Any) -> bool:
    # A push query's end is asynchronous: whether it is still listed is a matter of moments.
    return (
        isinstance(item, dict) and item.get("queryType") == "PUSH" and item.get("state") is not None
    )


def compare_bodies(recorded: Any, actual: Any) -> list[Difference]:
    """Where two JSON bodies differ; of an error, only its code and kind count."""
    if isinstance(recorded, dict) and "error_code" in recorded and isinstance(actual, dict):
        if recorded["error_code"] >= 50000 and "error_code" in actual:
            return []  # the real server failed inside: any clean refusal agrees
        kinds = ("@type", "error_code")
        return _differences(
            {k: recorded.get(k) for k in kinds} | {"members": sorted(recorded)},
            {k: actual.get(k) for k in kinds} | {"members": sorted(actual)},
            "$",
        )
    return _differences(normalized(recorded), normalized(actual), "$")


def _differences(recorded: Any, actual: Any, path: str) -> list[Difference]:
    if isinstance(recorded, dict) and isinstance(actual, dict):
        found = []
        for key in recorded.keys() | actual.keys():
            if key not in actual or key not in recorded:
                found.append(Difference(f"{path}.{key}", recorded.get(key), actual.get(key)))
            else:
                found += _differences(recorded[key], actual[key], f"{path}.{key}")
        return found
    if isinstance(recorded, list) and isinstance(actual, list) and len(recorded) == len(actual):
        pairs = enumerate(zip(recorded, actual, strict=True))
        return [d for i, (r, a) in pairs for d in _differences(r, a, f"{path}[{i}]")]
    return [] if recorded == actual else [Difference(path, recorded, actual)]


def compare_lines(recorded: list[str], actual: list[str], *, any_rows: bool) -> list[Difference]:
    """Where two streamed answers differ; rows may come in another order.

    ``any_rows`` is for answers with a LIMIT over several partitions: which rows come is open, so
    that only their number counts.
    """
    wanted, got = [_line(x) for x in recorded], [_line(x) for x in actual]
    if wanted and isinstance(wanted[0], dict) and "error_code" in wanted[0]:
        return compare_bodies(wanted[0], got[0] if got else None)
    found = _differences(normalized(wanted[:1]), normalized(got[:1]), "$header")
    rows, others = wanted[1:], got[1:]
    if any_rows:
        return found + _differences(len(rows), len(others), "$rows")
    key = json.dumps
    return found + _differences(sorted(rows, key=key), sorted(others, key=key), "$rows")


def _line(line: str) -> Any:
    stripped = line.strip()
    for candidate in (stripped, stripped.rstrip(","), stripped + "]", stripped.rstrip(",") + "]"):
        try:
            return _unwrapped(json.loads(candidate))
        except ValueError:
            continue
    if stripped.endswith("]"):
        return json.loads(stripped[:-1])
    return stripped


def _unwrapped(value: Any) -> Any:
    is_header = isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict)
    return value[0] if is_header else value
