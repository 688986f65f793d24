"""Types of expressions, and the rules that refuse an ill-typed one.

The rules follow ksqlDB's recorded answers: INTEGER < BIGINT < DECIMAL < DOUBLE for arithmetic,
text compares with DATE, TIME and TIMESTAMP, booleans only for equality, CASE branches need one
type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lab.ksqldb.errors import NotSupported, StatementError
from lab.ksqldb.functions.registry import Kind, Registry
from lab.ksqldb.functions.signature import ArgumentType, Match
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INTEGER,
    STRING,
    Array,
    Base,
    Decimal,
    Map,
    SqlType,
    Struct,
    array,
    as_decimal,
    decimal,
    map_of,
    struct,
)

COMPARISONS = {
    "=": "EQUAL",
    "<>": "NOT_EQUAL",
    "<": "LESS_THAN",
    "<=": "LESS_THAN_OR_EQUAL",
    ">": "GREATER_THAN",
    ">=": "GREATER_THAN_OR_EQUAL",
    "IS DISTINCT FROM": "IS_DISTINCT_FROM",
    "IS NOT DISTINCT FROM": "IS_NOT_DISTINCT_FROM",
}
_EQUALITY = {"=", "<>", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"}
_TIMES = {Base.DATE, Base.TIME, Base.TIMESTAMP}
_INT_MAX = 2**31


def literal_type(value: int) -> SqlType:
    """INTEGER when the number fits, BIGINT otherwise.

    Raises:
        StatementError: not even that.
    """
    if not -(2**63) <= value < 2**63:
        raise StatementError(f"Failed to prepare statement: Invalid numeric literal: {value}")
    return INTEGER if -_INT_MAX <= value < _INT_MAX else BIGINT


def exact_type(text: str) -> Decimal:
    """The DECIMAL of a literal with a point; a missing whole part counts as a digit."""
    whole, _, fraction = text.lstrip("-").partition(".")
    digits = len(whole.lstrip("0")) or 1
    return decimal(digits + len(fraction), len(fraction))


class Typing:
    """Types expressions over a set of named columns."""

    def __init__(self, columns: Mapping[str, SqlType], functions: Registry) -> None:
        self._columns = columns
        self._functions = functions
        self._rules: dict[type, Callable[..., ArgumentType]] = {
            ast.Column: self._column,
            ast.Integer: lambda n: literal_type(n.value),
            ast.Exact: lambda n: exact_type(n.text),
            ast.Inexact: lambda _: DOUBLE,
            ast.Text: lambda _: STRING,
            ast.Boolean: lambda _: BOOLEAN,
            ast.Null: lambda _: None,
            ast.Negate: self._negate,
            ast.Arithmetic: self._arithmetic,
            ast.Comparison: self._comparison,
            ast.Logical: self._logical,
            ast.Not: self._not,
            ast.Between: self._between,
            ast.In: self._in,
            ast.Like: self._like,
            ast.IsNull: self._is_null,
            ast.Case: self._case,
            ast.Cast: self._cast,
            ast.Subscript: self._subscript,
            ast.Dereference: self._dereference,
            ast.Call: lambda n: self.call(n).returns,
            ast.ArrayOf: self._array,
            ast.MapOf: self._map,
            ast.StructOf: self._struct,
        }

    def of(self, node: ast.Expression) -> ArgumentType:
        """The type; None for a bare NULL.

        Raises:
            StatementError: the expression is ill-typed.
        """
        return self._rules[type(node)](node)

    def known(self, node: ast.Expression) -> SqlType:
        """The type of an expression that must have one."""
        found = self.of(node)
        if found is None:
            raise StatementError(f"Cannot determine the type of {text_of(node)}: cast the NULL.")
        return found

    def call(self, node: ast.Call) -> Match:
        """The signature a call uses."""
        function = self._functions.get(node.name)
        if function.kind is not Kind.SCALAR:
            raise StatementError(f"Can't find any functions with the name '{node.name}'")
        return function.resolve([self.of(a) for a in node.arguments])

    def _column(self, node: ast.Column) -> ArgumentType:
        try:
            return self._columns[node.name]
        except KeyError:
            raise StatementError(f"Unknown column {text_of(node)}.") from None

    def _negate(self, node: ast.Negate) -> ArgumentType:
        operand = self.known(node.operand)
        if not operand.is_numeric:
            raise StatementError(f"Negation is not defined on {operand}: {text_of(node)}")
        return operand

    def _arithmetic(self, node: ast.Arithmetic) -> ArgumentType:
        left, right = self.of(node.left), self.of(node.right)
        whole = text_of(node)
        if left is None or right is None:
            raise StatementError(
                f"Error processing expression: {whole}. Arithmetic on types "
                f"{left or 'null'} and {right or 'null'} are not supported.\nStatement: {whole}"
            )
        if left.base is right.base is Base.STRING and node.operator == "+":
            return STRING
        if not (left.is_numeric and right.is_numeric):
            raise StatementError(
                f"Error processing expression: {whole}. Unsupported arithmetic types. "
                f"{left.base.value} {right.base.value}\nStatement: {whole}"
            )
        return arithmetic_type(node.operator, left, right)

    def _comparison(self, node: ast.Comparison) -> ArgumentType:
        left, right = self.of(node.left), self.of(node.right)
        if left is None or right is None:
            word = node.operator
            raise StatementError(
                f"Comparison with NULL not supported: {left or 'NULL'} {word} {right or 'NULL'}\n"
                "Use 'IS NULL' or 'IS NOT NULL' instead."
            )
        if not comparable(left, right, equality=node.operator in _EQUALITY):
            whole = text_of(node)
            raise StatementError(
                f"Cannot compare {text_of(node.left)} ({left}) to {text_of(node.right)} ({right}) "
                f"with {COMPARISONS[node.operator]}.\nStatement: {whole}"
            )
        return BOOLEAN

    def _boolean(self, node: ast.Expression) -> None:
        found = self.of(node)
        if found is not None and found.base is not Base.BOOLEAN:
            raise StatementError(f"Not a boolean expression: {text_of(node)} ({found})")

    def _logical(self, node: ast.Logical) -> ArgumentType:
        self._boolean(node.left)
        self._boolean(node.right)
        return BOOLEAN

    def _not(self, node: ast.Not) -> ArgumentType:
        if self.of(node.operand) is None:
            raise StatementError(f"Not a boolean expression: {text_of(node.operand)}")
        self._boolean(node.operand)
        return BOOLEAN

    def _between(self, node: ast.Between) -> ArgumentType:
        operand = self.known(node.operand)
        for bound in (node.low, node.high):
            other = self.known(bound)
            if not comparable(operand, other, equality=False):
                raise StatementError(
                    f"Cannot compare {text_of(node.operand)} ({operand}) to {text_of(bound)} "
                    f"({other}) in {text_of(node)}"
                )
        return BOOLEAN

    def _in(self, node: ast.In) -> ArgumentType:
        operand = self.known(node.operand)
        for item in node.items:
            other = self.of(item)
            if other is None or in_comparable(operand, other):
                continue
            raise StatementError(
                f"operator does not exist: {operand} = {other} ({text_of(item)})\n"
                "Hint: You might need to add explicit type casts."
            )
        return BOOLEAN

    def _like(self, node: ast.Like) -> ArgumentType:
        for part in (node.operand, node.pattern):
            if self.known(part).base is not Base.STRING:
                raise StatementError(f"LIKE needs text: {text_of(part)} ({self.of(part)})")
        if node.escape is not None and len(node.escape) != 1:
            raise StatementError(
                "Failed to prepare statement: Expected single character escape but got: "
                f"{node.escape}"
            )
        return BOOLEAN

    def _is_null(self, node: ast.IsNull) -> ArgumentType:
        self.of(node.operand)
        return BOOLEAN

    def _case(self, node: ast.Case) -> ArgumentType:
        if node.operand is not None:
            raise NotSupported("CASE expression WHEN value (the simple form)")
        found: ArgumentType = None
        for branch in node.branches:
            self._boolean(branch.condition)
            type_ = self.of(branch.result)
            if found is not None and type_ is not None and type_ != found:
                raise StatementError(
                    "Invalid Case expression. Type for all 'THEN' clauses should be the same."
                    f"\nThen expressions: {found} and {type_}"
                )
            found = found or type_
        default = None if node.default is None else self.of(node.default)
        if found is None and default is None:
            raise StatementError("Invalid Case expression. All case branches have NULL type")
        if found is not None and default is not None and default != found:
            raise StatementError(
                "Invalid Case expression. Type for the default clause should be the same as for "
                f"'THEN' clauses.\nThen type: {found}.\nDefault type: {default}."
            )
        return found or default

    def _cast(self, node: ast.Cast) -> ArgumentType:
        source = self.of(node.operand)
        if source is not None and not castable(source, node.type):
            raise StatementError(f"Cast of {source} to {node.type} is not supported.")
        return node.type

    def _subscript(self, node: ast.Subscript) -> ArgumentType:
        base = self.known(node.base)
        index = self.of(node.index)
        if isinstance(base, Array):
            if index is None or index.base is not Base.INTEGER:
                raise StatementError(f"An array's index must be an INTEGER: {text_of(node)}")
            return base.item
        if isinstance(base, Map):
            return base.value
        raise StatementError(f"Subscripts are for arrays and maps: {text_of(node)} is {base}")

    def _dereference(self, node: ast.Dereference) -> ArgumentType:
        base = self.known(node.base)
        index = base.index(node.member) if isinstance(base, Struct) else None
        if not isinstance(base, Struct) or index is None:
            raise StatementError(f"Could not find field '{node.member}' in '{text_of(node.base)}'.")
        return base.fields[index].type

    def _array(self, node: ast.ArrayOf) -> ArgumentType:
        if not node.items:
            raise StatementError(
                "Array constructor cannot be empty. Please supply at least one element"
            )
        return array(self.common(node.items, "Array"))

    def _map(self, node: ast.MapOf) -> ArgumentType:
        if not node.entries:
            raise StatementError(
                "Map constructor cannot be empty. Please supply at least one key value pair"
            )
        return map_of(
            self.common([k for k, _ in node.entries], "Map"),
            self.common([v for _, v in node.entries], "Map"),
        )

    def _struct(self, node: ast.StructOf) -> ArgumentType:
        names = [name for name, _ in node.members]
        if len(set(names)) != len(names):
            raise StatementError(f"Duplicate field names in {text_of(node)}")
        return struct(*((name, self.known(value)) for name, value in node.members))

    def common(
        self, nodes: list[ast.Expression] | tuple[ast.Expression, ...], what: str
    ) -> SqlType:
        """The one type that all values of a constructor have or can be cast to."""
        types = [(n, t) for n in nodes if (t := self.of(n)) is not None]
        if not types:
            raise StatementError(f"Cannot construct a {what.lower()} with all NULL values")
        found = types[0][1]
        for node, type_ in types[1:]:
            if type_ == found:
                continue
            if not (type_.is_numeric and found.is_numeric):
                raise StatementError(
                    f"operator does not exist: {found} = {type_} ({text_of(node)})\n"
                    "Hint: You might need to add explicit type casts."
                )
            found = widest(found, type_)
        return found


def widest(left: SqlType, right: SqlType) -> SqlType:
    """The number type that holds the values of both."""
    for base in (Base.DOUBLE, Base.DECIMAL, Base.BIGINT):
        if base not in {left.base, right.base}:
            continue
        if base is Base.DECIMAL:
            a, b = as_decimal(left), as_decimal(right)
            scale = max(a.scale, b.scale)
            return decimal(max(a.precision - a.scale, b.precision - b.scale) + scale, scale)
        return DOUBLE if base is Base.DOUBLE else BIGINT
    return INTEGER


def arithmetic_type(operator: str, left: SqlType, right: SqlType) -> SqlType:
    """The result type of arithmetic on two numbers."""
    if Base.DECIMAL not in {left.base, right.base} or Base.DOUBLE in {left.base, right.base}:
        return widest(left, right)
    a, b = as_decimal(left), as_decimal(right)
    whole_a, whole_b = a.precision - a.scale, b.precision - b.scale
    if operator in {"+", "-"}:
        scale = max(a.scale, b.scale)
        return decimal(max(whole_a, whole_b) + scale + 1, scale)
    if operator == "*":
        return decimal(a.precision + b.precision + 1, a.scale + b.scale)
    if operator == "/":
        scale = max(6, a.scale + b.precision + 1)
        return decimal(whole_a + b.scale + scale, scale)
    scale = max(a.scale, b.scale)
    return decimal(min(whole_a, whole_b) + scale, scale) if b.scale or a.scale == 0 else a


def comparable(left: SqlType, right: SqlType, *, equality: bool) -> bool:
    """Whether two values can be compared."""
    bases = {left.base, right.base}
    if left.is_numeric and right.is_numeric:
        return True
    if bases & _TIMES and bases <= _TIMES | {Base.STRING}:
        return Base.STRING in bases or len(bases) == 1 or Base.TIME not in bases
    if left.base is not right.base:
        # ROWTIME and other BIGINT columns are not comparable with text here.
        return False
    if left.base in {Base.STRING, Base.BYTES}:
        return True
    return equality


def in_comparable(left: SqlType, right: SqlType) -> bool:
    """Whether an IN list may hold such a value."""
    if left.base is Base.STRING and not right.parts():
        return True
    if right.base is Base.STRING and left.base is Base.BOOLEAN:
        return True
    return comparable(left, right, equality=True)


def castable(source: SqlType, target: SqlType) -> bool:  # noqa: PLR0911 - one return per kind
    """Whether CAST is defined."""
    if source == target or target.base is Base.STRING:
        return not (source.base is Base.BYTES and target.base is Base.STRING)
    if source.is_numeric:
        return target.is_numeric
    if source.base is Base.STRING:
        return not target.parts()
    if source.base is Base.TIMESTAMP:
        return target.base in {Base.DATE, Base.TIME}
    if source.base is Base.DATE:
        return target.base is Base.TIMESTAMP
    if isinstance(source, Array) and isinstance(target, Array):
        return castable(source.item, target.item)
    if isinstance(source, Map) and isinstance(target, Map):
        return castable(source.key, target.key) and castable(source.value, target.value)
    if isinstance(source, Struct) and isinstance(target, Struct):
        own = {f.name: f.type for f in source.fields}
        return all(f.name not in own or castable(own[f.name], f.type) for f in target.fields)
    return False
