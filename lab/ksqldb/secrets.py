"""What must not be told: which properties are secret, and URLs with passwords in them."""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"password|secret|jaas|credentials?|user\.info|\bbearer|\btoken\b|\.key$", re.IGNORECASE
)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")


def is_secret(name: str) -> bool:
    """Whether a property's value is for nobody else."""
    return _SECRET.search(name) is not None


def shown(value: str) -> str:
    """A value as it may be told: user and password of URLs are left out."""
    return _USER_INFO.sub("", value)
