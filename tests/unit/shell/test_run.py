"""The whole shell over HTTP: in pipes and in a terminal.

The server gives recorded answers, and has one push query that goes on until it is closed.
"""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lab.errors import UsageError
from lab.shell import run
from lab.wait import wait_until

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text("utf-8"))
ENDLESS = "SELECT * FROM T1 EMIT CHANGES;"
BROKEN = "SELECT broken FROM T1 EMIT CHANGES;"


@dataclass
class KsqlStub:
    """The running stub: where it is, and what it was asked."""

    url: str
    requests: list[tuple[str, Any]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def statements(self) -> list[str]:
        """The texts of the statements and queries that came, in their order."""
        return [body.get("ksql") or body.get("sql") for _, body in self.requests]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: KsqlStub

    def do_GET(self) -> None:
        if self.path == "/info":
            self._answer(200, RECORDED["info"])
        else:
            self._answer(404, {"error_code": 40400, "message": "not recorded"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "null")
        if self.path == "/close-query":
            self.stub.closed.set()
            self._answer(200, {})
            return
        statement = body.get("ksql") or body.get("sql")
        if statement != "SHOW STREAMS; SHOW TABLES;":  # what completion asks
            self.stub.requests.append((self.path, body))
        if statement in {ENDLESS, BROKEN}:
            self._stream(statement)
            return
        answer = RECORDED["answers"].get(f"{self.path} {statement}")
        if statement == "SHOW STREAMS; SHOW TABLES;":
            streams = {"streams": [{"name": "D1", "type": "STREAM"}]}
            tables = {"tables": [{"name": "lower", "type": "TABLE"}]}
            self._answer(200, [streams, tables])
        elif answer is None:
            message = f"not recorded: {statement}"
            self._answer(400, {"@type": "statement_error", "error_code": 40001, "message": message})
        elif "lines" in answer:
            self._raw(answer["status"], "".join(f"{line}\n" for line in answer["lines"]))
        else:
            self._answer(answer["status"], answer["body"])

    def _stream(self, statement: str) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        header = {"queryId": "transient_1", "columnNames": ["ID"], "columnTypes": ["STRING"]}
        rows = [header, ["a"], ["b"]]
        if statement == BROKEN:
            rows.append({"@type": "generic_error", "error_code": 50000, "message": "it broke"})
        for row in rows:
            self.wfile.write(json.dumps(row).encode() + b"\n")
            self.wfile.flush()
        if statement == ENDLESS:
            self.stub.closed.clear()
            self.stub.closed.wait(30)
        self.close_connection = True

    def _answer(self, status: int, body: object) -> None:
        self._raw(status, json.dumps(body))

    def _raw(self, status: int, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        pass


@pytest.fixture
def ksqldb() -> Iterator[KsqlStub]:
    class Bound(Handler):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Bound) as server:
        Bound.stub = KsqlStub(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield Bound.stub
        Bound.stub.closed.set()
        server.shutdown()
        thread.join()


def test_statements_given_are_run_in_their_order(
    ksqldb: KsqlStub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(ksqldb.url, execute="SHOW TABLES; SELECT region, n FROM T1_BY_REGION") == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "no tables",
        "REGION │ N",
        "───────┼─────",
        "west   │    2",
        "east   │    2",
        "north  │    1",
        "(3 rows)",
    ]
    assert err == ""


def test_error_is_shown_with_its_place_and_ends_the_script(
    ksqldb: KsqlStub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(ksqldb.url, execute="SELECT nope FROM T1_BY_REGION; SHOW TABLES;") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "error 40001: Line: 1, Col: 8: SELECT column 'NOPE' cannot be resolved.",
        "  SELECT nope FROM T1_BY_REGION;",
        "         ^",
    ]
    assert len(ksqldb.requests) == 1


def test_query_that_breaks_shows_its_rows_and_the_error(
    ksqldb: KsqlStub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(ksqldb.url, execute=BROKEN) == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[2:] == ["a", "b", "(2 rows)"]
    assert err == "error 50000: it broke\n"


def test_session_properties_reach_the_server(
    ksqldb: KsqlStub, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "SET 'auto.offset.reset'='earliest'; SHOW TABLES; SELECT * FROM T1 LIMIT 2;"
    assert run(ksqldb.url, execute=text) == 0
    assert ksqldb.requests[0][1]["streamsProperties"] == {"auto.offset.reset": "earliest"}
    assert ksqldb.requests[1][1]["properties"] == {"auto.offset.reset": "earliest"}
    assert "auto.offset.reset = 'earliest' for this session" in capsys.readouterr().out


def test_json_is_one_object_per_line(ksqldb: KsqlStub, capsys: pytest.CaptureFixture[str]) -> None:
    text = "SHOW TABLES; SET 'a'='b'; SELECT region, n FROM T1_BY_REGION; SELEC 1;"
    assert run(ksqldb.url, execute=text, json_output=True) == 1
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["@type"] for line in lines] == [
        "tables", "property", "header", "row", "row", "row", "statement_error",
    ]  # fmt: skip
    assert lines[3]["columns"] == {"REGION": "west", "N": 2}
    assert lines[-1]["error_code"] == 40001
    assert err == ""


def test_insert_without_an_answer(ksqldb: KsqlStub, capsys: pytest.CaptureFixture[str]) -> None:
    insert = "INSERT INTO C1 (id, region, amount) VALUES ('o0', 'east', 10.5);"
    assert run(ksqldb.url, execute=insert) == 0
    assert run(ksqldb.url, execute=insert, json_output=True) == 0
    human, machine = capsys.readouterr().out.splitlines()
    assert human == "INSERT INTO: done"
    assert json.loads(machine) == {"@type": "done", "statementText": insert}


def test_file_is_run_and_errors_name_its_lines(
    ksqldb: KsqlStub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "orders.sql"
    file.write_text("-- first\nSHOW TABLES;\n\nSELEC 1;\n", "utf-8")
    assert run(ksqldb.url, file=file) == 1
    assert capsys.readouterr().err.startswith(f"{file}:4: error 40001: line 1:1: Syntax Error")


def test_standard_input_is_run(
    ksqldb: KsqlStub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("SHOW\nTABLES;\nSHOW TABLES;\n"))
    assert run(ksqldb.url) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("stdin:1: error 40001: not recorded: SHOW\nTABLES;")


def test_unreachable_server_is_an_error_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("http://127.0.0.1:1", execute="SHOW TABLES;") == 1
    err = capsys.readouterr().err
    assert "Connection refused" in err
    assert "lab status" in err


def test_statements_and_file_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        run("http://127.0.0.1:1", execute="A;", file=tmp_path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "orders.sql"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=r"orders\.sql cannot be read"):
        run("http://127.0.0.1:1", file=file)


class Terminal:
    """The shell in a terminal of its own: type, and see what stands there; ``raw`` is it all."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.raw = ""
        self._master = master
        self._seen = 0

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def sees(self, words: str) -> str:
        """Wait for the words after what was seen last; the text up to them."""

        def look() -> bool:
            if select.select([self._master], [], [], 0.05)[0]:
                self.raw += os.read(self._master, 65536).decode("utf-8", "replace")
            return words in _plain(self.raw)[self._seen :]

        wait_until(f"{words!r} on the terminal", look, timeout_seconds=20, every_seconds=0)
        text = _plain(self.raw)
        begin, self._seen = self._seen, text.index(words, self._seen) + len(words)
        return text[begin : self._seen]


def _plain(text: str) -> str:
    return re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|[=>])", "", text).replace("\r", "")


@contextmanager
def terminal(url: str, state: Path, **env: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (40, 100))
    program = (
        "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        f"from lab.shell import run; sys.exit(run({url!r}))"
    )
    fixed = {"XDG_STATE_HOME": str(state), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, **fixed, **env},
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_terminal_session_from_greeting_to_exit(ksqldb: KsqlStub, tmp_path: Path) -> None:
    with terminal(ksqldb.url, tmp_path) as shell:
        assert "version 7.9.0" in shell.sees("ksql>")
        shell.type("SHOW\r")
        shell.type("TABLES;\r")
        shell.sees("not recorded: SHOW\nTABLES;")
        shell.type("SHOW TABLES;\r")
        shell.sees("no tables")
        shell.type("help\r")
        shell.sees("push query")
        shell.type("exit\r")
        assert shell.process.wait(10) == 0
    history = (tmp_path / "kafka-lab" / "ksql-history").read_text("utf-8")
    assert "+SHOW TABLES;" in history


def test_ctrl_c_ends_the_query_and_discards_what_is_typed(ksqldb: KsqlStub, tmp_path: Path) -> None:
    with terminal(ksqldb.url, tmp_path) as shell:
        shell.sees("ksql>")
        shell.type(ENDLESS + "\r")
        shell.sees("\nb\n")
        shell.type("\x03")
        assert "(2 rows)" in shell.sees("query ended")
        assert ksqldb.closed.is_set()
        shell.sees("ksql>")
        shell.type("half a state\x03")
        shell.type("exit\r")
        assert shell.process.wait(10) == 0


def test_ctrl_d_leaves(ksqldb: KsqlStub, tmp_path: Path) -> None:
    with terminal(ksqldb.url, tmp_path) as shell:
        shell.sees("ksql>")
        shell.type("\x04")
        assert shell.process.wait(10) == 0


def test_tab_completes_a_name_and_up_recalls_a_statement(ksqldb: KsqlStub, tmp_path: Path) -> None:
    with terminal(ksqldb.url, tmp_path) as shell:
        shell.sees("ksql>")
        shell.type("DESCRIBE D\t")
        shell.sees("1")
        shell.type(";\r")
        shell.sees("Stream D1")
        shell.sees("ksql>")
        shell.type("\x1b[A")
        shell.sees("DESCRIBE")
        shell.type("\r")
        shell.sees("Stream D1")
    assert ksqldb.statements() == ["DESCRIBE D1;", "DESCRIBE D1;"]


def test_colours_are_off_with_no_color(ksqldb: KsqlStub, tmp_path: Path) -> None:
    with terminal(ksqldb.url, tmp_path, NO_COLOR="1") as shell:
        shell.sees("ksql>")
        shell.type("DESCRIBE D2;\r")
        shell.sees("Metastore")
        coloured = re.compile(r"\x1b\[[0-9;]*\b(3[0-7]|9[0-7]|38)m")
        assert not coloured.search(shell.raw)
