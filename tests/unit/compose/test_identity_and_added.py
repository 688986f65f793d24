"""Who a component says it is; how a further ksqlDB server is told; archives out of containers."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from lab.compose.added import environment, variable
from lab.compose.engine import unpack
from lab.compose.identity import connect_from, ksqldb_from, registry_from

APICURIO: dict[str, object] = {"name": "Apicurio Registry (SQL)", "version": "3.3.3"}


def test_registries() -> None:
    confluent: dict[str, object] = {"version": "8.2.0", "commitId": "abc"}
    assert registry_from(confluent, {}) == ("Confluent Schema Registry", "8.2.0")
    assert registry_from({}, APICURIO) == ("Apicurio Registry (SQL)", "3.3.3")
    assert registry_from({"error_code": 404}, {}) == ("schema registry", "unknown")


def test_the_compatible_server_is_never_called_ksqldb() -> None:
    ours: dict[str, object] = {
        "KsqlServerInfo": {"version": "7.9.0", "kafkaStreamsVersion": "4.3.1"}
    }
    theirs: dict[str, object] = {"KsqlServerInfo": {"version": "8.2.0"}}
    assert ksqldb_from(ours) == ("ksqlDB-compatible server on Kafka Streams", "4.3.1")
    assert ksqldb_from(theirs) == ("ksqlDB server", "8.2.0")
    assert ksqldb_from({}) == ("ksqlDB server", "unknown")
    assert connect_from({"version": "4.2.0"}) == ("Kafka Connect", "4.2.0")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ksql.service.id", "KSQL_KSQL_SERVICE_ID"),
        ("ksql.streams.num.standby.replicas", "KSQL_KSQL_STREAMS_NUM_STANDBY_REPLICAS"),
        ("a-b.c_d", "KSQL_A___B_C__D"),
    ],
)
def test_properties_as_variables(name: str, expected: str) -> None:
    assert variable(name) == expected


def test_a_further_server_is_like_the_lab_s_own_but_for_its_name() -> None:
    model = ["KSQL_LISTENERS=http://0.0.0.0:8088", "KSQL_KSQL_SERVICE_ID=default_", "A=b=c"]
    told = environment(model, "ksqldb-2", "audit_", {"ksql.streams.num.stream.threads": "1"})
    assert told == {
        "KSQL_LISTENERS": "http://0.0.0.0:8088",
        "KSQL_KSQL_SERVICE_ID": "audit_",
        "KSQL_KSQL_ADVERTISED_LISTENER": "http://ksqldb-2:8088",
        "KSQL_KSQL_STREAMS_NUM_STREAM_THREADS": "1",
        "A": "b=c",
    }


def archive(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        folder = tarfile.TarInfo("kept")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def test_a_folder_s_content_is_unpacked_without_the_folder(tmp_path: Path) -> None:
    assert unpack(archive(("kept/a.log", b"1"), ("kept/deep/b.log", b"2")), tmp_path)
    assert (tmp_path / "a.log").read_bytes() == b"1"
    assert (tmp_path / "deep" / "b.log").read_bytes() == b"2"


def test_an_archive_that_was_cut_short_is_noticed(tmp_path: Path) -> None:
    assert not unpack(archive(("kept/a.log", b"x" * 5000))[:2000], tmp_path)


def test_nothing_is_written_outside(tmp_path: Path) -> None:
    with pytest.raises(tarfile.OutsideDestinationError):
        unpack(archive(("kept/../../b.log", b"2")), tmp_path / "in")
    assert not (tmp_path / "b.log").exists()
