"""docs/SECURITY.md: every test that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

from pulse_radar.radar.settings import RadarSettings
from pulse_radar.settings import Settings

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "SECURITY.md").read_text(encoding="utf-8")

NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
ROW = re.compile(r"^\| (?!attack |bound |-)(.*?) \| .*? \| (.*) \|$", re.MULTILINE)


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
    assert len(NAMED) >= 40
    assert [(path, name) for path, name in NAMED if name not in names_in(path)] == []


def test_every_row_names_one() -> None:
    table = PAGE.partition("## The table")[2]
    assert len(ROW.findall(table)) >= 40
    rows = ROW.findall(PAGE)
    assert [attack for attack, shown in rows if "::test_" not in shown and "::Test" not in shown] == []


def as_told(name: str, value: float) -> str:
    """A default as people read it."""
    if name.endswith("_bytes"):
        power = 3 if value >= 1024**3 else 2 if value >= 1024**2 else 1
        return f"{value / 1024**power:g} {'KMG'[power - 1]}iB"
    return f"{value:g} s" if name.endswith(("_seconds", "_timeout")) else f"{value:,.0f}"


def test_the_defaults_of_bounds_are_those_of_the_settings() -> None:
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| [^|]+ \| `(\w+)` \|", PAGE, re.MULTILINE)
    assert len(rows) > 12
    fields = Settings.model_fields | RadarSettings.model_fields
    told = {(name, as_told(name, fields[name].default)): text for text, name in rows}
    assert {key for key, text in told.items() if key[1] not in text} == set()
