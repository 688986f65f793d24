"""Functions that hide personal data."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Function, Way, scalar

_INPUT = "VARCHAR: input STRING to be masked"
_MASKS = (
    "VARCHAR: upper-case mask, or NULL to use default",
    "VARCHAR: lower-case mask, or NULL to use default",
    "VARCHAR: digit mask, or NULL to use default",
    "VARCHAR: mask for other characters, or NULL to use default",
)


def _counted(name: str, description: str, count: str, java: str) -> Function:
    """A mask of a number of characters, with default masks or given ones."""
    parameters = (_INPUT, f"INT: number of characters to {count}")
    return scalar(
        name, "STRING", description,
        Way((*parameters, *_MASKS), "VARCHAR", java),
        Way(parameters, "VARCHAR", java),
    )  # fmt: skip


FUNCTIONS = (
    scalar(
        "MASK", "STRING", "The text with its letters, digits and other characters masked by class.",
        Way((_INPUT,), "VARCHAR", "Masks.mask"),
        Way((_INPUT, *_MASKS), "VARCHAR", "Masks.mask"),
    ),
    _counted(
        "MASK_LEFT", "The text with its first characters masked.",
        "mask from the start", "Masks.left",
    ),
    _counted(
        "MASK_RIGHT", "The text with its last characters masked.",
        "mask before the end", "Masks.right",
    ),
    _counted(
        "MASK_KEEP_LEFT", "The text masked but for its first characters.",
        "keep unmasked at the start", "Masks.keepLeft",
    ),
    _counted(
        "MASK_KEEP_RIGHT", "The text masked but for its last characters.",
        "keep unmasked at the end", "Masks.keepRight",
    ),
)  # fmt: skip
