"""The record of HTTP exchanges: what a line says of a body, and reading lines back."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest

from lab.wire.exchange_log import BodyCapture, Exchange, ExchangeLog, LogFailed, read_exchanges


def captured(*parts: bytes, limit: int = 64, encoding: str | None = None) -> BodyCapture:
    body = BodyCapture(limit)
    body.content_encoding = encoding
    for part in parts:
        body.add(part)
    return body


def test_empty_body_is_null() -> None:
    assert captured(b"").to_json() is None


def test_text_is_kept_as_text() -> None:
    assert captured(b'{"a":', '"é"}'.encode()).to_json() == {"bytes": 10, "text": '{"a":"é"}'}


def test_bytes_that_are_no_text_are_base64() -> None:
    assert captured(b"\x00\xff").to_json() == {"bytes": 2, "base64": "AP8="}


def test_long_body_is_cut_and_marked() -> None:
    assert captured(b"x" * 40, b"y" * 40).to_json() == {
        "bytes": 80,
        "text": "x" * 40 + "y" * 24,
        "truncated": True,
    }


def test_cut_in_the_middle_of_a_character_is_still_text() -> None:
    body = captured("ééé".encode(), limit=5).to_json()
    assert body == {"bytes": 6, "text": "éé", "truncated": True}


def test_incomplete_character_at_the_end_of_a_whole_body_is_no_text() -> None:
    body = captured("é".encode()[:1]).to_json()
    assert body == {"bytes": 1, "base64": "ww=="}


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_compressed_body_is_readable_in_the_record(encoding, pack) -> None:  # type: ignore[no-untyped-def]
    packed = pack(b'{"id":1}')
    assert captured(packed, encoding=encoding).to_json() == {
        "bytes": len(packed),
        "content_encoding": encoding,
        "text": '{"id":1}',
    }


def test_compressed_body_that_grows_past_the_limit_is_cut() -> None:
    body = captured(gzip.compress(b"x" * 1000), encoding="gzip").to_json()
    assert body is not None
    assert (body["text"], body["truncated"]) == ("x" * 64, True)


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_body_that_cannot_be_unpacked_is_kept_as_it_came(encoding: str) -> None:
    assert captured(b"plain", encoding=encoding).to_json() == {"bytes": 5, "text": "plain"}


def test_line_has_the_documented_keys(tmp_path: Path) -> None:
    log = ExchangeLog(tmp_path / "log.jsonl")
    exchange = Exchange("127.0.0.1:5", method="GET", path="/subjects", status=200)
    log.append(exchange)
    log.close()
    (line,) = read_exchanges(tmp_path / "log.jsonl")
    assert list(line) == [
        "time", "client", "user_agent", "method", "path", "request_body", "status",
        "response_body", "duration_ms", "error",
    ]  # fmt: skip
    assert line["time"].endswith("Z")
    assert line["duration_ms"] >= 0


def test_unfinished_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":')
    assert list(read_exchanges(path)) == [{"a": 1}]


def test_reading_goes_on_from_a_position(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"a":1}\n')
    start = path.stat().st_size
    with path.open("ab") as more:
        more.write(b'{"a":2}\n')
    assert list(read_exchanges(path, start=start)) == [{"a": 2}]


def test_missing_file_holds_no_exchanges(tmp_path: Path) -> None:
    assert list(read_exchanges(tmp_path / "none.jsonl")) == []


def test_log_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for _ in range(2):
        log = ExchangeLog(path)
        log.append(Exchange("c"))
        log.close()
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 2


def test_log_in_a_missing_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(LogFailed, match=r"missing/log\.jsonl"):
        ExchangeLog(tmp_path / "missing" / "log.jsonl")


def test_write_that_fails_is_reported_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = ExchangeLog(path)
    log.close()
    with pytest.raises(LogFailed, match=r"log\.jsonl"):
        log.append(Exchange("c"))
