"""Types of expressions, and the rules that refuse an ill-typed one.

The rules follow ksqlDB's recorded answers: INTEGER < BIGINT < DECIMAL < DOUBLE for arithmetic,
text compares with DATE, TIME and TIMESTAMP, booleans only for equality, CASE branches need one
type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from lab.ksqldb.analysis.common import adapted, common_type
from lab.ksqldb.errors import NotSupported, StatementError
from lab.ksqldb.functions.registry import Kind, Registry
from lab.ksqldb.functions.signature import (
    ArgumentType,
    Given,
    LambdaArgument,
    Match,
    UnitArgument,
)
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.build_expressions import CONCAT_OPERATOR
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
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
    widest,
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
    """Types expressions over a set of named columns.

    ``interpreted`` has the rules of pull queries on tables, whose expressions ksqlDB interprets
    instead of compiling them: fewer casts, but what cannot be compared or read is NULL.
    """

    def __init__(
        self, columns: Mapping[str, SqlType], functions: Registry, *, interpreted: bool = False
    ) -> None:
        self._columns = columns
        self._functions = functions
        self._interpreted = interpreted
        self._variables: dict[str, SqlType] = {}
        self._remembered: dict[int, tuple[ast.Expression, ArgumentType]] = {}
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
            ast.Lambda: self._misplaced,
            ast.Unit: self._misplaced,
            ast.Variable: self._variable,
            ast.ArrayOf: self._array,
            ast.MapOf: self._map,
            ast.StructOf: self._struct,
        }

    def of(self, node: ast.Expression) -> ArgumentType:
        """The type; None for a bare NULL.

        Raises:
            StatementError: the expression is ill-typed.
        """
        if self._variables:  # a lambda's body has other types for other arguments
            return self._rules[type(node)](node)
        remembered = self._remembered.get(id(node))
        if remembered is None:
            remembered = self._remembered[id(node)] = (node, self._rules[type(node)](node))
        return remembered[1]

    def known(self, node: ast.Expression) -> SqlType:
        """The type of an expression that must have one."""
        found = self.of(node)
        if found is None:
            raise StatementError(f"Cannot determine the type of {text_of(node)}: cast the NULL.")
        return found

    def call(self, node: ast.Call) -> Match:
        """The signature a call uses."""
        name: str = node.name
        if name == CONCAT_OPERATOR:
            if not self._interpreted:
                raise StatementError("The || operator is refused, as ksqlDB does: use + or CONCAT.")
            name = "CONCAT"
        function = self._functions.get(name)
        if function.kind is not Kind.SCALAR:
            raise StatementError(f"Can't find any functions with the name '{name}'")
        given = [self._given(argument) for argument in node.arguments]
        found = function.resolve(given)
        if self._interpreted:
            for type_, target in zip(given, found.arguments, strict=True):
                if isinstance(type_, SqlType) and type_ != target and target == BYTES:
                    raise StatementError(f"Unsupported cast from {type_} to {target}")
        return found

    def _given(self, node: ast.Expression) -> Given:
        if isinstance(node, ast.Unit):
            return UnitArgument()
        if not isinstance(node, ast.Lambda):
            return self.of(node)
        for name in node.parameters:
            if name in self._columns:
                raise StatementError(
                    "Exception while preparing statement: "
                    f"Lambda function argument can't be a column name: {name}"
                )

        def result(inputs: Sequence[SqlType]) -> ArgumentType:
            with self.binding(node, inputs):
                return self.of(node.body)

        return LambdaArgument(len(node.parameters), result)

    @contextmanager
    def binding(self, node: ast.Lambda, types: Sequence[SqlType]) -> Iterator[None]:
        """While it is open, a lambda's parameters have the given types."""
        outer = self._variables
        self._variables = outer | dict(zip(node.parameters, types, strict=True))
        try:
            yield
        finally:
            self._variables = outer

    def _variable(self, node: ast.Variable) -> ArgumentType:
        return self._variables[node.name]

    @staticmethod
    def _misplaced(node: ast.Expression) -> ArgumentType:
        raise StatementError(f"Only functions that expect it take {text_of(node)}")

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
        if self._interpreted:
            self._interpretable(node)
        self._boolean(node.left)
        self._boolean(node.right)
        return BOOLEAN

    @staticmethod
    def _interpretable(node: ast.Logical) -> None:
        kinds = {type(node.left), type(node.right)}
        if ast.Null in kinds:
            raise StatementError(
                f"Unexpected error generating code for expression: {text_of(node)}"
            )
        if ast.Like in kinds:  # as recorded: the interpreter takes LIKE for text
            raise StatementError(
                f"Logical binary expects two boolean values: {text_of(node)}\n"
                "Add EMIT CHANGES if you intended to issue a push query."
            )

    def _not(self, node: ast.Not) -> ArgumentType:
        if self.of(node.operand) is None:
            raise StatementError(f"Not a boolean expression: {text_of(node.operand)}")
        self._boolean(node.operand)
        return BOOLEAN

    def _between(self, node: ast.Between) -> ArgumentType:
        operand = self.known(node.operand)
        for bound in (node.low, node.high):
            other = self.known(bound)
            if not self._interpreted and not comparable(operand, other, equality=False):
                raise StatementError(
                    f"Cannot compare {text_of(node.operand)} ({operand}) to {text_of(bound)} "
                    f"({other}) in {text_of(node)}"
                )
        return BOOLEAN

    def _in(self, node: ast.In) -> ArgumentType:
        operand = self.known(node.operand)
        if all(isinstance(item, ast.Null) for item in node.items):
            raise StatementError(f"IN needs a value that is not NULL: {text_of(node)}")
        for item in node.items:
            other = self.of(item)
            if other is not None and not comparable(operand, other, equality=True):
                adapted(operand, item, other)
        return BOOLEAN

    def _like(self, node: ast.Like) -> ArgumentType:
        for part in (node.operand, node.pattern):
            if self.known(part).base is not Base.STRING and not self._interpreted:
                raise StatementError(f"LIKE needs text: {text_of(part)} ({self.of(part)})")
        if node.escape is not None and len(node.escape) != 1:
            raise StatementError(
                "Failed to prepare statement: Expected single character escape but got: "
                f"{node.escape}"
            )
        if node.escape == "\\" and not self._interpreted:
            raise StatementError(f"A backslash cannot be the escape character: {text_of(node)}")
        return BOOLEAN

    def _is_null(self, node: ast.IsNull) -> ArgumentType:
        self.of(node.operand)
        if isinstance(node.operand, ast.Comparison) and not self._interpreted:
            raise StatementError(f"A comparison is never NULL: {text_of(node)}")
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
        if self._interpreted:
            refused = source is None or (source != node.type and _only_compiled(source, node.type))
            if refused:
                raise StatementError(f"Unsupported cast from {source or 'null'} to {node.type}")
        if source is not None and not castable(source, node.type):
            raise StatementError(f"Cast of {source} to {node.type} is not supported.")
        return node.type

    def _subscript(self, node: ast.Subscript) -> ArgumentType:
        base = self.known(node.base)
        index = self.of(node.index)
        if isinstance(base, Array):
            if not self._interpreted and (index is None or index.base is not Base.INTEGER):
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

    def common(self, nodes: Sequence[ast.Expression], what: str) -> SqlType:
        """The one type that all values of a constructor have or can be cast to."""
        return common_type([(n, self.of(n)) for n in nodes], what)


def _only_compiled(source: SqlType, target: SqlType) -> bool:
    """Casts that compiled expressions have and interpreted ones do not."""
    if isinstance(source, Struct) and isinstance(target, Struct):
        return True
    return source.base is Base.STRING and target.base is Base.BYTES


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
