"""target, cleanup: clusters that the lab did not start."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import click

from lab.commands.options import json_option
from lab.config import Settings
from lab.errors import InvalidSetting, UsageError

_SECTIONS = ("kafka", "schema_registry", "ksqldb", "connect")


@click.group(
    "target",
    epilog="\b\nFrom nothing to evidence:\n"
    "  export KAFKA_PASSWORD=…\n"
    "  lab target add prod --bootstrap broker:9093 --ca ca.pem \\\n"
    "      --sasl SCRAM-SHA-512 --user lab --secret kafka.password=env:KAFKA_PASSWORD\n"
    "  lab target probe prod                      what answers, and what one may do\n"
    "  lab verify --target external --name prod --dry-run\n"
    "  lab verify --target external --name prod -k K08\n"
    "  lab cleanup prod                           after a crash; otherwise it is done already\n"
    "\nWithout a file: LAB_EXTERNAL_KAFKA_BOOTSTRAP_SERVERS and further variables "
    'LAB_EXTERNAL_<SECTION>_<KEY> describe a target named "env".',
)
def target_command() -> None:
    """Describe clusters that the lab did not start, and see what can be asked of them."""


@target_command.command("add")
@click.argument("name")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A description in TOML to begin with; the options go on top.",
)
@click.option("--bootstrap", metavar="HOST:PORT[,…]", help="The brokers: kafka.bootstrap_servers.")
@click.option("--registry", metavar="URL", help="The schema registry: schema_registry.url.")
@click.option("--ksqldb", metavar="URL", help="The ksqlDB server: ksqldb.url.")
@click.option("--connect", metavar="URL", help="The Connect worker: connect.url.")
@click.option("--ca", metavar="FILE", help="The authority's certificates (PEM), for every part.")
@click.option(
    "--sasl", metavar="MECHANISM", help="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER."
)
@click.option("--user", help="The brokers' user, or an API key: kafka.user.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Any other setting, as prefix=team-lab- or kafka.check_hostname=false; may be repeated.",
)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="SECTION.KEY=WHERE",
    help="Where a secret is: env:VARIABLE, file:PATH, or prompt to be asked for it now; it is then "
    "kept in the description, which only you can read. May be repeated.",
)
@click.option("--replace", is_flag=True, help="Overwrite the description of that name.")
def add_command(  # noqa: PLR0917 - one parameter an option
    name: str,
    file: Path | None,
    bootstrap: str | None,
    registry: str | None,
    ksqldb: str | None,
    connect: str | None,
    ca: str | None,
    sasl: str | None,
    user: str | None,
    settings: tuple[str, ...],
    secrets: tuple[str, ...],
    replace: bool,
) -> None:
    """Describe the cluster NAME in a file that only you can read. Nothing is connected to.

    TLS is used where there is a --ca (or kafka.tls=true, for authorities that the system knows).
    docs/external.md lists every setting.
    """
    from lab.external import store  # noqa: PLC0415

    data = _begun_with(file)
    for section, key, value in (
        ("kafka", "bootstrap_servers", bootstrap),
        ("kafka", "sasl_mechanism", sasl),
        ("kafka", "user", user),
        ("schema_registry", "url", registry),
        ("ksqldb", "url", ksqldb),
        ("connect", "url", connect),
    ):
        if value is not None:
            data.setdefault(section, {})[key] = value
    for item in settings:
        _set(data, item)
    if ca is not None:
        authority = str(Path(ca).expanduser().absolute())
        for section in _SECTIONS:
            part = data.get(section)
            if part is not None and (section == "kafka" or _is_https(part)):
                part["ca_file"] = authority
    for item in secrets:
        _secret(data, item)
    kafka = data.get("kafka", {})
    if user is not None and "password" not in kafka and "api_secret" not in kafka:
        kafka["password"] = _asked("kafka.password")
    state = Settings.from_env().state_root
    path = store.save(state, data, name, replace=replace)
    click.echo(f'External target "{name}" is described in {path}.')
    click.echo(f"Next: lab target probe {name}")


def _begun_with(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise InvalidSetting(str(file), "is no TOML file") from None


def _is_https(part: dict[str, Any]) -> bool:
    return str(part.get("url", "")).lower().startswith("https:")


def _place(data: dict[str, Any], setting: str) -> tuple[dict[str, Any], str]:
    """The table that a setting belongs to, and its key in it."""
    section, dot, key = setting.partition(".")
    if not dot:
        return data, section
    if section not in _SECTIONS:
        raise UsageError(
            f"{setting}: there is no section {section!r}",
            hint=f"There are: {', '.join(_SECTIONS)}.",
        )
    table = data.setdefault(section, {})
    if key.startswith("settings."):
        return table.setdefault("settings", {}), key.removeprefix("settings.")
    return table, key


def _set(data: dict[str, Any], item: str) -> None:
    from lab.access import names_a_secret  # noqa: PLC0415

    setting, equals, value = item.partition("=")
    if not equals:
        raise UsageError("--set takes SECTION.KEY=VALUE")
    if names_a_secret(setting) or setting.endswith("api_secret"):
        raise UsageError(
            f"{setting} is a secret and does not belong on a command line",
            hint=f"--secret {setting}=env:VARIABLE, file:PATH or prompt.",
        )
    table, key = _place(data, setting)
    if setting == "allow":
        table[key] = [each.strip() for each in value.split(",") if each.strip()]
    else:
        table[key] = {"true": True, "false": False}.get(value, value)


def _secret(data: dict[str, Any], item: str) -> None:
    from lab.external.secrets import from_option  # noqa: PLC0415

    setting, equals, where = item.partition("=")
    if not equals:
        raise UsageError("--secret takes SECTION.KEY=env:VARIABLE, =file:PATH or =prompt")
    table, key = _place(data, setting)
    secret = from_option(setting, where)
    if secret is None:
        table[key] = _asked(setting)
    elif secret.kind == "file":
        table[key] = {"file": str(Path(secret.place).expanduser().absolute())}
    else:
        table[key] = {secret.kind: secret.place}


def _asked(setting: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            f"{setting} is missing, and there is no terminal to ask for it",
            hint=f"--secret {setting}=env:VARIABLE or --secret {setting}=file:PATH",
        )
    return str(click.prompt(setting, hide_input=True))


@target_command.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the external targets, and whether their ledgers are empty."""
    from lab.external import store  # noqa: PLC0415
    from lab.targets.external import ledger_of  # noqa: PLC0415

    settings = Settings.from_env()
    rows: list[dict[str, Any]] = []
    for name in store.names(settings.state_root):
        try:
            described = store.load(settings.state_root, name)
            servers, problem = described.kafka.bootstrap_servers, None
        except InvalidSetting as error:
            servers, problem = "", error.message
        left = len(ledger_of(settings, name).entries())
        rows.append({"name": name, "brokers": servers, "problem": problem, "in_ledger": left})
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    if not rows:
        click.echo("There is no external target. Describe one: lab target add NAME")
    for row in rows:
        more = f"  ({row['in_ledger']} entries in the ledger)" if row["in_ledger"] else ""
        click.echo(f"{row['name']:<16} {row['problem'] or row['brokers']}{more}")


