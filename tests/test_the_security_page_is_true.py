"""docs/SECURITY.md: every test that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "SECURITY.md").read_text(encoding="utf-8")

NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)


@cache
def names_in(path: str) -> frozenset[str]:
    module = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    functions = (
        node.name for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    # Hypothesis' state machines are tests by assignment.
    machines = (node.targets[0] for node in module.body if isinstance(node, ast.Assign))
    return frozenset((*functions, *(target.id for target in machines if isinstance(target, ast.Name))))


def test_every_test_that_is_named_exists() -> None:
    assert len(NAMED) >= 30
    assert [(path, name) for path, name in NAMED if name not in names_in(path)] == []


def test_every_row_names_one() -> None:
    rows = re.findall(r"^\| (?!attack |-)(.*?) \| .*? \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 30
    assert [attack for attack, shown in rows if "::test_" not in shown and "::Test" not in shown] == []
