"""Recorded cases, one small question each, asked of a server and compared.

Kinds of case: an ``expression`` over the one-row stream T (asked in batches); an ``aggregate`` over
the stream AGG, per group (in batches); a ``query``, a whole SELECT; a ``statement`` that creates a
source, whose ``query`` is asked until it agrees; an ``endpoint``, a statement or query that is
refused. ``setup`` statements come first and must be accepted.

A refusal agrees in status and error code, not in its words. Where the recorded server failed with
5xx any 4xx agrees: failing the same way is nothing to copy.
"""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from lab.errors import ConditionTimeout
from lab.wait import wait_until

Case = dict[str, Any]
Answer = dict[str, Any]

AGREEMENT = "agreement"
"""The property by which a test tells a line of the table: group, how many agree, of how many."""
RECORDED = Path(__file__).with_name("recorded")
EXPRESSION_BATCH = 30
AGGREGATE_BATCH = 12
STATEMENT_BATCH = 6
SETTLE_SECONDS = 15
KNOWN_SETTLE_SECONDS = 2
_RELATIVE = 1e-12
_MIN_DIGITS = 14
_CREATED = re.compile(r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(STREAM|TABLE)\s+(\w+)", re.IGNORECASE)


def load(name: str) -> list[Case]:
    """The cases of a recorded file; numbers with a point keep their digits."""
    text = (RECORDED / f"ksqldb-{name}.json").read_text("utf-8")
    cases: list[Case] = json.loads(text, parse_float=Decimal)
    return cases


def kind(case: Case) -> str:
    """How a case is asked."""
    if case["area"] == "setup":
        return "setup"
    if "endpoint" in case:
        return "endpoint"
    if "query" in case:
        return "statement"
    if re.match(r"\s*(SELECT|EXPLAIN)\b", case["sql"], re.IGNORECASE):
        return "query"
    return "aggregate" if case["area"].startswith("aggregate") else "expression"


def same(a: Any, b: Any, *, unordered: bool = False) -> bool:
    """Whether two values are equal: numbers as numbers, DOUBLEs to their last digits."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | Decimal) and isinstance(b, int | Decimal):
        return a == b or _nearly(a, b)
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return False
        if unordered:
            a, b = sorted(a, key=repr), sorted(b, key=repr)
        return all(same(x, y, unordered=unordered) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k], unordered=unordered) for k in a)
    return type(a) is type(b) and bool(a == b)


def _nearly(a: int | Decimal, b: int | Decimal) -> bool:
    if not (isinstance(a, Decimal) and isinstance(b, Decimal)):
        return False
    x, y = float(a), float(b)
    digits = len(a.as_tuple().digits)
    return abs(x - y) <= _RELATIVE * max(abs(x), abs(y)) and digits >= _MIN_DIGITS


def agrees(case: Case, got: Answer) -> bool:  # noqa: PLR0911 - one return per kind of answer
    """Whether an answer is the recorded one."""
    if kind(case) == "setup":
        return bool(got.get("status") == 200)
    if "status" in case:
        if case["status"] >= 500:
            return bool(400 <= got.get("status", 0) < 500)
        return (got.get("status"), got.get("error_code")) == (case["status"], case["error_code"])
    if "failed" in case or "failed" in got:
        return "failed" in case and "failed" in got
    if got.get("type") != case["type"] or got.get("columns") != case.get("columns"):
        return False
    if "value" not in case:
        return True
    unordered = bool(case.get("hash_order"))
    wanted, given = case["value"], got.get("value")
    if case.get("any_order") and isinstance(wanted, list) and isinstance(given, list):
        wanted, given = sorted(wanted, key=repr), sorted(given, key=repr)
    return same(given, wanted, unordered=unordered)


class Replay:
    """Asks a server all cases of a file."""

    def __init__(self, url: str, known: frozenset[str] = frozenset()) -> None:
        """``known`` are the ids of cases that differ, which are not waited for as long."""
        self._client = httpx2.Client(base_url=url, timeout=20)
        self._known = known
        self._made = 0

    def run(self, cases: Sequence[Case]) -> dict[str, Answer]:
        """The answer to each case, by id."""
        by_kind: dict[str, list[Case]] = defaultdict(list)
        for case in cases:
            by_kind[kind(case)].append(case)
        answers = {case["id"]: self._set_up(case) for case in by_kind["setup"]}
        for batch in _batches(by_kind["expression"], EXPRESSION_BATCH):
            answers |= self._expressions(batch)
        for case in by_kind["query"]:
            answers[case["id"]] = self._query(case["sql"])
        for case in by_kind["endpoint"]:
            ask = self._ksql if case["endpoint"] == "/ksql" else self._query
            answers[case["id"]] = ask(case["sql"])
        total = next((c["rows_with_group"] for c in cases if "rows_with_group" in c), 11)
        for batch in _batches(by_kind["aggregate"], AGGREGATE_BATCH):
            answers |= self._aggregates(batch, total)
        statements = by_kind["statement"]
        for start in range(0, len(statements), STATEMENT_BATCH):
            answers |= self._statements(statements[start : start + STATEMENT_BATCH])
        return answers

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _set_up(self, case: Case) -> Answer:
        answer = self._ksql(case["sql"])
        if "until" in case:
            self._settle(case["until"], lambda a: bool(a.get("value")), SETTLE_SECONDS)
        return answer

    def _expressions(self, cases: Sequence[Case]) -> dict[str, Answer]:
        listed = ", ".join(f"{c['sql']} AS C{n}" for n, c in enumerate(cases))
        answer = self._query(f"SELECT {listed} FROM T EMIT CHANGES LIMIT 1;")
        rows = answer.get("value")
        if rows and len(rows[0]) == len(cases):
            return {
                case["id"]: {"type": type_, "value": value}
                for case, type_, value in zip(cases, answer["type"], rows[0], strict=True)
            }
        if len(cases) == 1:
            return {cases[0]["id"]: answer if "status" in answer else {"failed": str(answer)}}
        return self._halves(cases, self._expressions)

    @staticmethod
    def _halves(
        cases: Sequence[Case], ask: Callable[[Sequence[Case]], dict[str, Answer]]
    ) -> dict[str, Answer]:
        """A batch that fails is asked in halves, so that one bad case costs little."""
        half = len(cases) // 2
        return ask(cases[:half]) | ask(cases[half:])

    def _aggregates(self, cases: Sequence[Case], total: int) -> dict[str, Answer]:
        self._made += 1
        name = f"AGGX_{self._made}"
        listed = ", ".join(f"{c['sql']} AS C{n}" for n, c in enumerate(cases))
        made = self._ksql(
            f"CREATE TABLE {name} AS SELECT G, {listed}, COUNT(*) AS CN "
            "FROM AGG GROUP BY G EMIT CHANGES;"
        )
        if made["status"] != 200:
            if len(cases) == 1:
                return {cases[0]["id"]: made}
            return self._halves(cases, lambda part: self._aggregates(part, total))

        def complete(answer: Answer) -> bool:
            return sum(row[-1] or 0 for row in answer.get("value", [])) == total

        wait = KNOWN_SETTLE_SECONDS if self._is_known(cases) else SETTLE_SECONDS
        answer = self._settle(f"SELECT * FROM {name};", complete, wait)
        self._drop("TABLE", name)
        if not complete(answer):
            if len(cases) == 1:
                return {cases[0]["id"]: {"failed": str(answer)}}
            return self._halves(cases, lambda part: self._aggregates(part, total))
        return {
            case["id"]: {
                "type": answer["type"][n],
                "value": {row[0]: row[n] for row in answer["value"]},
            }
            for n, case in enumerate(cases, 1)
        }

    def _statements(self, cases: Sequence[Case]) -> dict[str, Answer]:
        """Several are created, then each is read until it agrees, then all are dropped."""
        answers: dict[str, Answer] = {}
        made: list[tuple[Case, tuple[str, str]]] = []
        for case in cases:
            found = _CREATED.match(case["sql"])
            assert found is not None, case
            answers[case["id"]] = answer = self._ksql(case["sql"])
            if answer["status"] == 200:
                made.append((case, (found[1].upper(), found[2])))
        for case, _ in made:
            wait = KNOWN_SETTLE_SECONDS if self._is_known([case]) else SETTLE_SECONDS
            answers[case["id"]] = self._settle(case["query"], _agreeing(case), wait)
        for _, (type_, name) in made:
            self._drop(type_, name)
        return answers

    def _is_known(self, cases: Sequence[Case]) -> bool:
        return all(c["id"] in self._known for c in cases)

    def _drop(self, type_: str, name: str) -> None:
        self._ksql(f"DROP {type_} IF EXISTS {name} DELETE TOPIC;")

    def _settle(self, sql: str, done: Callable[[Answer], bool], seconds: float) -> Answer:
        answer: Answer = {}

        def asked() -> bool:
            nonlocal answer
            answer = self._query(sql)
            return done(answer)

        with suppress(ConditionTimeout):
            wait_until(sql, asked, timeout_seconds=seconds, every_seconds=0.05)
        return answer

    def _ksql(self, sql: str) -> Answer:
        body = {"ksql": sql, "streamsProperties": {"auto.offset.reset": "earliest"}}
        response = self._client.post("/ksql", json=body)
        return {"status": 200} if response.status_code == 200 else _error(response)

    def _query(self, sql: str) -> Answer:
        """``columns``, ``type``, ``value``; ``status`` if refused; ``failed`` if it broke off."""
        body = {"sql": sql, "properties": {"auto.offset.reset": "earliest"}}
        lines: list[str] = []
        end = time.monotonic() + 10
        try:
            with self._client.stream("POST", "/query-stream", json=body, timeout=10) as response:
                if response.status_code != 200:
                    response.read()
                    return _error(response)
                for line in response.iter_lines():
                    if line:
                        lines.append(line)
                    if time.monotonic() > end:
                        return {"failed": "it does not end"}
        except httpx2.TimeoutException:
            return {"failed": "it does not end"}
        return _table(json.loads(line, parse_float=Decimal) for line in lines)


def _agreeing(case: Case) -> Callable[[Answer], bool]:
    return lambda answer: agrees(case, answer)


def _batches(cases: Sequence[Case], size: int) -> Iterator[Sequence[Case]]:
    """Those recorded as refused, and those that disturb their neighbours, are asked alone."""
    shared = [c for c in cases if not c.get("alone", "status" in c)]
    for case in cases:
        if case.get("alone", "status" in case):
            yield [case]
    for start in range(0, len(shared), size):
        yield shared[start : start + size]


def _error(response: Any) -> Answer:
    try:
        body = response.json()
    except ValueError:
        body = {}
    return {
        "status": response.status_code,
        "error_code": body.get("error_code"),
        "message": body.get("message", response.text[:500]),
    }


def _table(lines: Iterator[Any]) -> Answer:
    answer: Answer = {"failed": "no header"}
    for line in lines:
        if isinstance(line, list):
            answer["value"].append(line)
        elif "columnNames" in line:
            answer = {"columns": line["columnNames"], "type": line["columnTypes"], "value": []}
        elif "error_code" in line:
            return {"failed": line.get("message")}
    return answer
