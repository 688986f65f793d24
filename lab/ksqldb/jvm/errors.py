"""Java exceptions become the server's own at this border."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import jpype  # type: ignore[import-untyped] # it has none

from lab.ksqldb.errors import ServerFault

_FORBIDDEN_BY_KAFKA = 40301


class JavaFault(ServerFault):
    """A Java exception, by its simple class name and message; ``causes`` tell what lies behind."""

    def __init__(self, kind: str, message: str, causes: Sequence[str] = ()) -> None:
        super().__init__(message or kind)
        self.kind = kind
        self.causes = tuple(causes)
        if kind.endswith("AuthorizationException"):
            self.error_code = _FORBIDDEN_BY_KAFKA


@contextmanager
def translated() -> Iterator[None]:
    """Turn Java exceptions of the block into JavaFault.

    Raises:
        JavaFault: for any Java exception.
    """
    try:
        yield
    except jpype.JException as error:
        kind = str(error.getClass().getSimpleName())
        message = error.getMessage()
        causes, cause = [], error.getCause()
        while cause is not None:
            causes.append(str(cause.toString()))
            cause = cause.getCause()
        raise JavaFault(kind, "" if message is None else str(message), causes) from None
