"""A client of the registry's REST API, as Confluent's documentation of it describes.

Every call exists in two shapes: ``ask`` returns whatever was answered, since experiments need the
statuses; the typed methods raise RegistryRefused for anything but 2xx. ``references`` are given and
returned as the API has them: ``{"name", "subject", "version"}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, cast
from urllib.parse import quote

import requests

from lab import access
from lab.clients.errors import (
    IncompatibleSchema,
    RegistryNotFound,
    RegistryRefused,
    UnexpectedAnswer,
    Unreachable,
)
from lab.clients.names import CompatibilityLevel, SchemaId, SchemaType, SchemaVersion, SubjectName

_CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"

Reference = Mapping[str, str | int]


@dataclass(frozen=True)
class Answer:
    """What the registry answered to one request; ``body`` is parsed JSON, or text if it is none."""

    method: str
    path: str
    status: int
    body: object

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def error_code(self) -> int:
        """The body's error code; 0 where it has none."""
        code = self._field("error_code")
        return code if isinstance(code, int) else 0

    @property
    def message(self) -> str:
        """The body's message, or the body itself as text."""
        message = self._field("message")
        return message if isinstance(message, str) else str(self.body)

    def _field(self, name: str) -> object:
        return self.body.get(name) if isinstance(self.body, dict) else None

    def require_ok(self) -> Self:
        """Return self, or raise RegistryRefused (of the fitting kind)."""
        if self.ok:
            return self
        kind: type[RegistryRefused] = RegistryRefused
        if self.status == 404:
            kind = RegistryNotFound
        elif self.status == 409:
            kind = IncompatibleSchema
        raise kind(
            f"{self.method} {self.path}",
            status=self.status,
            error_code=self.error_code,
            reason=self.message,
        )

    def fields(self) -> dict[str, object]:
        """The body as a JSON object. Raises UnexpectedAnswer when it is none."""
        if not isinstance(self.body, dict):
            raise UnexpectedAnswer(f"{self.method} {self.path}: not a JSON object: {self.body!r}")
        return cast("dict[str, object]", self.body)

    def items(self) -> list[object]:
        """The body as a JSON array. Raises UnexpectedAnswer when it is none."""
        if not isinstance(self.body, list):
            raise UnexpectedAnswer(f"{self.method} {self.path}: not a JSON array: {self.body!r}")
        return cast("list[object]", self.body)


@dataclass(frozen=True)
class SubjectVersion:
    """A schema as one version of one subject."""

    subject: SubjectName
    version: SchemaVersion
    schema_id: SchemaId
    schema: str
    schema_type: SchemaType = "AVRO"
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class Compatibility:
    """The registry's answer to a check; ``explanations`` in its own words, if it gives any."""

    compatible: bool
    explanations: tuple[str, ...] = field(default=())


