"""Names of columns that the statement does not name."""

from __future__ import annotations

from lab.ksqldb.analysis.sources import Scope, source_columns
from lab.ksqldb.names import ColumnName
from lab.ksqldb.sql import ast


class ColumnNames:
    """Gives names that no column of the sources has, each once."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._taken = {name for b in scope.bounds for name in source_columns(b.source)}
        self._count = 0

    def of(self, node: ast.Expression) -> ColumnName:
        """The name of an item without an alias.

        A column keeps its own name unless several sources have it; a struct's field gives its
        name, numbered when it is taken; anything else is KSQL_COL_0, KSQL_COL_1 and so on.
        """
        match node:
            case ast.Column(name=name):
                found = self._scope.origin(name)
                if found is None or self._scope.clashes(found[1]):
                    return name
                return found[1]
            case ast.Dereference(member=member):
                return self._field(member)
        return self._next()

    def _field(self, member: str) -> ColumnName:
        name, number = member, 0
        while name in self._taken:
            number += 1
            name = f"{member}_{number}"
        self._taken.add(name)
        return ColumnName(name)

    def _next(self) -> ColumnName:
        while (name := f"KSQL_COL_{self._count}") in self._taken:
            self._count += 1
        self._taken.add(name)
        self._count += 1
        return ColumnName(name)
