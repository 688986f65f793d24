"""What experiments would create is read from their source."""

from __future__ import annotations

from lab.evidence.foreseen import foreseen_names

SOURCE = """
def test(topic, subject, source_name, group, kafka):
    orders = topic("orders", partitions=3)
    other = topic.name("elsewhere")
    subject("orders-value")
    source_name("by-region")
    for member in ("a", "b"):
        group(f"of-{member}")
    kafka.create_topic("not through a fixture")
"""


def test_literal_names_are_listed_and_computed_ones_are_said_to_be_more() -> None:
    used = ("topic", "subject", "source_name", "group", "kafka")
    found = foreseen_names(SOURCE, "lab-k01-########", used)
    assert found[:4] == [
        "topic lab-k01-########-orders",
        "topic lab-k01-########-elsewhere",
        "subject lab-k01-########-orders-value",
        "stream or table LAB_K01_########_BY_REGION",
    ]
    assert "consumer groups lab-k01-########-… whose names are made at run time" in found


def test_a_file_that_names_nothing_is_told_too() -> None:
    assert foreseen_names("x = 1", "k05-########", ()) == ["nothing, or what carries k05-########"]
