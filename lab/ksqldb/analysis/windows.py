"""WINDOW clauses, checked, in milliseconds; and what may be said of a window's bounds where."""

from __future__ import annotations

from dataclasses import dataclass

from lab.ksqldb.catalog import WINDOW_BOUNDS, WindowInfo
from lab.ksqldb.errors import StatementError
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.walk import walk

_DAY_MS = 86_400_000
_MOST_MS = 2**60
_ISSUE = "https://github.com/confluentinc/ksql/issues/4397"


@dataclass(frozen=True, slots=True)
class Windowing:
    """How rows are grouped by time. Of a session ``size_ms`` is the gap that ends it.

    Records later than ``grace_ms`` after their window's end are dropped. ``final`` windows are
    given on once, when they close. Without ``retention_ms`` windows are kept as long as they are
    open.
    """

    kind: ast.WindowKind
    size_ms: int
    advance_ms: int | None
    grace_ms: int
    retention_ms: int | None
    final: bool

    @property
    def info(self) -> WindowInfo:
        """What the keys of the result say."""
        return WindowInfo(self.kind, None if self.kind == "SESSION" else self.size_ms)


def windowing(window: ast.Window, *, final: bool) -> Windowing:
    """A WINDOW clause, checked.

    Raises:
        StatementError: its lengths make no sense together.
    """
    for span in (window.size, window.advance, window.retention, window.grace):
        if span is not None and span.ms > _MOST_MS:
            raise StatementError(f"A window cannot reach as far as {span}.")
    size = window.size.ms
    if size < 1:
        what = "gap" if window.kind == "SESSION" else "size"
        raise StatementError(f"The {what} of a window must be greater than zero: {window.size}.")
    advance = None if window.advance is None else window.advance.ms
    if advance is not None and not 0 < advance <= size:
        raise StatementError(
            f"Window advancement interval should be more than zero and less than window duration "
            f"which is {size} ms, but given advancement interval is: {advance} ms"
        )
    grace = max(_DAY_MS - size, 0) if window.grace is None else window.grace.ms
    retention = None if window.retention is None else window.retention.ms
    if retention is not None and retention < size + grace:
        raise StatementError(
            "The retention period of the window store must be no smaller than its window size "
            f"plus the grace period. Got size=[{size}], grace=[{grace}], retention=[{retention}]"
        )
    return Windowing(window.kind, size, advance, grace, retention, final)


def refuse_bounds(node: ast.Expression) -> None:
    """Refuse WINDOWSTART and WINDOWEND where they are not known yet.

    Raises:
        StatementError: one of them is named.
    """
    for found in walk(node):
        if isinstance(found, ast.Column) and found.name in WINDOW_BOUNDS:
            raise StatementError(
                f"Window bounds column {found.name} can only be used in the SELECT clause of "
                "windowed aggregations and can not be passed to aggregate functions.\n"
                f"See {_ISSUE}"
            )
