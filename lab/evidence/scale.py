"""How much work experiments do: enough to see it on a laptop, or many rounds overnight."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Scale:
    """The sizes of workloads.

    ``records`` are acknowledged per round of a load, ``rounds`` are leaders killed under load,
    ``crashes`` are clients killed within a loop. ``seed`` decides where crashes happen; it is
    recorded, so that a run can be done again.
    """

    records: int = 2_000
    rounds: int = 1
    crashes: int = 4
    seed: int = 0
    thorough: bool = False

    def chance(self, claim: str) -> random.Random:
        """The source of an experiment's random choices, the same for the same seed."""
        return random.Random(f"{claim}-{self.seed}")  # noqa: S311 - no secret is made


THOROUGH = Scale(records=20_000, rounds=10, crashes=20, thorough=True)


def add_scale_options(group: pytest.OptionGroup) -> None:
    """Add the options that say how much work experiments do."""
    usual = Scale()
    group.addoption(
        "--thorough",
        action="store_true",
        help=f"the long form: {THOROUGH.rounds} rounds of {THOROUGH.records} records, "
        f"{THOROUGH.crashes} crashes",
    )
    for name, what in (
        ("records", "records per round of a load"),
        ("rounds", "leaders killed under load"),
        ("crashes", "clients killed within a loop"),
    ):
        group.addoption(
            f"--{name}",
            type=_positive,
            metavar="N",
            help=f"{what} (default: {getattr(usual, name)})",
        )
    group.addoption(
        "--seed", type=int, metavar="N", help="decides where crashes happen (default: random)"
    )


def scale_of(config: pytest.Config) -> Scale:
    """What the options say."""
    base = THOROUGH if config.getoption("--thorough") else Scale()
    seed = config.getoption("--seed")
    return Scale(
        records=config.getoption("--records") or base.records,
        rounds=config.getoption("--rounds") or base.rounds,
        crashes=config.getoption("--crashes") or base.crashes,
        seed=random.SystemRandom().randrange(1_000_000) if seed is None else seed,
        thorough=base.thorough,
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"{number} is not positive")
    return number
