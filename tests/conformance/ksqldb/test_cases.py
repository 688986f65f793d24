"""Recorded cases, replayed against a server of this project: one test per file and area.

What differs is listed in ``known_cases.json``, in groups with a reason each. A case that is not
listed must agree, one that is listed must differ still unless its group says ``may_agree`` (what
varies from run to run). ``UPDATE_KNOWN=1`` writes the list anew:
groups keep those that differ still, what is new goes to a group without a reason, which has to be
given before the tests pass.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.ksqldb_server import Server

from .cases import AGREEMENT, Answer, Case, Replay, agrees, load

FILES = ("12-expressions", "13-refusals", "14-aggregates")
KNOWN_FILE = Path(__file__).with_name("known_cases.json")
UPDATE = bool(os.environ.get("UPDATE_KNOWN"))

Group = dict[str, Any]
Outcomes = dict[str, tuple[Case, Answer, bool]]


@functools.cache
def known_groups() -> dict[str, list[Group]]:
    groups: dict[str, list[Group]] = json.loads(KNOWN_FILE.read_text("utf-8"))
    return groups


def known(name: str, *, firmly: bool = False) -> frozenset[str]:
    """The ids of the cases of a file that are listed; ``firmly``, only those that must differ."""
    groups = [g for g in known_groups()[name] if not (firmly and g.get("may_agree"))]
    return frozenset(id_ for group in groups for id_ in group["cases"])


def areas() -> list[Any]:
    """Every file and area; the areas of a file share a server, so they stay together."""
    return [
        pytest.param(name, area, marks=pytest.mark.xdist_group(f"ksqldb-{name}"))
        for name in FILES
        for area in dict.fromkeys(c["area"] for c in load(name))
    ]


@pytest.fixture(scope="session")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory, bootstrap: str, classpath: str, build_dir: Path
) -> Iterator[Callable[[str], Outcomes]]:
    """The answers to all cases of a file, asked once, of a server of their own."""
    servers: list[Server] = []

    @functools.cache
    def ask(name: str) -> Outcomes:
        server = Server(tmp_path_factory.mktemp(name), bootstrap, classpath, build_dir)
        servers.append(server)
        server.start()
        replay = Replay(server.url, known(name))
        cases = load(name)
        answers = replay.run(cases)
        replay.close()
        server.stop()
        found = {c["id"]: (c, answers[c["id"]], agrees(c, answers[c["id"]])) for c in cases}
        if UPDATE:
            rewrite(name, found)
        return found

    yield ask
    for server in servers:
        server.kill()


@pytest.mark.parametrize(("name", "area"), areas())
def test_cases_agree_with_the_real_ksqldb(
    name: str,
    area: str,
    outcomes: Callable[[str], Outcomes],
    record_property: Callable[[str, object], None],
) -> None:
    listed, firm = known(name), known(name, firmly=True)
    failures = []
    of_area = {id_: found for id_, found in outcomes(name).items() if found[0]["area"] == area}
    agreeing = sum(agreed for _, _, agreed in of_area.values())
    record_property(AGREEMENT, (f"{name}: {area}", agreeing, len(of_area)))
    for id_, (case, got, agreed) in of_area.items():
        if agreed and id_ in firm:
            failures.append(f"{id_} agrees now: take it off the list\n    {case['sql']}")
        if not agreed and id_ not in listed:
            wanted = {k: v for k, v in case.items() if k not in {"id", "area", "sql"}}
            failures.append(f"{id_} {case['sql']}\n    recorded {wanted}\n    got      {got}")
    assert not failures, f"{len(failures)} of {name} {area}:\n" + "\n".join(failures)


def test_every_group_of_known_differences_has_a_reason_and_real_cases() -> None:
    for name in FILES:
        ids = [id_ for group in known_groups()[name] for id_ in group["cases"]]
        assert len(ids) == len(set(ids))
        assert set(ids) <= {c["id"] for c in load(name)}
        assert all(len(group["reason"]) > 5 for group in known_groups()[name])


def rewrite(name: str, found: Outcomes) -> None:
    """Bring the list of known differences of a file up to date."""
    groups = known_groups()
    differ = {id_ for id_, (_, _, agreed) in found.items() if not agreed}
    kept = []
    for group in groups[name]:
        left = [id_ for id_ in group["cases"] if id_ in differ or group.get("may_agree")]
        differ -= set(left)
        if left:
            kept.append({**group, "cases": left})
    if differ:
        kept.append({"reason": "", "cases": sorted(differ)})
    on_disk = json.loads(KNOWN_FILE.read_text("utf-8"))
    on_disk[name] = kept
    KNOWN_FILE.write_text(_written(on_disk), "utf-8")


def _written(groups: dict[str, list[Group]]) -> str:
    files = []
    for name, listed in groups.items():
        items = [json.dumps(g).replace(', "cases"', ',\n   "cases"') for g in listed]
        inner = ",\n  ".join(items)
        files.append(f'"{name}": [\n  {inner}\n]' if items else f'"{name}": []')
    return "{\n" + ",\n".join(files) + "\n}\n"
