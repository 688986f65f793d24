"""What the server's settings forbid."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lab.ksqldb.catalog import Catalog, Source
from lab.ksqldb.errors import BadRequest, StatementError
from lab.ksqldb.plan.steps import Command
from lab.ksqldb.sql import ast

Settings = Mapping[str, str]


def is_on(settings: Settings, name: str) -> bool:
    """Whether a flag is set."""
    return settings[name].lower() == "true"


def check_statement(statement: ast.Statement, settings: Settings) -> None:
    """Refuse kinds of statement that are switched off.

    Raises:
        StatementError: it is one of them.
    """
    replaces = isinstance(statement, ast.CreateSource | ast.CreateAsSelect) and statement.or_replace
    if replaces and not is_on(settings, "ksql.create.or.replace.enabled"):
        raise StatementError(
            "CREATE OR REPLACE is switched off: 'ksql.create.or.replace.enabled' is false"
        )
    if isinstance(statement, ast.InsertValues) and not is_on(
        settings, "ksql.insert.into.values.enabled"
    ):
        raise StatementError(
            "The server has disabled INSERT INTO ... VALUES functionality: "
            "'ksql.insert.into.values.enabled' is false"
        )


def check_pull(settings: Settings) -> None:
    """Refuse pull queries where they are switched off.

    Raises:
        StatementError: they are.
    """
    if not is_on(settings, "ksql.pull.queries.enable"):
        raise StatementError(
            "Pull queries are disabled. See https://cnfl.io/queries for more info.\n"
            "Add EMIT CHANGES if you intended to issue a push query.\n"
            "To enable pull queries, set 'ksql.pull.queries.enable' to true"
        )


def check_writable(source: Source, settings: Settings) -> None:
    """Refuse rows for topics that only others write.

    Raises:
        BadRequest: its topic is one of them.
    """
    patterns = [p.strip() for p in settings["ksql.readonly.topics"].split(",") if p.strip()]
    if any(re.fullmatch(p, source.topic) for p in patterns):
        raise BadRequest(f"Cannot insert values into read-only topic: {source.topic}")


def check_query_limit(command: Command, catalog: Catalog, settings: Settings) -> None:
    """Refuse one more query than the server is to run.

    Raises:
        StatementError: the limit is reached.
    """
    limit = int(settings["ksql.query.persistent.active.limit"])
    known = [q.id for q in catalog.queries()]
    if command.query is None or command.query.id in known or len(known) < limit:
        return
    raise StatementError(
        "Not executing statement(s) as it would cause the number of active, persistent queries to "
        "exceed the configured limit. Use the TERMINATE command to terminate existing queries. "
        f"Current persistent query count: {len(known)}. Configured limit: {limit}.",
        statement=command.statement,
    )
