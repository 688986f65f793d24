"""Where the broker puts a group: Java's string hash, and the partition chosen by it.

Sources: java.lang.String#hashCode (its documentation gives the formula), and in Apache Kafka
``Utils.abs`` and ``GroupCoordinatorService#partitionFor``.
"""

from __future__ import annotations


def java_string_hash(text: str) -> int:
    """``String.hashCode()``: s[0]*31^(n-1) + … + s[n-1] over UTF-16 units, as a signed int32."""
    utf16 = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for i in range(0, len(utf16), 2):
        value = (31 * value + (utf16[i] << 8 | utf16[i + 1])) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def kafka_abs(value: int) -> int:
    """Kafka's ``Utils.abs``: 0 for the smallest int32, whose absolute value has no int32."""
    return 0 if value == -(1 << 31) else abs(value)


def partition_of_group(group: str, partition_count: int) -> int:
    """The partition of ``__consumer_offsets`` that holds ``group``'s committed offsets."""
    if partition_count < 1:
        raise ValueError(f"partition_count must be positive, not {partition_count}")
    return kafka_abs(java_string_hash(group)) % partition_count
