"""The docstring of an experiment."""

import pytest

from lab.evidence.docstring import PARTS, parse_proof
from lab.evidence.errors import MalformedExperiment

GOOD = """K08. The broker accepts bytes
that violate the schema.

Set-up    a topic
          with a subject
Action    produce
Observed  acknowledged: all three
Control   refused
Limits    Avro only

A paragraph that says more.
    Even an indented one.
"""


def test_parts() -> None:
    proof = parse_proof(GOOD)
    assert proof.claim == "K08"
    assert proof.title == "The broker accepts bytes that violate the schema."
    assert list(proof.parts) == list(PARTS)
    assert proof.parts["Set-up"] == "a topic with a subject"
    assert proof.parts["Observed"] == "acknowledged: all three"
    assert proof.parts["Limits"] == "Avro only"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("K08. The", "The", "begins with its claim"),
        ("Control   refused\n", "", "lacks Control"),
        ("Control   refused", "Control", "lacks Control"),
        ("Limits    Avro only", "Limit    Avro only", "lacks Limits"),
        ("Action    produce", "Action    produce\nAction    again", "two parts Action"),
        (
            "Control   refused\nLimits    Avro only",
            "Limits    Avro only\nControl   refused",
            "order",
        ),
    ],
)
def test_what_is_missing_is_named(old: str, new: str, complaint: str) -> None:
    with pytest.raises(MalformedExperiment, match=complaint):
        parse_proof(GOOD.replace(old, new))


@pytest.mark.parametrize("docstring", [None, "", "K08."])
def test_no_docstring(docstring: str | None) -> None:
    with pytest.raises(MalformedExperiment):
        parse_proof(docstring)