@target_command.command("show")
@click.argument("name")
@json_option
def show_command(name: str, as_json: bool) -> None:
    """Show a description. Of secrets it shows where they are, never what they are."""
    from lab.external import store  # noqa: PLC0415

    shown = store.shown(store.load(Settings.from_env().state_root, name))
    if as_json:
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False))
        return
    for key, value in shown.items():
        if isinstance(value, dict):
            click.echo(f"[{key}]")
            for inner, each in value.items():
                click.echo(f"  {inner:<18} {each}")
        else:
            click.echo(f"{key:<20} {', '.join(value) if isinstance(value, list) else value}")


@target_command.command("remove")
@click.argument("name")
def remove_command(name: str) -> None:
    """Forget a description. Refused while the ledger says that something is left there."""
    from lab.external import store  # noqa: PLC0415

    store.remove(Settings.from_env().state_root, name)
    click.echo(f'External target "{name}" is forgotten.')


@target_command.command("probe")
@click.argument("name")
@json_option
def probe_command(name: str, as_json: bool) -> int:
    """See what answers, in which version, and what one may do there. Nothing is created.

    \b
    Exit codes: 0 everything that is described can be used; 1 something cannot, and it is
    said what and why; 2 the description itself is wrong or not there.
    """
    from lab import access  # noqa: PLC0415
    from lab.external import report, store  # noqa: PLC0415

    found = report.probe(store.load(Settings.from_env().state_root, name))
    if as_json:
        click.echo(access.redact(json.dumps(found.to_json(), indent=1, ensure_ascii=False)))
    else:
        for line in report.lines(found, click.style):
            click.echo(access.redact(line))
    return 1 if found.problems else 0


@click.command("cleanup")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Print what the ledger says, and remove nothing.")
@click.option("--force", is_flag=True, help="Also what a run that is still going on has created.")
@json_option
def cleanup_command(name: str, dry_run: bool, force: bool, as_json: bool) -> int:
    """Remove from the external target NAME what its ledger says that experiments created.

    For after a crash: a run that comes to its end does this by itself. Asking again is harmless.
    What could not be removed is told, stays in the ledger, and makes the exit code 1.
    """
    from lab import access  # noqa: PLC0415
    from lab.external import store  # noqa: PLC0415
    from lab.targets.external import clean_ledger, ledger_of  # noqa: PLC0415

    settings = Settings.from_env()
    if dry_run:
        described = store.load(settings.state_root, name)
        entries = ledger_of(settings, described.name).entries()
        if as_json:
            click.echo(
                json.dumps([{"kind": e.kind, "name": e.name, "run": e.run} for e in entries])
            )
            return 0
        if not entries:
            click.echo("The ledger is empty.")
        for entry in entries:
            what = "all that begins with" if entry.kind == "stem" else entry.kind
            click.echo(f"{what} {entry.name}   (run {entry.run})")
        return 0
    outcome = clean_ledger(settings, name, force=force)
    left = [access.redact(each) for each in outcome.left]
    if as_json:
        click.echo(json.dumps({"removed": outcome.removed, "left": left}, indent=1))
        return 1 if left else 0
    for each in outcome.removed:
        click.echo(f"removed {each}")
    for each in left:
        click.secho(f"left    {each}", fg="red", err=True)
    if not outcome.removed and not left:
        click.echo("Nothing is left of earlier runs.")
    return 1 if left else 0
