"""The command ``lab``: parsing, error texts, exit codes. What is done is done elsewhere."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from lab import __version__, access
from lab.errors import ComponentFailed, LabError

COMMANDS = {
    "up": "lifecycle",
    "down": "lifecycle",
    "status": "lifecycle",
    "restart": "lifecycle",
    "reset": "lifecycle",
    "kill": "faults",
    "pause": "faults",
    "resume": "faults",
    "logs": "logs",
    "env": "env",
    "ksql": "ksql",
    "ksqldb": "ksqldb",
    "fetch": "fetch",
    "jars": "jars",
    "doctor": "doctor",
    "target": "target",
    "cleanup": "target",
    "verify": "evidence",
    "claims": "evidence",
    "report": "evidence",
}
EXIT_INTERRUPTED = 130


class LazyGroup(click.Group):
    """Loads a command's module when the command is used, so that ``lab`` itself starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which one meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, or None."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"lab.commands.{COMMANDS[cmd_name]}")
        command = getattr(module, f"{cmd_name}_command")
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a wrong name gets the nearest right one as a hint."""
        name = args[0] if args else ""
        if name and name not in COMMANDS and not name.startswith("-"):
            import difflib  # noqa: PLC0415 - only for a wrong name

            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean 'lab {near[0]}'?" if near else ""
            ctx.fail(f"there is no command '{name}'.{hint} See 'lab --help'.")
        return super().resolve_command(ctx, args)


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nA first walk:\n"
    "  lab up                     start a broker, a schema registry and ksqlDB\n"
    "  lab ksql                   talk SQL to it\n"
    "  lab verify                 check the claims and keep the evidence\n"
    "  lab down                   stop everything; data stays\n"
    "\n\b\nExit codes: 0 done, 1 failed, 2 asked for something impossible, 3 no lab is running,\n"
    "130 interrupted. NO_COLOR=1 switches colours off.",
)
@click.version_option(__version__, prog_name="lab")
def cli() -> None:
    """Run a Kafka platform on this machine and see who does what in it."""


def main() -> NoReturn:
    """Run the command line and exit with a code that means something."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _end)
    color = False if os.environ.get("NO_COLOR") else None
    try:
        code = cli.main(standalone_mode=False, color=color)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except LabError as error:
        show_error(error, color=color)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.secho("interrupted; what this command had started was stopped", err=True, color=color)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)


def _end(signum: int, _frame: FrameType | None) -> NoReturn:
    """A polite request to end: leave through the ``finally`` blocks, as Ctrl-C does."""
    raise SystemExit(128 + signum)


def show_error(error: LabError, *, color: bool | None = None) -> None:
    """Print an error: what is wrong, the end of the log if there is one, what to do."""
    click.secho("error: ", fg="red", bold=True, nl=False, err=True, color=color)
    click.echo(access.redact(error.message), err=True, color=color)
    if isinstance(error, ComponentFailed) and error.log_tail:
        where = f" of {error.log}" if error.log else ""
        click.secho(f"  the last lines{where}:", dim=True, err=True, color=color)
        for line in error.log_tail:
            click.secho(f"  | {line}", dim=True, err=True, color=color)
    if error.hint:
        click.secho("try: ", fg="yellow", nl=False, err=True, color=color)
        click.echo(error.hint, err=True, color=color)


if __name__ == "__main__":
    main()
