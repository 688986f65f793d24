"""What can go wrong between the lab and a component.

    LabError
    └── ClientError                 a request to a component did not succeed
        ├── Unreachable             no answer: refused, timed out, connection lost
        ├── BrokerRefused           the broker answered with an error; code and name
        │   ├── UnknownTopic        … that the topic or partition does not exist
        │   ├── TopicExists         … that the topic exists already
        │   └── UnknownGroup        … that the group does not exist
        ├── RegistryRefused         the registry answered with another status than 2xx
        │   ├── RegistryNotFound    404: subject, version or schema unknown
        │   └── IncompatibleSchema  409
        ├── SerializerRefused       a registry-aware serializer refused a value
        ├── DeserializerFailed      a registry-aware deserializer could not read bytes
        ├── KsqlRefused             ksqlDB answered with an error; code, message, statement
        └── UnexpectedAnswer        an answer that the protocol does not allow for

Nothing of confluent-kafka, requests or httpx leaves ``lab.clients``.
"""

from __future__ import annotations

from lab.errors import LabError


class ClientError(LabError):
    """A request to a component did not succeed."""


class Unreachable(ClientError):
    """No answer came: whether the request took effect is unknown."""


class BrokerRefused(ClientError):
    """The broker, or librdkafka on its behalf, answered with an error."""

    def __init__(self, doing: str, *, code: int, name: str, text: str) -> None:
        super().__init__(f"{doing}: {text} ({name})")
        self.code = code
        self.name = name
        self.text = text


class UnknownTopic(BrokerRefused):
    """The topic or partition does not exist."""


class TopicExists(BrokerRefused):
    """The topic exists already."""


class UnknownGroup(BrokerRefused):
    """The consumer group does not exist."""


class RegistryRefused(ClientError):
    """The registry answered with another status than 2xx.

    ``error_code`` and ``reason`` are those of the answer's body; 0 and the raw body without them.
    """

    def __init__(self, doing: str, *, status: int, error_code: int, reason: str) -> None:
        super().__init__(f"{doing}: HTTP {status}, error code {error_code}: {reason}")
        self.status = status
        self.error_code = error_code
        self.reason = reason


class RegistryNotFound(RegistryRefused):
    """The subject, version or schema is unknown."""


class IncompatibleSchema(RegistryRefused):
    """The schema violates the subject's compatibility level."""


class SerializerRefused(ClientError):
    """A registry-aware serializer refused a value; ``reason`` in its own words."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the serializer refused: {reason}")
        self.reason = reason


class DeserializerFailed(ClientError):
    """A registry-aware deserializer could not read bytes; ``reason`` in its own words."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the deserializer failed: {reason}")
        self.reason = reason


class KsqlRefused(ClientError):
    """ksqlDB refused a statement or a query, or gave one up.

    ``status`` is 200 for a query that failed after its first rows. ``statement_text`` is None when
    the answer names no statement. ``entities`` are those of the statements before the failing one.
    """

    def __init__(
        self,
        *,
        status: int,
        error_code: int,
        reason: str,
        statement_text: str | None = None,
        entities: tuple[dict[str, object], ...] = (),
    ) -> None:
        super().__init__(f"HTTP {status}, error code {error_code}: {reason}")
        self.status = status
        self.error_code = error_code
        self.reason = reason
        self.statement_text = statement_text
        self.entities = entities


def lacks_a_right(error: BaseException) -> bool:
    """Whether a component refused because of who asked, and not because of what was asked."""
    if isinstance(error, BrokerRefused):
        return error.name.endswith("AUTHORIZATION_FAILED")
    if isinstance(error, RegistryRefused | KsqlRefused):
        return error.status in {401, 403}
    return False


class UnexpectedAnswer(ClientError):
    """The component's answer is none that its protocol allows for."""
