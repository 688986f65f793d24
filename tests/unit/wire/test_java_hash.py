"""Java's string hash; expected values from its documented formula and from known collisions."""

import pytest

from lab.wire.java_hash import java_string_hash, kafka_abs, partition_of_group


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", 0),
        ("a", 97),
        ("Aa", 2112),
        ("BB", 2112),
        ("hello", 99162322),
        ("polygenelubricants", -(1 << 31)),
        ("é", 0xE9),
        ("𝄞", 31 * 0xD834 + 0xDD1E),
    ],
)
def test_hash(text: str, value: int) -> None:
    assert java_string_hash(text) == value


def test_the_smallest_int_has_no_absolute_value_and_counts_as_zero() -> None:
    assert kafka_abs(-(1 << 31)) == 0
    assert kafka_abs(-5) == 5
    assert partition_of_group("polygenelubricants", 50) == 0


def test_the_partition_that_a_broker_chose() -> None:
    """The group "golden-group" was found in partition 49 of 50 on a Kafka 4.3.1 broker."""
    assert partition_of_group("golden-group", 50) == 49


def test_a_topic_has_partitions() -> None:
    with pytest.raises(ValueError, match="positive"):
        partition_of_group("g", 0)
