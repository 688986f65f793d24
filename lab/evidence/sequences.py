"""Sequence pictures: who did what to whom, in the order of a recorded history.

A picture is chosen, not drawn: an entry of the kind ``sequence`` names the entries that belong in
it and what its lanes are called. Everything that it shows is read from those entries. A history
that is short enough is a picture without anybody's choice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from lab.evidence.encoding import brief, cut
from lab.evidence.model import Entry
from lab.evidence.pictures import Arrow, Picture

_STEPS = range(3, 17)
_LANES = range(3, 9)
_TEXT = 90
_DETAIL = 110
_AT = "at_ns"
_PLACE = ("partition", "offset")


def choice(
    title: str,
    events: Iterable[Entry],
    caption: str,
    names: Mapping[str, str],
    lanes: Sequence[str],
) -> dict[str, object]:
    """The answer of an entry of the kind ``sequence``, from which ``picture`` makes the picture.

    ``names`` says what actors and targets are called, ``lanes`` which of those stand first. Raises
    ValueError where there is no event to show.
    """
    chosen = [entry.seq for entry in events if entry.kind == "step"]
    if not chosen:
        raise ValueError(f"{title}: there is no step to show")
    return {
        "title": title,
        "caption": caption,
        "events": chosen,
        "names": dict(names),
        "lanes": list(lanes),
    }


def picture(chosen: object, history: Iterable[Entry]) -> Picture | None:
    """The picture that ``choice`` asked for, from the history; None where it cannot be made.

    Events stand in the order in which they happened: an answer's ``at_ns`` (nanoseconds since the
    epoch) says when, where a step was recorded later than that.
    """
    match chosen:
        case {"title": str(title), "events": list(wanted)}:
            found = cast("Mapping[str, object]", chosen)
        case _:
            return None
    known = {entry.seq: entry for entry in history if entry.kind == "step"}
    events = [known[seq] for seq in wanted if isinstance(seq, int) and seq in known]
    if not events:
        return None
    events.sort(key=_when)
    names = found.get("names")
    named = cast("Mapping[str, str]", names) if isinstance(names, dict) else {}
    first = _when(events[0])
    arrows = tuple(_arrow(entry, first, named) for entry in events)
    order = found.get("lanes")
    used = dict.fromkeys(lane for arrow in arrows for lane in (arrow.source, arrow.target))
    wished = [str(lane) for lane in order] if isinstance(order, list) else []
    lanes = dict.fromkeys([*(lane for lane in wished if lane in used), *used])
    return Picture(title, tuple(lanes), arrows, str(found.get("caption", "")))


def whole(history: Sequence[Entry]) -> Picture | None:
    """The picture of all steps; None where that is too short or too much to look at.

    The same again, by the same actor to the same target, stands in it once and says how often.
    """
    steps = sorted((entry for entry in history if entry.kind == "step"), key=_when)
    if not steps:
        return None
    arrows: list[tuple[Arrow, int]] = []
    for step in steps:
        arrow = _arrow(step, _when(steps[0]), {})
        last, times = arrows[-1] if arrows else (None, 0)
        if last is not None and _alike(arrow) == _alike(last):
            arrows[-1] = (last, times + 1)
        else:
            arrows.append((arrow, 1))
    told = tuple(
        arrow if times == 1 else replace(arrow, text=f"{arrow.text} ({times} times)")
        for arrow, times in arrows
    )
    lanes = dict.fromkeys(lane for arrow in told for lane in (arrow.source, arrow.target))
    if len(told) not in _STEPS or len(lanes) not in _LANES:
        return None
    return Picture("Who did what, in order", tuple(lanes), told)


def _alike(arrow: Arrow) -> tuple[str, str, str, str]:
    return arrow.source, arrow.target, arrow.text, arrow.outcome


def _when(entry: Entry) -> int:
    at = entry.answer.get(_AT) if isinstance(entry.answer, dict) else None
    return at if isinstance(at, int) else entry.seq


def _arrow(entry: Entry, first: int, names: Mapping[str, str]) -> Arrow:
    actor = names.get(entry.actor, entry.actor)
    target = names.get(entry.target, entry.target) if entry.target else actor
    return Arrow(
        after_ms=round((_when(entry) - first) / 1e6, 1),
        source=actor,
        target=target,
        text=cut(entry.action, _TEXT),
        detail=cut(_renamed(_detail(entry.answer), names), _DETAIL),
        outcome=entry.outcome.value,
    )


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with the long names that were replaced on the lanes replaced here too."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        # Names stand in longer ones too: a sink's in its query's id.
        shown = names[name].replace("\\", r"\\")
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", shown, text)
    return text


def _detail(answer: object) -> str:
    """What came back, in few words: where a record stands first, then what is in it."""
    if not isinstance(answer, dict):
        return "" if answer is None else brief(answer, 4 * _DETAIL)
    words = []
    if all(isinstance(answer.get(name), int) for name in _PLACE):
        words.append(f"partition {answer['partition']}, offset {answer['offset']}")
        content = " = ".join(_bytes(answer[name]) for name in ("key", "value") if name in answer)
        words.append(content)
        return ": ".join(filter(None, words))
    rest = {name: item for name, item in answer.items() if name not in {_AT, "timestamp_ms"}}
    return brief(rest, 4 * _DETAIL) if rest else ""


def _bytes(encoded: object) -> str:
    match encoded:
        case None:
            return "null"
        case {"text": str(text)}:
            return text
        case {"hex": str(raw)}:
            return f"0x{raw}"
    return json.dumps(encoded, ensure_ascii=False)