class SchemaRegistryClient:
    """Asks one registry. Safe to use from several threads only with one client each."""

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float = 15.0,
    ) -> None:
        """What the registry asks for to let clients in comes from lab/access.py."""
        self.url = url.rstrip("/")
        self._timeout = timeout_seconds
        self._session: requests.Session = access.session_of(self.url)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request, and the answer to it whatever its status. Raises Unreachable without one."""
        try:
            response = self._session.request(
                method,
                self.url + path,
                data=None if body is None else json.dumps(body),
                headers={"Content-Type": _CONTENT_TYPE, "Accept": f"{_CONTENT_TYPE}, */*;q=0.5"},
                timeout=self._timeout,
            )
        except requests.RequestException as error:
            raise Unreachable(f"{method} {self.url}{path}: {error}") from error
        try:
            parsed: object = response.json()
        except requests.JSONDecodeError:
            parsed = response.text
        return Answer(method, path, response.status_code, parsed)

    def try_register(
        self,
        subject: str,
        schema: str,
        *,
        schema_type: SchemaType = "AVRO",
        references: Sequence[Reference] = (),
        normalize: bool = False,
    ) -> Answer:
        """Ask to register ``schema`` (its text) under ``subject``; the answer, whatever it is."""
        suffix = "?normalize=true" if normalize else ""
        return self.ask(
            "POST",
            f"/subjects/{_quoted(subject)}/versions{suffix}",
            _schema_body(schema, schema_type, references),
        )

    def register(
        self,
        subject: str,
        schema: str,
        *,
        schema_type: SchemaType = "AVRO",
        references: Sequence[Reference] = (),
        normalize: bool = False,
    ) -> SchemaId:
        """Register ``schema`` and return its id. Raises IncompatibleSchema on 409."""
        answer = self.try_register(
            subject, schema, schema_type=schema_type, references=references, normalize=normalize
        ).require_ok()
        return SchemaId(_int(answer.fields(), "id"))

    def try_check(
        self,
        subject: str,
        schema: str,
        *,
        version: int | str = "latest",
        schema_type: SchemaType = "AVRO",
        references: Sequence[Reference] = (),
    ) -> Answer:
        """Ask whether ``schema`` may follow ``version`` of ``subject``; the answer as it is."""
        return self.ask(
            "POST",
            f"/compatibility/subjects/{_quoted(subject)}/versions/{version}?verbose=true",
            _schema_body(schema, schema_type, references),
        )

    def check(
        self,
        subject: str,
        schema: str,
        *,
        version: int | str = "latest",
        schema_type: SchemaType = "AVRO",
        references: Sequence[Reference] = (),
    ) -> Compatibility:
        """Whether ``schema`` may follow ``version`` of ``subject``, and the registry's reasons."""
        found = (
            self.try_check(
                subject, schema, version=version, schema_type=schema_type, references=references
            )
            .require_ok()
            .fields()
        )
        reasons = found.get("messages") or found.get("reason") or ()
        listed = (reasons,) if isinstance(reasons, str) else reasons
        if not isinstance(listed, list | tuple) or not isinstance(found.get("is_compatible"), bool):
            raise UnexpectedAnswer(f"compatibility of {subject}: {found}")
        return Compatibility(bool(found["is_compatible"]), tuple(str(reason) for reason in listed))

    def subjects(self, *, deleted: bool = False) -> list[SubjectName]:
        """All subjects; softly deleted ones too when asked for."""
        answer = self.ask("GET", "/subjects" + ("?deleted=true" if deleted else "")).require_ok()
        return [SubjectName(str(name)) for name in answer.items()]

    def versions(self, subject: str) -> list[SchemaVersion]:
        """The subject's version numbers. Raises RegistryNotFound for an unknown subject."""
        answer = self.ask("GET", f"/subjects/{_quoted(subject)}/versions").require_ok()
        return [SchemaVersion(cast("int", number)) for number in answer.items()]

    def version(self, subject: str, version: int | str = "latest") -> SubjectVersion:
        """One version of a subject. Raises RegistryNotFound."""
        path = f"/subjects/{_quoted(subject)}/versions/{version}"
        return _subject_version(self.ask("GET", path).require_ok())

    def lookup(
        self, subject: str, schema: str, *, schema_type: SchemaType = "AVRO"
    ) -> SubjectVersion:
        """The version under which ``schema`` stands in ``subject``. Raises RegistryNotFound."""
        path = f"/subjects/{_quoted(subject)}"
        return _subject_version(
            self.ask("POST", path, _schema_body(schema, schema_type, ())).require_ok()
        )

    def schema_by_id(self, schema_id: int) -> str:
        """The text of the schema with this global id. Raises RegistryNotFound."""
        answer = self.ask("GET", f"/schemas/ids/{schema_id}").require_ok()
        return _str(answer.fields(), "schema")

    def level(self, subject: str | None = None) -> CompatibilityLevel:
        """The level set globally, or for a subject.

        Raises RegistryNotFound where the registry distinguishes a subject without one.
        """
        answer = self.ask("GET", _config_path(subject)).require_ok()
        return cast("CompatibilityLevel", _str(answer.fields(), "compatibilityLevel"))

    def set_level(self, level: CompatibilityLevel, subject: str | None = None) -> None:
        """Set the level globally, or for one subject (which need not exist yet)."""
        self.ask("PUT", _config_path(subject), {"compatibility": level}).require_ok()

    def delete_subject(self, subject: str, *, permanent: bool = False) -> list[SchemaVersion]:
        """Delete a subject: softly, or for good once it was deleted softly."""
        suffix = "?permanent=true" if permanent else ""
        answer = self.ask("DELETE", f"/subjects/{_quoted(subject)}{suffix}").require_ok()
        return [SchemaVersion(cast("int", number)) for number in answer.items()]

    def delete_version(
        self, subject: str, version: int | str, *, permanent: bool = False
    ) -> SchemaVersion:
        """Delete one version: softly, or for good once it was deleted softly."""
        suffix = "?permanent=true" if permanent else ""
        path = f"/subjects/{_quoted(subject)}/versions/{version}{suffix}"
        return SchemaVersion(cast("int", self.ask("DELETE", path).require_ok().body))

    def forget(self, subject: str) -> None:
        """Delete a subject for good, with its level; an unknown one is forgotten enough."""
        quoted = _quoted(subject)
        for path in (
            f"/config/{quoted}",
            f"/subjects/{quoted}",
            f"/subjects/{quoted}?permanent=true",
        ):
            answer = self.ask("DELETE", path)
            if answer.status != 404:
                answer.require_ok()


def _quoted(subject: str) -> str:
    return quote(subject, safe="")


def _config_path(subject: str | None) -> str:
    return "/config" if subject is None else f"/config/{_quoted(subject)}"


def _schema_body(
    schema: str, schema_type: SchemaType, references: Sequence[Reference]
) -> dict[str, object]:
    body: dict[str, object] = {"schema": schema, "schemaType": schema_type}
    if references:
        body["references"] = [dict(reference) for reference in references]
    return body


def _subject_version(answer: Answer) -> SubjectVersion:
    found = answer.fields()
    references = found.get("references") or []
    return SubjectVersion(
        subject=SubjectName(_str(found, "subject")),
        version=SchemaVersion(_int(found, "version")),
        schema_id=SchemaId(_int(found, "id")),
        schema=_str(found, "schema"),
        schema_type=cast("SchemaType", found.get("schemaType") or "AVRO"),
        references=tuple(cast("list[Reference]", references)),
    )


def _int(found: Mapping[str, object], name: str) -> int:
    value = found.get(name)
    if not isinstance(value, int):
        raise UnexpectedAnswer(f"no number {name!r} in {found}")
    return value


def _str(found: Mapping[str, object], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise UnexpectedAnswer(f"no text {name!r} in {found}")
    return value
