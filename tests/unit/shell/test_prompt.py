"""The prompt's parts, and the prompt itself on a piped terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from lab.clients.errors import Unreachable
from lab.clients.ksqldb import Entity, ServerInfo
from lab.clients.ksqldb_rows import QueryHeader, Row
from lab.clients.names import ServiceId, SourceName
from lab.shell.printers import JsonPrinter
from lab.shell.prompt import KsqlCompleter, KsqlLexer, Prompt, command_of, is_complete, open_history
from lab.shell.session import Session

NAMES = ("ORDERS", "ORDERS_BY_REGION", "lower")


def completions(text: str) -> list[str]:
    completer = KsqlCompleter(lambda: NAMES)
    found = completer.get_completions(Document(text), CompleteEvent(completion_requested=True))
    return [completion.text for completion in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM ORD", ["ORDERS", "ORDERS_BY_REGION"]),
        ("select * from ord", ["ORDERS", "ORDERS_BY_REGION"]),
        ("SELECT * FROM ", ["ORDERS", "ORDERS_BY_REGION", "`lower`"]),
        ("DESCRIBE LO", ["`lower`"]),
        ("SEL", ["SELECT"]),
        ("sel", ["select"]),
        ("CREATE STREAM X WITH (KAFKA", ["KAFKA_TOPIC"]),
        ("SELECT COUNT(OR", ["ORDERS", "ORDERS_BY_REGION", "OR"]),
        ("SELECT 'EMI", []),
        ("SELECT 1 -- EMI", []),
        ("SELECT 'x'", []),
        ("SELECT 1", []),
    ],
)
def test_completion(text: str, expected: list[str]) -> None:
    assert completions(text) == expected


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", True),
        ("SHOW TOPICS", False),
        ("SHOW TOPICS;", True),
        ("SHOW TOPICS; -- and", True),
        ("SELECT 'a;", False),
        ("help", True),
        ("EXIT;", True),
        ("exit now", False),
    ],
)
def test_enter_hands_over_what_is_complete(text: str, complete: bool) -> None:
    assert is_complete(text) is complete


@pytest.mark.parametrize(
    ("text", "command"),
    [("Help", "help"), (" quit ; ", "quit"), ("SHOW TOPICS;", None), ("", None)],
)
def test_own_commands(text: str, command: str | None) -> None:
    assert command_of(text) == command


def test_colours_by_kind_over_several_lines() -> None:
    line = KsqlLexer().lex_document(Document("select 'a\nb' x\n-- c"))
    assert line(0) == [("class:keyword", "select"), ("", " "), ("class:string", "'a")]
    assert line(1) == [("class:string", "b'"), ("", " "), ("", "x")]
    assert line(2) == [("class:comment", "-- c")]
    assert line(3) == []


def test_history_is_kept_for_this_user_only(tmp_path: Path) -> None:
    history = open_history(tmp_path / "state")
    assert isinstance(history, FileHistory)
    history.append_string("SHOW TOPICS;")
    path = tmp_path / "state" / "ksql-history"
    assert "SHOW TOPICS;" in path.read_text("utf-8")
    assert path.stat().st_mode & 0o077 == 0


def test_history_without_a_folder_is_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert isinstance(open_history(tmp_path / "file" / "state"), InMemoryHistory)


@dataclass
class FakeServer:
    url: str = "http://fake"
    asked: list[str] = field(default_factory=list)
    sources_asked: int = 0

    def info(self) -> ServerInfo:
        return ServerInfo("1.2.3", "cluster", ServiceId("lab_"), "RUNNING")

    def sources(self) -> dict[SourceName, str]:
        self.sources_asked += 1
        if self.sources_asked > 1:
            raise Unreachable("gone")
        return {SourceName("ORDERS"): "STREAM"}

    def execute(
        self, statements: str, *, properties: Mapping[str, str] | None = None
    ) -> list[Entity]:
        self.asked.append(statements)
        if "BAD" in statements:
            raise Unreachable("gone")
        return []

    def push(
        self,
        sql: str,
        *,
        properties: Mapping[str, str] | None = None,
        row_timeout_seconds: float | None = 30.0,
    ) -> FakeServer:
        self.asked.append(sql)
        return self

    header = QueryHeader(None, ("A",), ("STRING",))

    def __iter__(self) -> Iterator[Row]:
        yield ("x",)
        raise KeyboardInterrupt

    def close(self) -> None:
        self.asked.append("closed")


def type_in(server: FakeServer, keys: str) -> list[str]:
    """Run the prompt on the keys; what it says. Ends with Ctrl-D where the keys do not."""
    said: list[str] = []
    with create_pipe_input() as pipe:
        pipe.send_text(keys + "\x04")
        Prompt(
            server,
            Session(server, JsonPrinter()),
            history=InMemoryHistory(),
            say=said.append,
            terminal_input=pipe,
            terminal_output=DummyOutput(),
        ).run()
    return said


def test_statement_over_several_lines_is_one() -> None:
    server = FakeServer()
    type_in(server, "SHOW\rTOPICS\r;\r")
    assert server.asked == ["SHOW\nTOPICS\n;"]


def test_several_statements_on_one_line_are_several() -> None:
    server = FakeServer()
    type_in(server, "SHOW A; SHOW B;\r")
    assert server.asked == ["SHOW A;", "SHOW B;"]


def test_those_after_a_failure_are_not_run() -> None:
    server = FakeServer()
    type_in(server, "BAD; SHOW B;\rSHOW C;\r")
    assert server.asked == ["BAD;", "SHOW C;"]


def test_exit_leaves_and_help_explains() -> None:
    server = FakeServer()
    said = type_in(server, "help\r\rexit\rSHOW A;\r")
    assert "version 1.2.3" in said[0]
    assert "EMIT CHANGES" in said[1]
    assert server.asked == []


def test_names_are_asked_for_again_after_a_change_and_may_fail() -> None:
    server = FakeServer()
    type_in(server, "SHOW A;\rCREATE STREAM X;\rSHOW B;\r")
    assert server.sources_asked == 2
    assert server.asked[-1] == "SHOW B;"


def test_ctrl_c_discards_what_is_typed_and_ends_queries() -> None:
    server = FakeServer()
    type_in(server, "half\x03SELECT * FROM T EMIT CHANGES;\rSHOW A;\r")
    assert server.asked == ["SELECT * FROM T EMIT CHANGES;", "closed", "SHOW A;"]


def test_unreachable_server_is_not_greeted() -> None:
    class Gone(FakeServer):
        def info(self) -> ServerInfo:
            raise Unreachable("gone")

    with pytest.raises(Unreachable):
        type_in(Gone(), "")


def test_clear_is_a_command_of_the_prompt() -> None:
    server = FakeServer()
    type_in(server, "clear\r")
    assert server.asked == []
