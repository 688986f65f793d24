"""The catalogue of claims as data, and its loader.

One TOML file per group lies next to this module. The loader checks what it loads: a catalogue that
contradicts itself is a BrokenCatalogue, found at once and not in the middle of a run.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, get_args

from lab.errors import LabError, UsageError

Group = Literal["kafka", "schema_registry", "ksqldb", "connect", "summaries"]
Place = Literal[
    "client",
    "broker",
    "controller",
    "schema-registry",
    "ksqldb",
    "connect",
    "database",
    "object-store",
]

_LETTERS: Mapping[Group, str] = {
    "kafka": "K",
    "schema_registry": "S",
    "ksqldb": "Q",
    "connect": "C",
    "summaries": "U",
}
_ID = re.compile(r"[KSQCU]\d\d")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_TEXTS = ("en", "ja", "observation", "control")
_FIELDS = frozenset({"id", "where", "combines", *_TEXTS})


class BrokenCatalogue(LabError):
    """The catalogue contradicts itself; the message names file, claim and field."""


class UnknownClaim(UsageError):
    """No claim has this id."""

    def __init__(self, claim_id: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"no claim {claim_id!r} in the catalogue",
            hint=f"`lab claims` lists them: {known[0]} … {known[-1]}" if known else None,
        )
        self.claim_id = claim_id


@dataclass(frozen=True)
class Claim:
    """One statement about who does what.

    ``where`` lists the places where it happens, the most telling first. ``observation`` is what
    must be seen for it to hold, ``control`` what must be seen with the mechanism off or bypassed.
    ``combines`` is empty except for the summaries, which stand on other claims.
    """

    id: str
    group: Group
    where: tuple[Place, ...]
    statement_en: str
    statement_ja: str
    observation: str
    control: str
    combines: tuple[str, ...] = ()

    def statement(self, language: str) -> str:
        """The statement: Japanese for "ja", English otherwise."""
        return self.statement_ja if language == "ja" else self.statement_en

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id) or self.id[0] != _LETTERS[self.group]:
            raise BrokenCatalogue(f"{self.group}: {self.id!r} is no id of this group")
        for name, text in (
            ("en", self.statement_en),
            ("ja", self.statement_ja),
            ("observation", self.observation),
            ("control", self.control),
        ):
            if not text or text != text.strip() or "\n" in text:
                raise BrokenCatalogue(f"{self.id}: {name} must be one line of text")
        if not _JAPANESE.search(self.statement_ja):
            raise BrokenCatalogue(f"{self.id}: ja is not Japanese")
        if not self.where or set(self.where) - set(get_args(Place)):
            raise BrokenCatalogue(f"{self.id}: where must name places, not {self.where!r}")
        if bool(self.combines) != (self.group == "summaries"):
            raise BrokenCatalogue(f"{self.id}: summaries combine other claims, and only they do")


class Catalogue:
    """All claims in the order K, S, Q, C, U. Iterates over claims; ``in`` takes an id."""

    def __init__(self, claims: tuple[Claim, ...]) -> None:
        self._claims: dict[str, Claim] = {}
        for claim in claims:
            if claim.id in self._claims:
                raise BrokenCatalogue(f"{claim.id} stands in the catalogue twice")
            self._claims[claim.id] = claim
        for claim in claims:
            for other in claim.combines:
                if other not in self._claims:
                    raise BrokenCatalogue(f"{claim.id} combines {other}, which does not exist")

    def __iter__(self) -> Iterator[Claim]:
        return iter(self._claims.values())

    def __len__(self) -> int:
        return len(self._claims)

    def __contains__(self, claim_id: object) -> bool:
        return claim_id in self._claims

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id, in order."""
        return tuple(self._claims)

    def get(self, claim_id: str) -> Claim | None:
        """The claim of this id, or None."""
        return self._claims.get(claim_id)

    def require(self, claim_id: str) -> Claim:
        """The claim of this id. Raises UnknownClaim."""
        try:
            return self._claims[claim_id]
        except KeyError:
            raise UnknownClaim(claim_id, self.ids) from None


@cache
def load() -> Catalogue:
    """The catalogue. Raises BrokenCatalogue."""
    here = resources.files(__package__)
    return Catalogue(
        tuple(
            claim
            for group in _LETTERS
            for claim in parse(group, (here / f"{group}.toml").read_text(encoding="utf-8"))
        )
    )


def parse(group: Group, text: str) -> tuple[Claim, ...]:
    """The claims of one group's file. Raises BrokenCatalogue."""
    try:
        entries = tomllib.loads(text)["claim"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise BrokenCatalogue(f"{group}.toml: {error}") from error
    return tuple(_claim(group, entry) for entry in entries)


def _claim(group: Group, entry: dict[str, object]) -> Claim:
    name = f"{group}.toml: {entry.get('id', 'a claim without id')}"
    if unknown := sorted(set(entry) - _FIELDS):
        raise BrokenCatalogue(f"{name}: unknown field {unknown[0]!r}")
    texts = {field: entry.get(field) for field in ("id", *_TEXTS)}
    for field, text in texts.items():
        if not isinstance(text, str):
            raise BrokenCatalogue(f"{name}: {field} is missing")
    where, combines = entry.get("where", []), entry.get("combines", [])
    if not isinstance(where, list) or not isinstance(combines, list):
        raise BrokenCatalogue(f"{name}: where and combines are lists")
    return Claim(
        id=str(texts["id"]),
        group=group,
        where=tuple(where),
        statement_en=str(texts["en"]),
        statement_ja=str(texts["ja"]),
        observation=str(texts["observation"]),
        control=str(texts["control"]),
        combines=tuple(combines),
    )
