"""Answers that pages of other origins may read, by the ``access.control.*`` properties."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

_ORIGIN = "access.control.allow.origin"
_METHODS = "access.control.allow.methods"
_HEADERS = "access.control.allow.headers"


def shared(inner: ASGIApp, properties: Mapping[str, str]) -> ASGIApp:
    """An application that tells browsers which origins may use it, or as it is.

    ``access.control.allow.origin`` names origins, separated by commas, or ``*`` for all; the
    methods and headers are all that clients need unless they are named.
    """
    origins = _names(properties.get(_ORIGIN, ""))
    if not origins:
        return inner
    return CORSMiddleware(
        inner,
        allow_origins=origins,
        allow_methods=_names(properties.get(_METHODS, "")) or ["GET", "POST", "HEAD"],
        allow_headers=_names(properties.get(_HEADERS, "")) or ["*"],
        allow_credentials="*" not in origins,
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
