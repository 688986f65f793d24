"""Runs the statements of a request to /ksql.

All are rehearsed on a copy of the catalog first, in order: nothing happens if one of them cannot.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from lab.ksqldb.analysis.topics import SandboxTopics
from lab.ksqldb.errors import BadRequest, KsqlError, NotInThisPlace, ServerFault, StatementError
from lab.ksqldb.rest.entities import Entity, status
from lab.ksqldb.rest.handlers import (
    asserts,
    connectors,
    describing,
    functions,
    lists,
    settings,
)
from lab.ksqldb.rest.handlers.session import Handler, Session, entity
from lab.ksqldb.runtime.engine import Engine
from lab.ksqldb.runtime.guards import check_statement, is_on
from lab.ksqldb.runtime.planned import Distributed, Warned, pretend
from lab.ksqldb.sql import ast, ast_admin
from lab.ksqldb.sql.parser import Parsed, Piece

MAX_STATEMENTS = 1000
"""How many statements a request may have: each is planned against all before it."""

_CHANGING = (
    ast.CreateSource,
    ast.CreateAsSelect,
    ast.InsertSelect,
    ast.Drop,
    ast.DropType,
    ast.Terminate,
    ast.PauseResume,
    ast_admin.Alter,
    ast_admin.CreateType,
)
"""Statements that go through the command topic."""

_LISTS: dict[str, Handler] = {
    "STREAMS": lists.show_sources,
    "TABLES": lists.show_sources,
    "TOPICS": lists.show_topics,
    "QUERIES": lists.show_queries,
    "PROPERTIES": settings.show_properties,
    "FUNCTIONS": functions.show_functions,
    "TYPES": lists.show_types,
    "VARIABLES": settings.show_variables,
}

_SESSION: dict[type, Handler] = {
    ast.SetProperty: settings.set_property,
    ast.UnsetProperty: settings.unset_property,
    ast_admin.Define: settings.define,
    ast_admin.Undefine: settings.undefine,
}
"""Statements that change the request's session only: rehearsed by being run on a copy of it."""


class Failed(Exception):
    """A statement of a request failed after others were done."""

    def __init__(self, error: KsqlError, done: list[Entity]) -> None:
        super().__init__(str(error))
        self.error = error
        self.done = done


def _show(session: Session, statement: ast.Show, text: str) -> Entity | None:
    return _LISTS[statement.what](session, statement, text)


def _change(session: Session, statement: ast.Statement, text: str) -> Entity:
    engine = session.engine

    def plan() -> Distributed | Warned:
        planning = engine.planning(engine.catalog.copy(), engine.broker)
        return planning.plan(statement, engine.next_query_number)

    done = engine.change(plan, session.overrides)
    if isinstance(done, Warned):
        return entity("warning_entity", text, message=done.message)
    return status(done.key, done.message, done.query, done.statement, done.offset)


def _insert(session: Session, statement: ast.InsertValues, _text: str) -> None:
    engine = session.engine
    engine.insert(engine.insertion(statement, engine.catalog))


def _run_script(_session: Session, _statement: ast_admin.RunScript, _text: str) -> None:
    raise StatementError(
        "RUN SCRIPT is a command of ksqlDB's command line: a server runs no scripts."
    )


def _alter_system(_session: Session, _statement: ast_admin.AlterSystem, _text: str) -> None:
    raise StatementError("ALTER SYSTEM is not supported: it is for ksqlDB in Confluent Cloud.")


