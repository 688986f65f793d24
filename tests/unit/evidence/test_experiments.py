"""The project's own experiments are proofs of known claims."""

from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.evidence.errors import MalformedExperiment
from lab.evidence.experiments import check_experiment, check_folder

EXPERIMENTS = Path(__file__).parents[3] / "experiments"
GOOD = '''"""K08. It is so.

Set-up    a
Action    b
Observed  c
Control   d
Limits    e
"""
@claim("K08")
def test_it(): ...
'''


def test_every_experiment_is_well_formed() -> None:
    assert check_folder(EXPERIMENTS) == {}


def test_there_are_experiments() -> None:
    names = [path.name for path in EXPERIMENTS.rglob("test_*.py")]
    for claim in ("k07", "k08", "s03", "q03", "q04"):
        assert sum(name.startswith(f"test_{claim}_") for name in names) == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GOOD.replace("K08", "K99"), "no claim 'K99'"),
        (GOOD.replace('@claim("K08")', '@pytest.mark.claim("K07")'), "about K08"),
        (GOOD.replace("Limits    e\n", ""), "lacks Limits"),
        (GOOD.replace('@claim("K08")', ""), "no test here is marked"),
        (GOOD.replace('@claim("K08")', "@claim(WHICH)"), "takes one id"),
        (GOOD + "(", "'(' was never closed"),
    ],
)
def test_problems_are_found_without_importing(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "test_x.py").write_text(text)
    (tmp_path / "test_good.py").write_text(GOOD)
    problems = check_folder(tmp_path)
    assert list(problems) == ["deep/test_x.py"]
    assert complaint in problems["deep/test_x.py"]


def test_markers() -> None:
    docstring = GOOD.split('"""')[1]
    assert check_experiment(("K08",), docstring).claim == "K08"
    with pytest.raises(UsageError, match="no claim"):
        check_experiment(("K00",), docstring)
    for ids in ((), ("K08", "K07"), (8,)):
        with pytest.raises(MalformedExperiment, match="takes one id"):
            check_experiment(ids, docstring)
