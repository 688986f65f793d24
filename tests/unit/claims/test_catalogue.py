"""The catalogue is complete and checks itself."""

import re
from dataclasses import replace

import pytest

from lab import claims
from lab.claims import BrokenCatalogue, Catalogue, Claim, UnknownClaim
from lab.claims.catalogue import parse

GOOD = """
[[claim]]
id = "K01"
where = ["broker"]
en = "Something."
ja = "何か。"
observation = "Seen."
control = "Not seen."
"""


def test_every_claim_is_there() -> None:
    counts = {"K": 13, "S": 12, "Q": 18, "C": 5, "U": 3}
    expected = [f"{letter}{n:02}" for letter, count in counts.items() for n in range(1, count + 1)]
    loaded = claims.load()
    assert [claim.id for claim in loaded] == list(loaded.ids) == expected
    assert len(loaded) == len(expected)


def test_statements_are_different_sentences() -> None:
    loaded = list(claims.load())
    for texts in ([c.statement_en for c in loaded], [c.statement_ja for c in loaded]):
        assert len(set(texts)) == len(texts)
    for claim in loaded:
        assert claim.statement_en.endswith("."), claim.id
        assert claim.statement_ja.endswith("。"), claim.id
        assert not re.search(r"[ぁ-ん一-龯]", claim.statement_en), claim.id


def test_a_claim_by_id() -> None:
    claim = claims.load().require("K08")
    assert claim.group == "kafka"
    assert "broker" in claim.where
    assert claim.statement("en") == claim.statement_en != claim.statement("ja")
    assert "K08" in claims.load()
    assert "K99" not in claims.load()
    assert claims.load().get("K99") is None
    with pytest.raises(UnknownClaim, match="K99"):
        claims.load().require("K99")


def test_the_example_parses() -> None:
    (claim,) = parse("kafka", GOOD)
    assert claim.statement_ja == "何か。"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('id = "K01"', 'id = "S01"', "no id of this group"),
        ('id = "K01"', 'id = "K1"', "no id of this group"),
        ('en = "Something."', 'en = ""', "en must be one line"),
        ('en = "Something."', 'en = " x"', "en must be one line"),
        ('ja = "何か。"', 'ja = "something"', "not Japanese"),
        ('ja = "何か。"', "", "ja is missing"),
        ('control = "Not seen."', "", "control is missing"),
        ('where = ["broker"]', 'where = ["moon"]', "where must name places"),
        ('where = ["broker"]', "where = []", "where must name places"),
        ('where = ["broker"]', 'where = "broker"', "are lists"),
        ('id = "K01"', 'id = "K01"\nnote = "x"', "unknown field 'note'"),
        ('id = "K01"', 'id = "K01"\ncombines = ["K02"]', "only they do"),
        ('id = "K01"', "id = ", "kafka.toml"),
        ("[[claim]]", "[[claims]]", "kafka.toml"),
    ],
)
def test_a_broken_file_is_refused(old: str, new: str, complaint: str) -> None:
    with pytest.raises(BrokenCatalogue, match=complaint):
        parse("kafka", GOOD.replace(old, new))


def claim_of(claim_id: str) -> Claim:
    return claims.load().require(claim_id)


def test_an_id_twice_is_refused() -> None:
    with pytest.raises(BrokenCatalogue, match="twice"):
        Catalogue((claim_of("K01"), claim_of("K01")))


def test_a_summary_of_nothing_known_is_refused() -> None:
    with pytest.raises(BrokenCatalogue, match="K01, which does not exist"):
        Catalogue((claim_of("U01"),))
    with pytest.raises(BrokenCatalogue, match="summaries combine"):
        replace(claim_of("U01"), combines=())
