"""SHOW STREAMS, TABLES, TOPICS, QUERIES and TYPES."""

from __future__ import annotations

import re

from lab.ksqldb.rest import cluster, describe
from lab.ksqldb.rest.entities import Entity, running_query, source_info, type_entity
from lab.ksqldb.rest.handlers.session import Session, entity
from lab.ksqldb.runtime.persistent import PersistentQuery
from lab.ksqldb.runtime.transient import PushQuery
from lab.ksqldb.sql import ast


def show_sources(session: Session, statement: ast.Show, text: str) -> Entity:
    """Streams or tables."""
    engine = session.engine
    kind = statement.what.removesuffix("S")
    sources = [s for s in engine.catalog.sources() if s.kind == kind]
    if statement.extended:
        described = [describe.source_description(engine, s, extended=True) for s in sources]
        return entity("source_descriptions", text, sourceDescriptions=described)
    name = statement.what.lower()
    return entity(name, text, **{name: [source_info(s) for s in sources]})


def show_topics(session: Session, statement: ast.Show, text: str) -> Entity:
    """Topics, the hidden ones with ALL only."""
    engine = session.engine
    topics = engine.broker.topics()
    if not statement.everything:
        hidden = engine.config.effective()["ksql.hidden.topics"].split(",")
        patterns = [re.compile(p) for p in hidden]
        topics = {n: r for n, r in topics.items() if not any(p.fullmatch(n) for p in patterns)}
    if not statement.extended:
        rows = [{"name": n, "replicaInfo": r} for n, r in topics.items()]
        return entity("kafka_topics", text, topics=rows)
    readers = engine.broker.readers()
    detailed: list[Entity] = []
    for name, replicas in topics.items():
        groups, members = readers.get(name, (0, 0))
        detailed.append(
            {
                "name": name,
                "replicaInfo": replicas,
                "consumerCount": members,
                "consumerGroupCount": groups,
            }
        )
    return entity("kafka_topics_extended", text, topics=detailed)


def show_queries(session: Session, statement: ast.Show, text: str) -> Entity:
    """The queries that run on this node and on the others."""
    engine = session.engine
    queries: list[PersistentQuery | PushQuery] = [
        *engine.transient.pushes(),
        *engine.persistent.all(),
    ]
    if statement.extended:
        described = [describe.query_description(engine, q) for q in queries]
        others, silent = session.of_others(
            "SHOW QUERIES EXTENDED;", lambda body: body["queryDescriptions"]
        )
        everywhere = cluster.all_descriptions(described, others, silent)
        return entity("query_descriptions", text, queryDescriptions=everywhere)
    own = [running_query(q) for q in queries]
    others, silent = session.of_others("SHOW QUERIES;", lambda body: body["queries"])
    return entity("queries", text, queries=cluster.all_queries(own, others, len(silent)))


def show_types(session: Session, _statement: ast.Show, text: str) -> Entity:
    """The registered types."""
    types = session.engine.catalog.types()
    return entity("type_list", text, types={n: type_entity(t) for n, t in types.items()})
