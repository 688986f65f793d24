"""DESCRIBE and EXPLAIN."""

from __future__ import annotations

import re

from lab.ksqldb.errors import StatementError
from lab.ksqldb.rest import cluster, describe
from lab.ksqldb.rest.entities import Entity
from lab.ksqldb.rest.handlers.session import Session, entity
from lab.ksqldb.sql import ast, ast_admin
from lab.ksqldb.sql.identifiers import write


def describe_source(session: Session, statement: ast.Describe, text: str) -> Entity:
    """A source."""
    engine = session.engine
    source = engine.catalog.source(statement.name)
    if source is None:
        raise StatementError(f"Could not find STREAM/TABLE '{statement.name}' in the Metastore")
    described = describe.source_description(engine, source, extended=statement.extended)
    if statement.extended:
        others, _ = session.of_others(
            f"DESCRIBE {write(source.name)} EXTENDED;",
            lambda body: body["sourceDescription"]["clusterStatistics"],
        )
        described["clusterStatistics"] = sum(others, described["clusterStatistics"])
    return entity("sourceDescription", text, sourceDescription=described)


def describe_sources(session: Session, statement: ast_admin.DescribeAll, text: str) -> Entity:
    """All streams, or all tables."""
    engine = session.engine
    kind = statement.what.removesuffix("S")
    described = [
        describe.source_description(engine, s, extended=statement.extended)
        for s in engine.catalog.sources()
        if s.kind == kind
    ]
    return entity("source_descriptions", text, sourceDescriptions=described)


def explain(session: Session, statement: ast.Explain, text: str) -> Entity:
    """A query that runs, or what a statement would run as."""
    engine = session.engine
    if statement.query is not None:
        found = engine.persistent.find(statement.query) or engine.transient.find(statement.query)
        if found is None:
            raise StatementError(
                f"Query with id:{statement.query} does not exist, "
                "use SHOW QUERIES to view the full set of queries."
            )
        described = describe.query_description(engine, found)
        if engine.persistent.find(statement.query) is not None:
            others, silent = session.of_others(
                f"EXPLAIN {write(statement.query)};", lambda body: [body["queryDescription"]]
            )
            described = cluster.all_descriptions([described], others, silent)[0]
    else:
        assert statement.statement is not None  # noqa: S101 - narrows a type
        inner = re.sub(r"^\s*EXPLAIN\s+", "", text, flags=re.IGNORECASE)
        described = describe.explain_statement(
            engine, statement.statement, inner, session.overrides
        )
    return entity("queryDescription", text, queryDescription=described)
