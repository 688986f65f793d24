"""What makes a test an experiment: one known claim, and a docstring that reads as a proof."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from lab import claims
from lab.errors import LabError
from lab.evidence.docstring import Proof, parse_proof
from lab.evidence.errors import MalformedExperiment


def check_experiment(claim_ids: Iterable[object], docstring: str | None) -> Proof:
    """The proof of an experiment with this marker and module docstring.

    Raises MalformedExperiment, or UnknownClaim when the catalogue has no such claim.
    """
    ids = tuple(claim_ids)
    if len(ids) != 1 or not isinstance(ids[0], str):
        raise MalformedExperiment(f"claim takes one id, as in claim('K08'), not {ids!r}")
    claim = claims.load().require(ids[0])
    proof = parse_proof(docstring)
    if proof.claim != claim.id:
        raise MalformedExperiment(
            f"the docstring is about {proof.claim}, the test about {claim.id}"
        )
    return proof


def check_folder(folder: Path) -> dict[str, str]:
    """What is wrong with the experiment files under ``folder``, by file; empty if nothing is.

    Reads the files without importing them. A file without a test for a claim is wrong as well.
    """
    problems = {}
    for path in sorted(folder.rglob("test_*.py")):
        try:
            _check_file(path)
        except (LabError, SyntaxError) as error:
            problems[str(path.relative_to(folder))] = str(error)
    return problems


def _check_file(path: Path) -> None:
    module = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    docstring = ast.get_docstring(module)
    found = False
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for ids in _claims_of(node):
                check_experiment(ids, docstring)
                found = True
    if not found:
        raise MalformedExperiment("no test here is marked with a claim")


def _claims_of(function: ast.FunctionDef) -> list[list[object]]:
    """The arguments of every ``@claim(…)`` and ``@pytest.mark.claim(…)`` on the function."""
    return [
        [getattr(argument, "value", None) for argument in decorator.args]
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and _name(decorator.func) == "claim"
    ]


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
