"""TERMINATE, PAUSE and RESUME to commands."""

from __future__ import annotations

from lab.ksqldb.catalog import Catalog
from lab.ksqldb.errors import StatementError
from lab.ksqldb.names import QueryId
from lab.ksqldb.plan.steps import Command
from lab.ksqldb.runtime.planned import Distributed
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.identifiers import write


def terminate(statement: ast.Terminate, catalog: Catalog) -> Distributed:
    """Plan a TERMINATE of one query or of all.

    Raises:
        StatementError: there is no such query, or it lives as long as its table.
    """
    queries, name = _queries(statement.query, catalog)
    kept = [q for q in queries if _materializes(q, catalog)]
    if kept and statement.query is not None:
        raise StatementError(
            f"Cannot terminate query '{kept[0]}' because it is linked to a source table"
        )
    return Distributed(
        f"terminate/{name}/execute",
        Command(f"TERMINATE {_shown(name)};", terminate=tuple(q for q in queries if q not in kept)),
        "Query terminated.",
    )


def pause_or_resume(statement: ast.PauseResume, catalog: Catalog) -> Distributed:
    """Plan a PAUSE or RESUME of one query or of all.

    Raises:
        StatementError: there is no such query.
    """
    queries, name = _queries(statement.query, catalog)
    if statement.resume:
        command = Command(f"RESUME {_shown(name)};", resume=queries)
        return Distributed(f"resume/{name}/execute", command, "Query resumed.")
    command = Command(f"PAUSE {_shown(name)};", pause=queries)
    return Distributed(f"pause/{name}/execute", command, "Query paused.")


def _queries(query: QueryId | None, catalog: Catalog) -> tuple[tuple[QueryId, ...], str]:
    if query is None:
        return tuple(q.id for q in catalog.queries()), "ALL"
    found = catalog.query(query)
    if found is None:
        raise StatementError(f"Unknown queryId: {query}")
    return (found.id,), found.id


def _materializes(query: QueryId, catalog: Catalog) -> bool:
    found = catalog.query(query)
    return found is not None and found.materializes is not None


def _shown(name: str) -> str:
    return name if name == "ALL" else write(name)
