"""The server's exceptions, one tree.

    KsqlError                     anything the server can explain to its client or operator
    ├── StartError                the server cannot start; exit code 1, one line
    ├── RequestError              a request is refused; becomes an HTTP answer
    │   ├── SyntaxFault           the text is no statement; carries line and column
    │   ├── StatementError        a statement is refused (40001), its text in the answer
    │   │   ├── UnknownColumn     a name cannot be resolved; carries its position
    │   │   ├── NotSupported      a feature this server does not have, named
    │   │   └── NotInThisPlace    the statement belongs to another end point (40002)
    │   ├── BadRequest            the request itself is wrong (40000)
    │   ├── NotFound              40400
    │   ├── AssertionFailed       41700: an ASSERT does not hold
    │   ├── Unavailable       50300: what is asked for cannot be had now
    │   ├── TooManyRequests       42900: a limit of pull queries is reached
    │   ├── TooManyPushQueries    40003: their limit is reached
    │   ├── ShuttingDown          50302: the cluster was terminated
    │   ├── CatchUpTimeout        50301: an earlier command was not applied in time
    │   └── NotReady              50303 until the command topic is replayed
    └── ServerFault               something failed on our side or the broker's (50000), or the
                                  broker forbids it (40301)

``error_code`` and the HTTP status follow ksqlDB's REST protocol: the first three digits of the
code are the status.
"""

from __future__ import annotations


class KsqlError(Exception):
    """Something the server can explain; ``message`` is the explanation."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class StartError(KsqlError):
    """The server cannot start."""


class RequestError(KsqlError):
    """A request is refused."""

    error_code = 40000

    @property
    def status(self) -> int:
        """The HTTP status: the code's first three digits."""
        return self.error_code // 100


class BadRequest(RequestError):
    """The request itself is wrong; the answer carries no statement."""


class NotFound(RequestError):
    """What the request names does not exist."""

    error_code = 40400


class NotReady(RequestError):
    """The server has not yet replayed its command topic."""

    error_code = 50303


class Unavailable(RequestError):
    """No node can answer now."""

    error_code = 50300


class CatchUpTimeout(RequestError):
    """A command that the client waits for was not applied in time."""

    error_code = 50301


class ShuttingDown(RequestError):
    """The cluster was terminated: nothing is served any more."""

    error_code = 50302


class TooManyRequests(RequestError):
    """A limit of pull queries is reached; the same request may be served later."""

    error_code = 42900


class TooManyPushQueries(RequestError):
    """As many push queries run as may."""

    error_code = 40003


class AssertionFailed(RequestError):
    """An ASSERT statement does not hold."""

    error_code = 41700


class StatementError(RequestError):
    """A statement is refused; ``statement`` is its text as the answer shows it."""

    error_code = 40001

    def __init__(self, message: str, *, statement: str | None = None) -> None:
        super().__init__(message)
        self.statement = statement


class SyntaxFault(StatementError):
    """The text is no statement. ``line`` and ``column`` count from one."""

    def __init__(
        self, detail: str, *, line: int, column: int, statement: str | None = None
    ) -> None:
        super().__init__(f"line {line}:{column}: Syntax Error\n{detail}", statement=statement)
        self.line = line
        self.column = column


class UnknownColumn(StatementError):
    """A column name cannot be resolved."""


class NotSupported(StatementError):
    """A feature of ksqlDB that this server does not have, named."""

    def __init__(self, feature: str) -> None:
        super().__init__(f"{feature} is not supported by this ksqlDB-compatible server.")
        self.feature = feature


class NotInThisPlace(StatementError):
    """The statement belongs to another end point."""

    error_code = 40002


class ServerFault(RequestError):
    """Something failed on the server's side or the broker's."""

    error_code = 50000

    def __init__(self, message: str, *, statement: str | None = None) -> None:
        super().__init__(message)
        self.statement = statement
