"""What the /ksql end point does with each kind of statement."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from lab.ksqldb.analysis.topics import SandboxTopics
from lab.ksqldb.catalog import Catalog
from lab.ksqldb.config import DEFAULTS, EDITABLE, check_override
from lab.ksqldb.errors import BadRequest, KsqlError, NotInThisPlace, NotSupported, StatementError
from lab.ksqldb.functions.registry import Function, Kind
from lab.ksqldb.rest import describe
from lab.ksqldb.rest.entities import Entity, running_query, source_info, status
from lab.ksqldb.runtime.engine import Engine
from lab.ksqldb.runtime.persistent import PersistentQuery
from lab.ksqldb.runtime.planning import Distributed, Planning, Warned, apply
from lab.ksqldb.runtime.transient import PushQuery
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.parser import Parsed

_CHANGING = (
    ast.CreateSource,
    ast.CreateAsSelect,
    ast.Drop,
    ast.Terminate,
)

Properties = dict[str, str]
Handler = Callable[[Any, str, Properties], Entity | None]


class Failed(Exception):
    """A statement of a request failed after others were done."""

    def __init__(self, error: KsqlError, done: list[Entity]) -> None:
        super().__init__(str(error))
        self.error = error
        self.done = done


class Statements:
    """Runs the statements of a request."""

    def __init__(self, engine: Engine, known_to_kafka: Callable[[], frozenset[str]]) -> None:
        self._engine = engine
        self._known_to_kafka = known_to_kafka
        self._handlers: dict[type, Handler] = {
            ast.CreateSource: self._change,
            ast.CreateAsSelect: self._change,
            ast.Drop: self._change,
            ast.Terminate: self._change,
            ast.InsertValues: self._insert,
            ast.Show: self._show,
            ast.Describe: self._describe,
            ast.DescribeFunction: self._describe_function,
            ast.Explain: self._explain,
            ast.SetProperty: self._set,
            ast.UnsetProperty: self._unset,
            ast.PauseResume: self._pause,
            ast.QueryStatement: self._misplaced,
            ast.Print: self._misplaced,
            ast.InsertSelect: self._refuse("INSERT INTO … SELECT"),
            ast.DropType: self._drop_type,
        }
        self._lists: dict[str, Handler] = {
            "STREAMS": self._show_sources,
            "TABLES": self._show_sources,
            "TOPICS": self._show_topics,
            "QUERIES": self._show_queries,
            "PROPERTIES": self._show_properties,
            "FUNCTIONS": self._show_functions,
            "TYPES": lambda _s, t, _p: _entity("type_list", t, types={}),
            "VARIABLES": lambda _s, t, _p: _entity("variables", t, variables=[]),
            "CONNECTORS": self._refuse("SHOW CONNECTORS"),
        }

    def run(self, text: str, properties: Mapping[str, Any]) -> list[Entity]:
        """Run all statements of a text; nothing happens if one of them cannot.

        Raises:
            KsqlError: the request is refused.
            Failed: a statement failed after others were done.
        """
        engine = self._engine
        engine.check_ready()
        overrides = {str(k): str(v) for k, v in properties.items()}
        parsed = engine.parser.parse(text)
        for item in parsed:
            if isinstance(item.statement, ast.QueryStatement | ast.Print):
                self._misplaced(item.statement, item.text, overrides)
        changing = any(isinstance(p.statement, _CHANGING) for p in parsed)
        with engine.changes if changing else contextlib.nullcontext():
            if len(parsed) > 1:
                self._rehearse(parsed, overrides)
            return self._perform(parsed, overrides)

    def _perform(self, parsed: tuple[Parsed, ...], overrides: Properties) -> list[Entity]:
        done: list[Entity] = []
        for item in parsed:
            handler = self._handlers[type(item.statement)]
            try:
                entity = handler(item.statement, item.text, overrides)
            except KsqlError as error:
                if isinstance(error, StatementError) and error.statement is None:
                    error.statement = item.text
                raise Failed(error, done) from error
            if entity is not None:
                done.append(entity)
        return done

    # Changes

    def _rehearse(self, parsed: tuple[Parsed, ...], overrides: Properties) -> None:
        """Plan every change on copies, in order."""
        engine = self._engine
        catalog = engine.catalog.copy()
        topics = SandboxTopics(engine.broker)
        planning = engine.planning(catalog, topics)
        number = engine.next_query_number
        properties = dict(overrides)
        for item in parsed:
            try:
                if isinstance(item.statement, _CHANGING):
                    planned = self._plan(planning, item.statement, number)
                    if isinstance(planned, Distributed):
                        number += 2
                        _pretend(planned, catalog, topics)
                elif isinstance(item.statement, ast.InsertValues):
                    engine.insertion(item.statement, catalog)
                elif isinstance(item.statement, ast.SetProperty | ast.UnsetProperty):
                    self._handlers[type(item.statement)](item.statement, item.text, properties)
            except StatementError as error:
                if error.statement is None:
                    error.statement = item.text
                raise

    def _plan(
        self, planning: Planning, statement: ast.Statement, number: int
    ) -> Distributed | Warned:
        match statement:
            case ast.CreateSource():
                return planning.create_source(statement)
            case ast.CreateAsSelect():
                return planning.create_as_select(statement, number)
            case ast.Drop():
                return planning.drop(statement)
            case ast.Terminate():
                return planning.terminate(statement)
        raise AssertionError(statement)

    def _change(self, statement: ast.Statement, text: str, overrides: Properties) -> Entity:
        engine = self._engine
        planning = engine.planning(engine.catalog, engine.broker)
        planned = self._plan(planning, statement, engine.next_query_number)
        if isinstance(planned, Warned):
            return {
                "@type": "warning_entity",
                "statementText": text,
                "message": planned.message,
                "warnings": [],
            }
        done = engine.distribute(planned, overrides)
        return status(done.key, done.message, done.query, done.statement, done.offset)

    def _insert(self, statement: ast.InsertValues, _text: str, _overrides: Properties) -> None:
        insertion = self._engine.insertion(statement, self._engine.catalog)
        self._engine.insert(insertion)

    def _set(self, statement: ast.SetProperty, _text: str, overrides: Properties) -> None:
        check_override(statement.name, self._known_to_kafka())
        overrides[statement.name] = statement.value

    def _unset(self, statement: ast.UnsetProperty, _text: str, overrides: Properties) -> None:
        check_override(statement.name, self._known_to_kafka())
        overrides.pop(statement.name, None)

    # Refusals

    @staticmethod
    def _refuse(feature: str) -> Handler:
        def handler(_statement: Any, _text: str, _overrides: Properties) -> Entity | None:
            raise NotSupported(feature)

        return handler

    def _misplaced(self, _statement: ast.Statement, text: str, _overrides: Properties) -> None:
        raise NotInThisPlace(
            "The following statement types should be issued to the websocket endpoint '/query':"
            "\n\t* PRINT\n\t* SELECT",
            statement=text,
        )

    def _pause(self, statement: ast.PauseResume, _text: str, _overrides: Properties) -> None:
        if statement.query is not None and self._engine.catalog.query(statement.query) is None:
            raise StatementError(f"Unknown queryId: {statement.query}")
        raise NotSupported("RESUME" if statement.resume else "PAUSE")

    def _drop_type(self, statement: ast.DropType, _text: str, _overrides: Properties) -> None:
        if statement.if_exists:
            raise NotSupported("DROP TYPE")
        raise StatementError(f"Type {statement.name} does not exist.")

    # Lists and descriptions

    def _show(self, statement: ast.Show, text: str, overrides: Properties) -> Entity | None:
        return self._lists[statement.what](statement, text, overrides)

    def _show_sources(self, statement: ast.Show, text: str, _overrides: Properties) -> Entity:
        kind = statement.what.removesuffix("S")
        sources = [s for s in self._engine.catalog.sources() if s.kind == kind]
        if statement.extended:
            described = [
                describe.source_description(self._engine, s, extended=True) for s in sources
            ]
            return _entity("source_descriptions", text, sourceDescriptions=described)
        name = statement.what.lower()
        return _entity(name, text, **{name: [source_info(s) for s in sources]})

    def _show_topics(self, statement: ast.Show, text: str, _overrides: Properties) -> Entity:
        topics = self._engine.broker.topics()
        if not statement.everything:
            hidden = self._engine.config.effective()["ksql.hidden.topics"].split(",")
            patterns = [re.compile(p) for p in hidden]
            topics = {n: r for n, r in topics.items() if not any(p.fullmatch(n) for p in patterns)}
        if not statement.extended:
            rows = [{"name": n, "replicaInfo": r} for n, r in topics.items()]
            return _entity("kafka_topics", text, topics=rows)
        readers = self._engine.broker.readers()
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
        return _entity("kafka_topics_extended", text, topics=detailed)

    def _show_queries(self, statement: ast.Show, text: str, _overrides: Properties) -> Entity:
        queries: list[PersistentQuery | PushQuery] = [
            *self._engine.transient.pushes(),
            *self._engine.persistent.all(),
        ]
        if statement.extended:
            described = [describe.query_description(self._engine, q) for q in queries]
            return _entity("query_descriptions", text, queryDescriptions=described)
        return _entity("queries", text, queries=[running_query(q) for q in queries])

    def _show_properties(self, _statement: ast.Show, text: str, overrides: Properties) -> Entity:
        effective = self._engine.config.effective()
        rows = [
            {
                "name": name,
                "scope": "KSQL",
                "value": overrides.get(name, value),
                "editable": name in EDITABLE,
                "level": "QUERY" if name == "ksql.query.pull.table.scan.enabled" else "SERVER",
            }
            for name, value in sorted(effective.items())
        ]
        return _entity(
            "properties",
            text,
            properties=rows,
            overwrittenProperties=sorted(overrides),
            defaultProperties=sorted(n for n, v in effective.items() if DEFAULTS.get(n) == v),
        )

    def _show_functions(self, _statement: ast.Show, text: str, _overrides: Properties) -> Entity:
        rows = [
            {"name": f.name, "type": f.kind.value, "category": f.category}
            for f in self._engine.functions.all()
        ]
        return _entity("function_names", text, functions=rows)

    def _describe(self, statement: ast.Describe, text: str, _overrides: Properties) -> Entity:
        source = self._engine.catalog.source(statement.name)
        if source is None:
            raise StatementError(f"Could not find STREAM/TABLE '{statement.name}' in the Metastore")
        described = describe.source_description(self._engine, source, extended=statement.extended)
        return _entity("sourceDescription", text, sourceDescription=described)

    def _describe_function(
        self, statement: ast.DescribeFunction, text: str, _overrides: Properties
    ) -> Entity:
        function = self._engine.functions.find(statement.name.upper())
        if function is None:
            raise BadRequest(f"Can't find any functions with the name '{statement.name}'")
        return _entity(
            "describe_function",
            text,
            name=function.name,
            description=function.description,
            author="kafka-lab",
            version="",
            path="internal",
            functions=_signatures(function),
            type=function.kind.value,
        )

    def _explain(self, statement: ast.Explain, text: str, overrides: Properties) -> Entity:
        engine = self._engine
        if statement.query is not None:
            found = engine.persistent.find(statement.query) or engine.transient.find(
                statement.query
            )
            if found is None:
                raise StatementError(
                    f"Query with id:{statement.query} does not exist, "
                    "use SHOW QUERIES to view the full set of queries."
                )
            described = describe.query_description(engine, found)
        else:
            assert statement.statement is not None  # noqa: S101 - narrows a type
            inner = re.sub(r"^\s*EXPLAIN\s+", "", text, flags=re.IGNORECASE)
            described = describe.explain_statement(engine, statement.statement, inner, overrides)
        return _entity("queryDescription", text, queryDescription=described)


def _entity(kind: str, text: str, **members: Any) -> Entity:
    return {"@type": kind, "statementText": text, **members, "warnings": []}


def _signatures(function: Function) -> list[Entity]:
    shown = []
    for signature in function.signatures:
        types = [str(p.pattern) for p in signature.parameters]
        returns = signature.returns_text
        if function.kind is Kind.AGGREGATE:
            returns = {"INT": "INTEGER"}.get(returns, returns)
        shown.append(
            {
                "arguments": [
                    {
                        "name": p.name,
                        "type": str(p.pattern),
                        "description": "",
                        "isVariadic": p.variadic,
                    }
                    for p in signature.parameters
                ],
                "returnType": returns,
                "description": function.description,
                "argumentTypes": types,
            }
        )
    return shown


def _pretend(planned: Distributed, catalog: Catalog, topics: SandboxTopics) -> None:
    apply(planned.command, catalog)
    if planned.new_topic is not None:
        topics.make(planned.new_topic)
    if planned.old_topic is not None:
        topics.delete(planned.old_topic)