_HANDLERS: dict[type, Handler] = {
    **dict.fromkeys(_CHANGING, _change),
    **_SESSION,
    ast.InsertValues: _insert,
    ast.Show: _show,
    ast.Describe: describing.describe_source,
    ast_admin.DescribeAll: describing.describe_sources,
    ast.DescribeFunction: functions.describe_function,
    ast.Explain: describing.explain,
    ast_admin.AssertTopic: asserts.assert_topic,
    ast_admin.AssertSchema: asserts.assert_schema,
    ast_admin.ShowConnectors: connectors.show_connectors,
    ast_admin.ShowConnectorPlugins: connectors.show_plugins,
    ast_admin.CreateConnector: connectors.create_connector,
    ast_admin.DropConnector: connectors.drop_connector,
    ast_admin.DescribeConnector: connectors.describe_connector,
    ast_admin.RunScript: _run_script,
    ast_admin.AlterSystem: _alter_system,
}


def check_properties(engine: Engine, properties: Mapping[str, str]) -> None:
    """Refuse properties of a request.

    Raises:
        BadRequest: one is unknown, cannot be changed, or cannot have its value.
    """
    for name, value in properties.items():
        try:
            engine.check_property(name, value)
        except StatementError as error:
            raise BadRequest(error.message) from None


class Statements:
    """Runs the statements of a request."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(
        self,
        text: str,
        properties: Mapping[str, str],
        variables: Mapping[str, str],
        after: int | None = None,
        *,
        alone: bool = False,
        given_up: threading.Event | None = None,
    ) -> list[Entity]:
        """Run all statements of a text; nothing happens if one of them cannot.

        ``after`` is the number of a command that must have been applied before; ``alone`` says
        that another node asks, to which this one tells of itself only. Statements that wait stop
        once ``given_up`` is set.

        Raises:
            KsqlError: the request is refused.
            Failed: a statement failed after others were done.
        """
        engine = self._engine
        engine.check_ready()
        if after is not None:
            engine.wait_for_command(after)
        check_properties(engine, properties)
        session = Session(engine, dict(properties), dict(variables), alone)
        session.given_up = given_up or session.given_up
        pieces = engine.parser.split(text)
        if len(pieces) > MAX_STATEMENTS:
            raise BadRequest(f"A request has at most {MAX_STATEMENTS} statements")
        parsed = self._rehearse(pieces, session.copy())
        return self._perform(parsed, session)

    @staticmethod
    def _perform(parsed: list[Parsed], session: Session) -> list[Entity]:
        done: list[Entity] = []
        for item in parsed:
            try:
                made = _HANDLERS[type(item.statement)](session, item.statement, item.text)
            except KsqlError as error:
                if isinstance(error, StatementError | ServerFault) and error.statement is None:
                    error.statement = item.text
                raise Failed(error, done) from error
            if made is not None:
                done.append(made)
        return done

    def _rehearse(self, pieces: tuple[Piece, ...], session: Session) -> list[Parsed]:
        """Prepare every statement and plan every change on copies, in order."""
        engine = self._engine
        catalog = engine.catalog.copy()
        topics = SandboxTopics(engine.broker)
        planning = engine.planning(catalog, topics)
        number = engine.next_query_number
        substitutes = is_on(engine.config.effective(), "ksql.variable.substitution.enable")
        parsed: list[Parsed] = []
        for piece in pieces:
            variables = session.variables if substitutes else {}
            item = engine.parser.prepare(piece, catalog.types(), variables)
            parsed.append(item)
            statement = item.statement
            try:
                check_statement(statement, engine.config.effective())
                if isinstance(statement, ast.QueryStatement | ast_admin.Print):
                    raise NotInThisPlace(
                        "The following statement types should be issued to the websocket "
                        "endpoint '/query':\n\t* PRINT\n\t* SELECT"
                    )
                if type(statement) in _SESSION:
                    _SESSION[type(statement)](session, statement, item.text)
                if len(pieces) == 1:
                    continue  # planned once, when it is done
                if isinstance(statement, _CHANGING):
                    planned = planning.plan(statement, number)
                    if isinstance(planned, Distributed):
                        number += 2
                        pretend(planned, catalog, topics)
                elif isinstance(statement, ast.InsertValues):
                    engine.insertion(statement, catalog)
            except StatementError as error:
                error.statement = error.statement or item.text
                raise
        return parsed
