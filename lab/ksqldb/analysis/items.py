"""A column of a query's result."""

from __future__ import annotations

from dataclasses import dataclass

from lab.ksqldb.names import ColumnName
from lab.ksqldb.sql import ast


@dataclass(frozen=True, slots=True)
class Item:
    """A column of the result."""

    name: ColumnName
    expression: ast.Expression
