"""Evidence: what was seen, in which order, and the verdict that follows from it.

Experiments take ``claim`` from here; everything else reaches them as fixtures of the pytest plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def claim(claim_id: str) -> pytest.MarkDecorator:
    """Mark a test as an experiment for the claim of this id: ``@claim("K08")``.

    The id is checked when the test is collected, not here.
    """
    import pytest  # noqa: PLC0415 - the package is also used without pytest, by the CLI

    return pytest.mark.claim(claim_id)
