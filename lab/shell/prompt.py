"""The interactive prompt: history, statements over several lines, completion, colours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from lab.clients.ksqldb import ServerInfo
from lab.clients.names import SourceName
from lab.errors import LabError
from lab.shell.keywords import KEYWORDS, PROPERTIES
from lab.shell.scanner import split, tokens
from lab.shell.session import Outcome, Server, Session

HELP = """\
Statements end with ; and may go over several lines. Some to begin with:
  SHOW TOPICS;  SHOW STREAMS;  SHOW TABLES;  SHOW QUERIES;  SHOW FUNCTIONS;
  DESCRIBE name;  DESCRIBE name EXTENDED;  EXPLAIN query_id;
  SELECT … FROM table WHERE key = …;    pull query: answers once
  SELECT … FROM name EMIT CHANGES;      push query: rows as they come, Ctrl-C ends it
  SET 'auto.offset.reset'='earliest';   from now on, queries read from the beginning
The prompt's own: help, clear, exit. Tab completes, ↑ recalls, Ctrl-C discards what is
typed, Ctrl-D leaves.
"""

_COMMANDS = frozenset({"help", "?", "exit", "quit", "clear"})
_NAME_FOLLOWS = frozenset({"FROM", "JOIN", "INTO", "DESCRIBE"})
_CHANGES_SOURCES = frozenset({"CREATE", "DROP"})
_PLAIN = re.compile(r"[A-Z_][A-Z0-9_]*\Z")
_KEYWORDS = frozenset(KEYWORDS)

STYLE = Style.from_dict(
    {
        "keyword": "bold ansiblue",
        "string": "ansigreen",
        "name": "ansicyan",
        "number": "ansimagenta",
        "comment": "ansibrightblack",
        "open": "ansired",
    }
)


class InteractiveServer(Server, Protocol):
    """What the prompt needs of ``lab.clients.ksqldb.KsqlClient``."""

    url: str

    def info(self) -> ServerInfo:
        """What the server says it is."""
        ...

    def sources(self) -> dict[SourceName, str]:
        """Every stream and table."""
        ...


class KsqlLexer(Lexer):
    """Colours by token kind."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """The styled fragments of each line."""
        lines: list[StyleAndTextTuples] = [[]]
        for token in tokens(document.text):
            style = _style_of(token.kind, token.text)
            for number, part in enumerate(token.text.split("\n")):
                if number:
                    lines.append([])
                if part:
                    lines[-1].append((style, part))
        return lambda number: lines[number] if number < len(lines) else []


def _style_of(kind: str, text: str) -> str:
    if kind == "word":
        return "class:keyword" if text.upper() in _KEYWORDS else ""
    return f"class:{kind}" if kind in {"string", "name", "number", "comment", "open"} else ""


class KsqlCompleter(Completer):
    """Completes sources' names and keywords; nothing inside strings and comments."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self._names = names

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002  # the base class's signature
    ) -> Iterator[Completion]:
        """What may stand at the cursor, names first."""
        parts = [part for part in tokens(document.text_before_cursor) if part.kind != "space"]
        beginning = ""
        if parts and parts[-1].kind == "word" and document.char_before_cursor.strip():
            beginning = parts.pop().text
        elif parts and document.char_before_cursor.strip() and parts[-1].kind != "symbol":
            return
        if parts and parts[-1].kind in {"open", "comment"}:
            return
        wanted = beginning.upper()
        for name in sorted(self._names()):
            if name.upper().startswith(wanted):
                text = name if _PLAIN.match(name) else f"`{name}`"
                yield Completion(text, -len(beginning), display=name, display_meta="source")
        if not wanted or (parts and parts[-1].text.upper() in _NAME_FOLLOWS):
            return
        for keyword in (*KEYWORDS, *PROPERTIES):
            if keyword.startswith(wanted):
                text = keyword.lower() if beginning.islower() else keyword
                yield Completion(text, -len(beginning))


def command_of(text: str) -> str | None:
    """The prompt's own command that the text is, if it is one."""
    word = text.strip().rstrip(";").strip().lower()
    return word if word in _COMMANDS else None


def is_complete(text: str) -> bool:
    """Whether Enter hands the text over: statements that are all ended, a command, or nothing."""
    return not split(text).pending or command_of(text) is not None


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_complete(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return bindings


def open_history(folder: Path) -> History:
    """The history kept in the folder; in memory only where the folder cannot be written."""
    path = folder / "ksql-history"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)


class Prompt:
    """Reads statements from a terminal and runs them in a session until the user leaves."""

    def __init__(
        self,
        server: InteractiveServer,
        session: Session,
        *,
        history: History,
        say: Callable[[str], None],
        terminal_input: Input | None = None,
        terminal_output: Output | None = None,
    ) -> None:
        self._server = server
        self._session = session
        self._say = say
        self._names: tuple[str, ...] = ()
        self._prompt: PromptSession[str] = PromptSession(
            "ksql> ",
            multiline=True,
            prompt_continuation=lambda width, *_: "> ".rjust(width),
            history=history,
            lexer=KsqlLexer(),
            completer=KsqlCompleter(lambda: self._names),
            complete_while_typing=False,
            key_bindings=_bindings(),
            style=STYLE,
            input=terminal_input,
            output=terminal_output,
        )

    def run(self) -> None:
        """Greet, then read and run until ``exit`` or Ctrl-D. Raises Unreachable."""
        info = self._server.info()
        self._say(
            f"{self._server.url}: version {info.version}, service id {info.service_id}, "
            f"{info.status.lower()}\nStatements end with ;  Type help for help, exit to leave."
        )
        self._refresh_names()
        while True:
            try:
                text = self._prompt.prompt()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            command = command_of(text)
            if command in {"exit", "quit"}:
                return
            if command == "clear":
                self._prompt.output.erase_screen()
                self._prompt.output.cursor_goto(0, 0)
            elif command is not None:
                self._say(HELP.rstrip())
            else:
                self._run(text)

    def _run(self, text: str) -> None:
        changed = False
        for statement in split(text).statements:
            changed = changed or _CHANGES_SOURCES.issuperset(statement.words[:1])
            if self._session.run(statement) is not Outcome.OK:
                break
        if changed:
            self._refresh_names()

    def _refresh_names(self) -> None:
        try:
            self._names = tuple(self._server.sources())
        except LabError:
            return  # completion is a convenience; the next statement will say what is wrong
