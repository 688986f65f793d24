"""Typed expressions to Java source.

Each expression becomes statements over temporaries, in evaluation order, so that AND, OR and CASE
evaluate only what they must. Null operands of arithmetic make the whole expression NULL, as in
ksqlDB: ``Ops`` throws a stackless exception that the surrounding method turns into NULL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lab.ksqldb.analysis.typing import Typing, comparable
from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.functions.signature import LambdaType, Match, UnitArgument
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.types import PRIMITIVES, Array, Base, Decimal, Map, SqlType, Struct, widest

JAVA_TYPES = {
    Base.BOOLEAN: "Boolean",
    Base.INTEGER: "Integer",
    Base.BIGINT: "Long",
    Base.DOUBLE: "Double",
    Base.DECIMAL: "java.math.BigDecimal",
    Base.STRING: "String",
    Base.BYTES: "java.nio.ByteBuffer",
    Base.DATE: "java.time.LocalDate",
    Base.TIME: "java.time.LocalTime",
    Base.TIMESTAMP: "java.time.Instant",
    Base.ARRAY: "java.util.List",
    Base.MAP: "java.util.Map",
    Base.STRUCT: "lab.ksqldb.row.Row",
}

_ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "remainder"}
_COMPARE = {"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_SAFE = (ast.Column, ast.Integer, ast.Exact, ast.Inexact, ast.Text, ast.Boolean, ast.Variable)
_TOGETHER = 250
"""How many items of an IN list one method compares."""
_LARGEST = 2_500_000
"""Branches times temporaries of a method: what compiling it takes grows with that."""
_DISTINCT = {"IS DISTINCT FROM": "distinct", "IS NOT DISTINCT FROM": "notDistinct"}


def java_type(type_: SqlType | None) -> str:
    """The Java type of values of an SQL type."""
    return "Object" if type_ is None else JAVA_TYPES[type_.base]


def too_large(reason: str) -> StatementError:
    """The refusal of an expression that cannot be compiled for its size."""
    return StatementError(
        "An expression is too large to be compiled: split it, or move a part of it to a statement "
        f"before ({reason})."
    )


def java_string(text: str) -> str:
    """A Java string literal."""
    return json.dumps(text)


@dataclass(frozen=True, slots=True)
class Value:
    """A Java expression without side effects (a temporary, mostly) and its SQL type."""

    java: str
    type: SqlType | None


class Body:
    """Generates the statements of one method body over a row ``r``.

    ``interpreted`` gives the answers that ksqlDB's interpreter gives, in pull queries on tables:
    NULL operands make the operation NULL instead of the whole expression.
    """

    def __init__(
        self,
        columns: Mapping[str, tuple[int, SqlType]],
        functions: Registry,
        *,
        interpreted: bool = False,
    ) -> None:
        self._columns = columns
        self._interpreted = interpreted
        types = {name: type_ for name, (_, type_) in columns.items()}
        self._typing = Typing(types, functions, interpreted=interpreted)
        self._variables: dict[str, Value] = {}
        self._lines: list[str] = []
        self._count = 0
        self._rules: dict[type, Callable[..., Value]] = {
            ast.Column: self._column,
            ast.Integer: self._integer,
            ast.Exact: self._exact,
            ast.Inexact: lambda n: Value(f'Double.valueOf("{n.text}")', self._typing.of(n)),
            ast.Text: lambda n: Value(java_string(n.value), self._typing.of(n)),
            ast.Boolean: lambda n: Value(
                "Boolean.TRUE" if n.value else "Boolean.FALSE", self._typing.of(n)
            ),
            ast.Null: lambda _: Value("null", None),
            ast.Negate: lambda n: self._call("Ops.negate", n, n.operand),
            ast.Arithmetic: self._arithmetic,
            ast.Comparison: self._comparison,
            ast.Logical: self._logical,
            ast.Not: lambda n: self._call("Ops.not", n, n.operand),
            ast.Between: self._between,
            ast.In: self._in,
            ast.Like: self._like,
            ast.IsNull: self._is_null,
            ast.Case: self._case,
            ast.Cast: lambda n: self.cast(self.emit(n.operand), n.type),
            ast.Subscript: self._subscript,
            ast.Dereference: self._dereference,
            ast.Call: self._function,
            ast.Variable: lambda n: self._variables[n.name],
            ast.ArrayOf: self._array,
            ast.MapOf: self._map,
            ast.StructOf: self._struct,
        }

    @property
    def source(self) -> str:
        """The statements so far."""
        return "\n".join(self._lines)

    def emit(self, node: ast.Expression) -> Value:
        """Add the statements that compute an expression; its value."""
        return self._rules[type(node)](node)

    def returns(self, node: ast.Expression) -> SqlType | None:
        """Add the statements of an expression and return its value; its type.

        Raises:
            StatementError: it is too large for one method.
        """
        value = self.emit(node)
        self._lines.append(f"return {value.java};")
        branches = sum(line.startswith(("if (", "try {")) for line in self._lines)
        if branches * self._count > _LARGEST:
            raise too_large(f"{branches} branches")
        return value.type

    def _temporary(self, java: str, type_: SqlType | None) -> Value:
        name = f"t{self._count}"
        self._count += 1
        kind = java_type(type_)
        self._lines.append(f"{kind} {name} = ({kind}) ({java});")
        return Value(name, type_)

    def _declare(self, type_: SqlType | None) -> Value:
        name = f"t{self._count}"
        self._count += 1
        self._lines.append(f"{java_type(type_)} {name} = null;")
        return Value(name, type_)

    def _call(self, java: str, node: ast.Expression, *operands: ast.Expression) -> Value:
        values = ", ".join(self._typed(self.emit(o)) for o in operands)
        return self._temporary(f"{java}({values})", self._typing.of(node))

    @staticmethod
    def _typed(value: Value) -> str:
        return f"(({java_type(value.type)}) {value.java})" if value.java == "null" else value.java

    def _column(self, node: ast.Column) -> Value:
        index, type_ = self._columns[node.name]
        return self._temporary(f"r[{index}]", type_)

    def _integer(self, node: ast.Integer) -> Value:
        type_ = self._typing.known(node)
        text = f"{node.value}L" if type_.base is Base.BIGINT else str(node.value)
        if node.value == -(2**63):
            text = "Long.MIN_VALUE"
        return Value(f"{java_type(type_)}.valueOf({text})", type_)

    def _exact(self, node: ast.Exact) -> Value:
        return Value(f'new java.math.BigDecimal("{node.text}")', self._typing.of(node))

    def _arithmetic(self, node: ast.Arithmetic) -> Value:
        result = self._typing.known(node)
        left, right = self.emit(node.left), self.emit(node.right)
        name = _ARITHMETIC[node.operator]
        if result.base is Base.STRING:
            java = f"{left.java} + {right.java}"
        elif isinstance(result, Decimal):
            a, b = (f"Ops.exact({v.java})" for v in (left, right))
            java = f"Ops.{name}({a}, {b}, {result.precision}, {result.scale})"
        else:
            a, b = (self._number(v, result).java for v in (left, right))
            java = f"Ops.{name}({a}, {b})"
        if self._interpreted:
            kind = java_type(result)
            java = (
                f"{left.java} == null || {right.java} == null ? ({kind}) null : ({kind}) ({java})"
            )
        return self._temporary(java, result)

    def _number(self, value: Value, target: SqlType) -> Value:
        if value.type is None or value.type.base is target.base:
            return value
        name = {Base.BIGINT: "toLong", Base.DOUBLE: "toDouble", Base.DECIMAL: "exact"}[target.base]
        return Value(f"Ops.{name}({value.java})", target)

    def _same(self, left: Value, right: Value) -> tuple[str, str]:
        """Both values in a type in which Java compares them."""
        a, b = left.type, right.type
        if a is None or b is None or a.base is b.base:
            return self._typed(left), self._typed(right)
        if a.is_numeric and b.is_numeric:
            target = widest(a, b)
            # Exact comparison of an exact and an inexact number goes through BigDecimal.
            if target.base is Base.DOUBLE and Base.DECIMAL in {a.base, b.base}:
                return f"Ops.exact({left.java})", f"Ops.exact({right.java})"
            return self._number(left, target).java, self._number(right, target).java
        if Base.STRING in {a.base, b.base}:
            time = b if a.base is Base.STRING else a
            parse = f"Times.parse{time.base.value.capitalize()}"
            return (
                (f"{parse}({left.java})", right.java)
                if a.base is Base.STRING
                else (left.java, f"{parse}({right.java})")
            )
        return f"Times.instant({left.java})", f"Times.instant({right.java})"

    def _comparison(self, node: ast.Comparison) -> Value:
        type_ = self._typing.of(node)
        left, right = self._same(self.emit(node.left), self.emit(node.right))
        name = _COMPARE.get(node.operator) or _DISTINCT[node.operator]
        return self._temporary(f"Ops.{name}({left}, {right})", type_)

    def _logical(self, node: ast.Logical) -> Value:
        type_ = self._typing.of(node)
        decided = "Boolean.FALSE" if node.operator == "AND" else "Boolean.TRUE"
        result = self._declare(type_)
        left = self._known(self.emit(node.left))
        self._lines.append(
            f"if ({decided}.equals({left.java})) {{ {result.java} = {decided}; }} else {{"
        )
        right = self._known(self.emit(node.right))
        name = "and" if node.operator == "AND" else "or"
        self._lines.append(
            f"{result.java} = Ops.{name}((Boolean) {left.java}, (Boolean) {right.java}); }}"
        )
        return result

    def _known(self, value: Value) -> Value:
        """A boolean that must not be NULL where ksqlDB interprets."""
        return Value(f"Ops.known({value.java})", value.type) if self._interpreted else value

    def _between(self, node: ast.Between) -> Value:
        type_ = self._typing.of(node)
        operand = self.emit(node.operand)
        bounds = [self._typing.known(bound) for bound in (node.low, node.high)]
        if operand.type is None or not all(
            comparable(operand.type, bound, equality=False) for bound in bounds
        ):
            return Value("((Boolean) null)", type_)
        low = self._same(operand, self.emit(node.low))
        high = self._same(operand, self.emit(node.high))
        java = f"Ops.and(Ops.ge({low[0]}, {low[1]}), Ops.le({high[0]}, {high[1]}))"
        return self._temporary(f"Ops.not({java})" if node.negated else java, type_)

    def _in(self, node: ast.In) -> Value:
        type_ = self._typing.of(node)
        operand = self.emit(node.operand)
        if len(node.items) <= _TOGETHER:
            java = self._any(operand, node.items)
        else:
            starts = range(0, len(node.items), _TOGETHER)
            parts = [self._apart(operand, node.items[i : i + _TOGETHER]) for i in starts]
            java = f"Ops.any(new Boolean[] {{{', '.join(parts)}}})"
        return self._temporary(f"Ops.not({java})" if node.negated else java, type_)

    def _any(self, operand: Value, items: Sequence[ast.Expression]) -> str:
        values = [value for item in items if (value := self.emit(item)).type is not None]
        terms = ", ".join(self._in_term(operand, value) for value in values)
        return f"Ops.any(new Boolean[] {{{terms}}})"

    def _apart(self, operand: Value, items: Sequence[ast.Expression]) -> str:
        """Part of a long list in a method of its own: methods of the JVM end at 64 KB."""
        array = f"a{self._count}"
        self._count += 1
        lines, self._lines = self._lines, []
        given = Value(f"(({java_type(operand.type)}) {array}[0])", operand.type)
        java = self._any(given, items)
        body, self._lines = "\n".join(self._lines), lines
        method = f"public Object apply(final Object[] {array}) {{\n{body}\nreturn {java};\n}}"
        return f"(Boolean) new Lambda() {{ {method} }}.apply(new Object[] {{{operand.java}}})"

    def _in_term(self, operand: Value, item: Value) -> str:
        assert operand.type is not None  # noqa: S101 - narrows a type
        assert item.type is not None  # noqa: S101 - narrows a type
        if not comparable(operand.type, item.type, equality=True):  # a literal that adapts
            return f"Ops.eq({operand.java}, {self.cast(item, operand.type).java})"
        if not self._interpreted and item.type.base is Base.STRING and operand.type != item.type:
            # Compiled, a date or time in an IN list of texts equals none of them, as recorded.
            return "Boolean.FALSE"
        left, right = self._same(operand, item)
        return f"Ops.eq({left}, {right})"

    def _like(self, node: ast.Like) -> Value:
        type_ = self._typing.of(node)
        operand, pattern = self.emit(node.operand), self.emit(node.pattern)
        if not all(v.type is not None and v.type.base is Base.STRING for v in (operand, pattern)):
            return Value("((Boolean) null)", type_)
        escape = "(char) 0" if node.escape is None else f"(char) {ord(node.escape)}"
        java = f"Likes.like({operand.java}, {pattern.java}, {escape})"
        return self._temporary(f"Ops.not({java})" if node.negated else java, type_)

    def _is_null(self, node: ast.IsNull) -> Value:
        value = self.emit(node.operand)
        operator = "!=" if node.negated else "=="
        return self._temporary(
            f"Boolean.valueOf(((Object) {value.java}) {operator} null)", self._typing.of(node)
        )

    def _case(self, node: ast.Case) -> Value:
        type_ = self._typing.of(node)
        result = self._declare(type_)
        # Not nested: compiling takes time that grows with the square of the depth.
        done = f"done{self._count}"
        self._count += 1
        self._lines.append(f"{done}: {{")
        for branch in node.branches:
            condition = self.emit(branch.condition)
            self._lines.append(f"if (Boolean.TRUE.equals({condition.java})) {{")
            value = self.emit(branch.result)
            self._lines.append(f"{result.java} = {value.java}; break {done}; }}")
        if node.default is not None:
            value = self.emit(node.default)
            self._lines.append(f"{result.java} = {value.java};")
        self._lines.append("}")
        return result

    def cast(self, value: Value, target: SqlType) -> Value:
        """A value as another type."""
        source = value.type
        if source is None:
            return Value(f"(({java_type(target)}) null)", target)
        if source == target:
            return value
        if target.parts():
            return self._temporary(
                f"Casts.convert({value.java}, {java_string(str(source))}, "
                f"{java_string(str(target))})",
                target,
            )
        if isinstance(target, Decimal):
            return self._temporary(
                f"Casts.toDecimal({value.java}, {target.precision}, {target.scale})", target
            )
        if target.base is Base.STRING and source.parts():
            return self._temporary(f"Casts.text({value.java}, {java_string(str(source))})", target)
        name = "text" if target.base is Base.STRING else f"to{target.base.value.capitalize()}"
        if self._interpreted and target.base is Base.STRING and source.base is Base.TIME:
            name = "wholeTime"
        return self._temporary(f"Casts.{name}({value.java})", target)

    def _subscript(self, node: ast.Subscript) -> Value:
        type_ = self._typing.of(node)
        base, index = self.emit(node.base), self.emit(node.index)
        if isinstance(base.type, Array) and (
            index.type is None or index.type.base is not Base.INTEGER
        ):
            return Value(f"(({java_type(type_)}) null)", type_)
        name = "item" if isinstance(base.type, Array) else "entry"
        return self._temporary(f"Collections.{name}({base.java}, {index.java})", type_)

    def _dereference(self, node: ast.Dereference) -> Value:
        type_ = self._typing.of(node)
        base = self.emit(node.base)
        assert isinstance(base.type, Struct)  # noqa: S101 - narrows a type
        index = base.type.index(node.member)
        return self._temporary(f"Collections.member({base.java}, {index})", type_)

    def _function(self, node: ast.Call) -> Value:
        found = self._typing.call(node)
        values = [
            self._argument(argument, type_)
            for argument, type_ in zip(node.arguments, found.arguments, strict=True)
        ]
        parameters = found.signature.parameters
        rest = next((i for i, p in enumerate(parameters) if p.variadic), None)
        arguments = [v.java for v in values]
        if rest is not None:
            end = len(values) - (len(parameters) - rest - 1)
            of = self._variadic(found, rest, end)
            arguments[rest:end] = [f"new {of}[] {{{', '.join(arguments[rest:end])}}}"]
        if found.signature.typed:
            arguments += [java_string(str(type_)) for type_ in found.arguments]
        return self._temporary(f"{found.signature.java}({', '.join(arguments)})", found.returns)

    @staticmethod
    def _variadic(found: Match, rest: int, end: int) -> str:
        """The Java type of the array that holds the variadic arguments."""
        if found.signature.java.startswith("Extremes."):
            return "Object"
        name = found.signature.parameters[rest].pattern.name
        if rest < end and len(name) > 1 and name != "ANY":
            return JAVA_TYPES[found.arguments[rest].base]
        return JAVA_TYPES[PRIMITIVES[name].base] if name in PRIMITIVES else "Object"

    def _argument(self, node: ast.Expression, type_: SqlType | LambdaType | UnitArgument) -> Value:
        if isinstance(node, ast.Unit):
            return Value(java_string(node.name), None)
        if isinstance(node, ast.Lambda):
            assert isinstance(type_, LambdaType)  # noqa: S101 - narrows a type
            return self._lambda(node, type_)
        assert isinstance(type_, SqlType)  # noqa: S101 - narrows a type
        if isinstance(node, ast.Call | ast.Dereference):
            return self._guarded(node, type_)
        return self.cast(self.emit(node), type_)

    def _guarded(self, node: ast.Expression, target: SqlType) -> Value:
        """A part whose failure is reported and makes that part NULL, not the whole expression:
        items of constructors, and calls that are arguments of calls. The interpreter has no such
        parts."""
        if self._interpreted or isinstance(node, _SAFE):
            return self.cast(self.emit(node), target)
        result = self._declare(target)
        self._lines.append("try {")
        value = self.cast(self.emit(node), target)
        report = java_string(f"Error computing expression {text_of(node)}")
        self._lines.append(
            f"{result.java} = {value.java};\n"
            f"}} catch (RuntimeException e) {{ p.failed({report}, e, r); }}"
        )
        return result

    def _lambda(self, node: ast.Lambda, type_: LambdaType) -> Value:
        """An object whose method computes the body; ``r`` and outer parameters are final."""
        array = f"a{self._count}"
        self._count += 1
        lines, self._lines = self._lines, []
        outer = self._variables
        self._variables = outer | {
            name: Value(f"(({java_type(t)}) {array}[{index}])", t)
            for index, (name, t) in enumerate(zip(node.parameters, type_.inputs, strict=True))
        }
        with self._typing.binding(node, type_.inputs):
            result = self.cast(self.emit(node.body), type_.output)
        body, self._lines = "\n".join(self._lines), lines
        self._variables = outer
        return Value(
            f"new Lambda() {{ public Object apply(final Object[] {array}) {{\n{body}\n"
            f"return {result.java};\n}} }}",
            None,
        )

    def _all(self, nodes: Sequence[ast.Expression], target: SqlType) -> str:
        return ", ".join(self._guarded(n, target).java for n in nodes)

    def _array(self, node: ast.ArrayOf) -> Value:
        type_ = self._typing.known(node)
        assert isinstance(type_, Array)  # noqa: S101 - narrows a type
        items = self._all(node.items, type_.item)
        return self._temporary(f"Collections.list(new Object[] {{{items}}})", type_)

    def _map(self, node: ast.MapOf) -> Value:
        type_ = self._typing.known(node)
        assert isinstance(type_, Map)  # noqa: S101 - narrows a type
        keys = self._all([k for k, _ in node.entries], type_.key)
        values = self._all([v for _, v in node.entries], type_.value)
        return self._temporary(
            f"Collections.map(new Object[] {{{keys}}}, new Object[] {{{values}}})", type_
        )

    def _struct(self, node: ast.StructOf) -> Value:
        values = ", ".join(self._guarded(v, self._typing.known(v)).java for _, v in node.members)
        return self._temporary(
            f"new lab.ksqldb.row.Row(new Object[] {{{values}}})", self._typing.of(node)
        )
