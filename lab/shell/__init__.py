"""``lab ksql``: a small SQL prompt for ksqlDB, for people, scripts and pipes.

    scanner → session → printers (entities, rows, positions)      prompt: the terminal's part

All traffic goes through ``lab.clients.ksqldb``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError, UsageError

if TYPE_CHECKING:
    from lab.clients.ksqldb import KsqlClient
    from lab.shell.session import Session

__all__ = ["run"]


def run(
    url: str,
    *,
    execute: str | None = None,
    file: Path | None = None,
    json_output: bool = False,
    auth: tuple[str, str] | None = None,
    ca_file: Path | None = None,
) -> int:
    """Run statements against the server at ``url``; returns the exit code.

    The statements come from ``execute``, from ``file``, from standard input where that is no
    terminal, or else from an interactive prompt. They run one after the other; the first that
    fails ends a script.

    ``auth`` and ``ca_file`` are as KsqlClient takes them.

    Exit codes: 0 all well, 1 a statement failed or the server cannot be reached, 130 ended with
    Ctrl-C. Raises UsageError when both ``execute`` and ``file`` are given or the file cannot be
    read.
    """
    if execute is not None and file is not None:
        raise UsageError("give statements (-e) or a file (-f), not both")
    text = _read(file) if file is not None else execute

    from lab.clients.ksqldb import KsqlClient  # noqa: PLC0415  # slow to load: only when used
    from lab.shell.printers import HumanPrinter, JsonPrinter  # noqa: PLC0415
    from lab.shell.session import Session, run_script  # noqa: PLC0415

    printer = JsonPrinter() if json_output else HumanPrinter()
    with KsqlClient(url, auth=auth, ca_file=ca_file) as client:
        session = Session(client, printer)
        if text is not None:
            name = str(file) if file is not None else None
            return run_script(session, text.splitlines(keepends=True), name=name).value
        if not sys.stdin.isatty():
            return run_script(session, sys.stdin, name="stdin").value
        try:
            _interact(client, session)
        except LabError as error:
            printer.failure(error, None, None)
            return 1
        return 0


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from None


def _interact(client: KsqlClient, session: Session) -> None:
    import platformdirs  # noqa: PLC0415  # these three only for a terminal

    from lab.shell.prompt import Prompt, open_history  # noqa: PLC0415

    folder = Path(platformdirs.user_state_dir("kafka-lab", appauthor=False))
    Prompt(client, session, history=open_history(folder), say=_say).run()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
