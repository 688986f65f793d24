"""Values of experiments as JSON-ready data, and as one short line for a reader."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from uuid import UUID


def encode(value: object) -> object:
    """``value`` as data that JSON can hold, the same every time.

    Bytes become ``{"hex": …}`` with ``"text"`` beside it where they are printable; sets become
    sorted lists; dataclasses become objects; mapping keys become text. What is none of these
    becomes its ``repr``.
    """
    if isinstance(value, Enum):
        return encode(value.value)
    if is_dataclass(value) and not isinstance(value, type):
        shown = (field.name for field in fields(value) if field.repr)
        return {name: encode(getattr(value, name)) for name in shown}
    match value:
        case bytes() | bytearray():
            encoded: object = _encode_bytes(bytes(value))
        case BaseException():
            encoded = {"error": type(value).__name__, "message": str(value)}
        case Mapping():
            encoded = {_key(key): encode(item) for key, item in value.items()}
        case Set():
            encoded = sorted((encode(item) for item in value), key=_sort_key)
        case Sequence() if not isinstance(value, str):
            encoded = [encode(item) for item in value]
        case _:
            encoded = _scalar(value)
    return encoded


def brief(value: object, limit: int = 100) -> str:
    """``value`` in one line of at most ``limit`` characters."""
    return cut(_spoken(encode(value)), limit)


def cut(text: str, limit: int) -> str:
    """``text`` in one line of at most ``limit`` characters, an ellipsis where it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: max(limit - 1, 0)] + "…"


def _encode_bytes(raw: bytes) -> dict[str, str]:
    encoded = {"hex": raw.hex()}
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return encoded
    if text.isprintable():
        encoded["text"] = text
    return encoded


def _scalar(value: object) -> object:
    if isinstance(value, str | Path | UUID):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    return value if value is None or isinstance(value, bool | int) else repr(value)


def _key(key: object) -> str:
    encoded = encode(key)
    if isinstance(encoded, str):
        return encoded
    if isinstance(encoded, list):
        return "-".join(str(part) for part in encoded)
    return json.dumps(encoded, ensure_ascii=False)


def _sort_key(encoded: object) -> str:
    return json.dumps(encoded, sort_keys=True, ensure_ascii=False)


def _spoken(encoded: object) -> str:
    match encoded:
        case None:
            return "nothing"
        case str():
            return encoded
        case {"hex": str(raw), **rest} if not set(rest) - {"text"}:
            return repr(rest["text"]) if "text" in rest else f"0x{raw}"
        case dict():
            return (
                ", ".join(f"{key}: {_spoken(item)}" for key, item in encoded.items()) or "nothing"
            )
        case list():
            return ", ".join(_spoken(item) for item in encoded) or "nothing"
    return json.dumps(encoded)
