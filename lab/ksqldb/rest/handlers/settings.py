"""SET, UNSET, DEFINE, UNDEFINE, SHOW PROPERTIES and SHOW VARIABLES."""

from __future__ import annotations

from lab.ksqldb.config import DEFAULTS, EDITABLE
from lab.ksqldb.errors import StatementError
from lab.ksqldb.rest.entities import Entity
from lab.ksqldb.rest.handlers.session import Session, entity
from lab.ksqldb.secrets import is_secret, shown
from lab.ksqldb.sql import ast, ast_admin
from lab.ksqldb.sql.variables import find, is_name


def set_property(session: Session, statement: ast.SetProperty, _text: str) -> None:
    """Set a property for the statements that follow."""
    session.engine.check_property(statement.name, statement.value)
    session.overrides[statement.name] = statement.value


def unset_property(session: Session, statement: ast.UnsetProperty, _text: str) -> None:
    """Take a property back."""
    session.engine.check_property(statement.name)
    session.overrides.pop(statement.name, None)


def define(session: Session, statement: ast_admin.Define, _text: str) -> None:
    """Define a variable for the statements that follow."""
    if not is_name(statement.name):
        raise StatementError(f"Illegal variable name: {statement.name}")
    known = find(session.variables, statement.name)
    session.variables[known or statement.name] = statement.value


def undefine(session: Session, statement: ast_admin.Undefine, _text: str) -> None:
    """Forget a variable."""
    known = find(session.variables, statement.name)
    if known is not None:
        del session.variables[known]


def show_variables(session: Session, _statement: ast.Show, text: str) -> Entity:
    """The variables of the request."""
    rows = [{"name": n, "value": v} for n, v in sorted(session.variables.items())]
    return entity("variables", text, variables=rows)


def show_properties(session: Session, _statement: ast.Show, text: str) -> Entity:
    """The properties that are honoured here."""
    effective = session.engine.config.effective()
    rows = [
        {
            "name": name,
            "scope": "KSQL",
            "value": shown(session.overrides.get(name, value)),
            "editable": name in EDITABLE,
            "level": "QUERY" if name == "ksql.query.pull.table.scan.enabled" else "SERVER",
        }
        for name, value in sorted(effective.items())
        if not is_secret(name)
    ]
    return entity(
        "properties",
        text,
        properties=rows,
        overwrittenProperties=sorted(session.overrides),
        defaultProperties=sorted(n for n, v in effective.items() if DEFAULTS.get(n) == v),
    )
