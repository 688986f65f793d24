"""Statements that nobody would write: grown from the grammar, and real ones with damaged bytes."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from lark import Lark
from lark.grammar import NonTerminal, Rule, Symbol, Terminal
from lark.lexer import Pattern

_NAMES = ("A", "b", "`C d`", '"e"', "ROWTIME", "ORDERS", "x1", "_u", "KEY", "COUNT", "UCASE")
_TEXTS = ("''", "'it''s'", "'2020-01-01'", "';'", "'\u65e5\u672c'", "'%_'", "'a.b'")
_NUMBERS = ("0", "1", "7", "2147483648", "9223372036854775807", "99999999999999999999")
_SAMPLES = {
    "IDENT": _NAMES[:2] + _NAMES[4:],
    "QUOTED": ("`C d`", "``", "`a``b`", '"e"', '"E""f"'),
    "STRING": _TEXTS,
    "INTEGER": _NUMBERS,
    "DECIMAL_NUMBER": ("1.5", ".5", "2.", "123456789012345678901234567890.5"),
    "FLOAT_NUMBER": ("1e3", "1.5E-300", "9e999"),
}
_LITTER: tuple[str, ...] = (
    *"'\"`;()[]<>,.*-+/%=$@#{}\\\0\n\t ",
    "--",
    "/*",
    "*/",
    ":=",
    "->",
    "=>",
    "\u00e9",
    "\U0001f600",
)


class Grower:
    """Random statements by the rules of a grammar."""

    def __init__(self, grammar: Lark, seed: int) -> None:
        self._random = random.Random(seed)
        self._rules: dict[str, list[Rule]] = {}
        for rule in grammar.rules:
            self._rules.setdefault(rule.origin.name, []).append(rule)
        self._patterns: dict[str, Pattern] = {t.name: t.pattern for t in grammar.terminals}
        self._cost = _cheapest(self._rules)

    def statement(self, depth: int = 12) -> str:
        """One statement, semicolon included."""
        words: list[str] = []
        self._grow(NonTerminal("statement"), depth, words)
        return " ".join(words) + ";"

    def _grow(self, symbol: Symbol, depth: int, words: list[str]) -> None:
        if isinstance(symbol, Terminal):
            words.append(self._terminal(symbol.name))
            return
        rules = self._rules[symbol.name]
        if depth <= 0:
            least = min(self._cost_of(r) for r in rules)
            rules = [r for r in rules if self._cost_of(r) == least]
        for part in self._random.choice(rules).expansion:
            self._grow(part, depth - 1, words)

    def _cost_of(self, rule: Rule) -> int:
        return max((self._cost.get(s.name, 0) for s in rule.expansion), default=0)

    def _terminal(self, name: str) -> str:
        if name in _SAMPLES:
            return self._random.choice(_SAMPLES[name])
        pattern = self._patterns[name]
        if pattern.type == "str":
            return str(pattern.value)
        words: list[str] = re.findall(r"[A-Z_]{2,}", pattern.value)
        return self._random.choice(words or ["?"])


def _cheapest(rules: dict[str, list[Rule]]) -> dict[str, int]:
    """How many levels each symbol needs at least."""
    cost: dict[str, int] = {}
    changed = True
    while changed:
        changed = False
        for name, options in rules.items():
            known = [
                max((cost.get(s.name, 0) for s in rule.expansion), default=0) + 1
                for rule in options
                if all(isinstance(s, Terminal) or s.name in cost for s in rule.expansion)
            ]
            if known and min(known) < cost.get(name, 1 << 30):
                cost[name] = min(known)
                changed = True
    return cost


class Damager:
    """Real statements with something deleted, doubled, swapped, cut or thrown in."""

    def __init__(self, originals: Sequence[str], seed: int) -> None:
        self._originals = originals
        self._random = random.Random(seed)

    def statement(self) -> str:
        """One text that may still be a statement."""
        text = self._random.choice(self._originals)
        for _ in range(self._random.randint(1, 4)):
            text = self._once(text)
        return text

    def _once(self, text: str) -> str:
        pick = self._random
        at: int = pick.randrange(len(text) + 1)
        to = min(len(text), at + pick.randint(1, 12))
        match pick.randrange(6):
            case 0:
                return text[:at] + text[to:]
            case 1:
                return text[:to] + text[at:to] * pick.randint(1, 30) + text[to:]
            case 2:
                return text[:at] + pick.choice(_LITTER) + text[at:]
            case 3:
                return text[:at]
            case 4:
                other = pick.choice(self._originals)
                begin = pick.randrange(len(other) + 1)
                return text[:at] + other[begin : begin + 40] + text[at:]
            case _:
                return text[:at] + chr(pick.randrange(1, 0x2FF)) + text[to:]
