"""A sequence picture as inline SVG: a pure function of the picture.

It takes its colours from the page (``--ink``, ``--soft``, ``--line``, ``--paper`` and the colours
of verdicts), so that it is readable on light and dark ones, and needs nothing else. Its size is
fixed: on a narrow page it is scrolled, never shrunk until nobody can read it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from html import escape

from lab.evidence.pictures import Arrow, Picture

_WIDTH = 940
_GUTTER = 74  # for the times
_NARROWEST, _WIDEST = 104, 250  # lanes
_LINE = 15
_EM = 6.4  # an average character of 12px text
_BOLD_EM = 7.2
_SMALL_EM = 5.7  # and of 10.5px text
_PAD = 8
_COLOUR = {"ok": "--ink", "fail": "--refuted", "unknown": "--inconclusive"}
_WIDE = {"W", "F"}


@dataclass(frozen=True)
class _Label:
    """Lines of text above and below an arrow, beginning at ``x``."""

    x: float
    text: tuple[str, ...]
    detail: tuple[str, ...]


def draw(picture: Picture, identity: str) -> str:
    """The picture as an ``svg`` element; ``identity`` makes its ids unique within the page."""
    lane = max(_NARROWEST, min(_WIDEST, (_WIDTH - _GUTTER) // len(picture.lanes)))
    width = _GUTTER + lane * len(picture.lanes)
    centre = {name: _GUTTER + lane * (n + 0.5) for n, name in enumerate(picture.lanes)}
    heads = {name: wrapped(name, lane - 2 * _PAD, _BOLD_EM) for name in picture.lanes}
    top = max(len(lines) for lines in heads.values()) * _LINE + 2 * _PAD
    drawn: list[str] = []
    y = float(top + _PAD)
    for arrow in picture.arrows:
        label = _label(arrow, centre, width, lane)
        y += _LINE * len(label.text) + 6
        drawn += _row(arrow, label, centre, y)
        y += _LINE * len(label.detail) + _PAD
        if arrow.source == arrow.target:
            y += _PAD
    height = round(y + _PAD)
    opening = (
        f'<svg class="sequence" xmlns="http://www.w3.org/2000/svg" role="img" width="{width}"'
        f' height="{height}" viewBox="0 0 {width} {height}"'
        f' aria-labelledby="{identity}-title {identity}-desc">'
    )
    parts = [
        opening,
        f'<title id="{identity}-title">{escape(picture.title)}</title>',
        f'<desc id="{identity}-desc">{escape(told(picture))}</desc>',
        *_lanes(heads, centre, lane, top, height),
        *drawn,
        "</svg>",
    ]
    return "\n".join(parts)


def told(picture: Picture) -> str:
    """The picture in words, for those who cannot see it."""
    steps = (
        f"{number}. At {_time(arrow.after_ms)}, {arrow.source}"
        + ("" if arrow.source == arrow.target else f" to {arrow.target}")
        + f": {arrow.text}"
        + (f" ({arrow.detail})" if arrow.detail else "")
        + ("" if arrow.outcome == "ok" else f" [{arrow.outcome}]")
        for number, arrow in enumerate(picture.arrows, 1)
    )
    return " ".join(steps)


def wrapped(text: str, width: float, em: float) -> tuple[str, ...]:
    """The text in lines of at most ``width`` pixels; words that are longer are broken."""
    room = max(int(width / em), 4)
    lines: list[str] = []
    line = ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if _cells(joined) <= room:
            line = joined
            continue
        if line:
            lines.append(line)
        line = word
        while _cells(line) > room:
            head = _head(line, room)
            lines.append(line[:head])
            line = line[head:]
    return (*lines, line) if line or not lines else tuple(lines)


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in _WIDE else 1 for c in text)


def _head(word: str, room: int) -> int:
    """How many characters of a long word fit; after a punctuation mark where there is one."""
    fits = next(n for n in range(len(word), 0, -1) if n == 1 or _cells(word[:n]) <= room)
    marks = [n + 1 for n, c in enumerate(word[:fits]) if c in "-_./,:"]
    return marks[-1] if marks and marks[-1] > fits // 2 else fits


def _label(arrow: Arrow, centre: dict[str, float], width: int, lane: int) -> _Label:
    """Between its lanes, and at least two lanes wide: towards the side that has room."""
    left, right = sorted((centre[arrow.source], centre[arrow.target]))
    room = max(right - left - 2 * _PAD, 2 * lane - 2 * _PAD)
    room = min(room, width - _GUTTER - _PAD)
    x = max(min(left + _PAD, width - room - _PAD), _GUTTER)
    return _Label(
        x,
        wrapped(arrow.text, room, _EM),
        wrapped(arrow.detail, room, _SMALL_EM) if arrow.detail else (),
    )


def _lanes(
    heads: dict[str, tuple[str, ...]], centre: dict[str, float], lane: int, top: int, height: int
) -> list[str]:
    found: list[str] = []
    for name, lines in heads.items():
        x = centre[name]
        found.append(
            f'<line x1="{x:g}" y1="{top}" x2="{x:g}" y2="{height}" stroke="var(--line)"'
            ' stroke-dasharray="4 4"/>'
        )
        found.append(
            f'<rect x="{x - lane / 2 + 4:g}" y="1" width="{lane - 8}" height="{top - 2}" rx="5"'
            ' fill="var(--paper)" stroke="var(--line)"/>'
        )
        begin = (top - _LINE * len(lines)) / 2 + 11
        found += [
            f'<text class="lane" x="{x:g}" y="{begin + n * _LINE:g}" text-anchor="middle">'
            f"{escape(line)}</text>"
            for n, line in enumerate(lines)
        ]
    return found


def _row(arrow: Arrow, label: _Label, centre: dict[str, float], y: float) -> list[str]:
    colour = f"var({_COLOUR[arrow.outcome]})"
    begin, end = centre[arrow.source], centre[arrow.target]
    found = [
        f'<text class="when" x="{_GUTTER - _PAD}" y="{y + 4:g}">{_time(arrow.after_ms)}</text>'
    ]
    dash = ' stroke-dasharray="5 3"' if arrow.outcome == "unknown" else ""
    if begin == end:
        path = f"M{begin:g} {y:g}h26v{_PAD}h-22"
        end, back = begin + 4, -1
    else:
        back = 1 if begin < end else -1
        path = f"M{begin:g} {y:g}H{end:g}"
    tip = y + _PAD if begin + 4 == end else y
    found.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.4"{dash}/>')
    found.append(
        f'<path d="M{end:g} {tip:g}l{-8 * back} -4v8z" fill="{colour}"/>'
        if arrow.outcome != "fail"
        else f'<path d="M{end - 5 * back:g} {tip - 5:g}l10 10m0 -10l-10 10" stroke="{colour}"'
        ' stroke-width="1.8" fill="none"/>'
    )
    above = y - 6 - _LINE * (len(label.text) - 1)
    found += _texts(f"did {arrow.outcome}", label.x, above, label.text)
    below = y + 14 + (_PAD if arrow.source == arrow.target else 0)
    found += _texts("got", label.x, below, label.detail)
    return found


def _texts(kind: str, x: float, y: float, lines: tuple[str, ...]) -> list[str]:
    return [
        f'<text class="{kind}" x="{x:g}" y="{y + n * _LINE:g}">{escape(line)}</text>'
        for n, line in enumerate(lines)
    ]


def _time(after_ms: float) -> str:
    if after_ms >= 10_000:
        return f"{after_ms / 1000:.1f} s"
    return f"{after_ms:.0f} ms" if after_ms >= 10 or not after_ms else f"{after_ms:.1f} ms"
