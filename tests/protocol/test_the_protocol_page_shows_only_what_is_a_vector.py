"""docs/PROTOCOL.md against the vectors, the close codes and the state tables."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pulse_radar.hub.states import CONNECTION_TABLE, SUBSCRIPTION_TABLE
from pulse_radar.protocol.close_codes import Advice, CloseCode, advice
from pulse_radar.protocol.frames import ErrorCode, GapReason
from tests.protocol.vectors import load

PAGE = (Path(__file__).parents[2] / "docs" / "PROTOCOL.md").read_text()
EXAMPLES = [
    line for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]
VERBS = {
    Advice.DONE: "stays away",
    Advice.RECONNECT: "reconnects",
    Advice.RESUME: "resumes",
    Advice.FRESH_CREDENTIALS: "gets fresh ones, then reconnects",
    Advice.STOP: "stops",
}


def texts(value: Any) -> set[str]:
    """Every text in a file of vectors."""
    match value:
        case str():
            return {value}
        case list():
            return {text for item in value for text in texts(item)}
        case dict():
            return texts(list(value.values()))
        case _:
            return set()


VECTORS = set().union(
    *(texts(load(name)) for name in ("server_frames", "client_frames", "event_bodies", "publish", "sessions"))
)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_vector(example: str) -> None:
    json.loads(example)
    assert example in VECTORS


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under the row of headings that begins so."""
    table = PAGE.split(f"\n| {heading} ")[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()[2:]]


def test_the_drawn_lives_are_the_tables_of_the_code() -> None:
    for heading, table in (
        ("a subscription that is", SUBSCRIPTION_TABLE),
        ("a connection that is", CONNECTION_TABLE),
    ):
        drawn = {tuple(row) for row in rows(heading)}
        assert drawn == {(state.value, turn.value, after.value) for (state, turn), after in table.items()}


def test_every_close_code_of_ours_is_in_the_table_with_what_to_do() -> None:
    said = {number: row[2] for row in rows("code | meaning | a client") for number in _codes(row[0])}
    for code in CloseCode:
        assert said[code] == VERBS[advice(code)]
    for number, verb in said.items():
        assert verb == VERBS[advice(number)]


def _codes(cell: str) -> list[int]:
    """`1002, 1003, 1007 to 1010` as numbers; `other 40xx` as one that nobody named."""
    numbers: list[int] = []
    for part in cell.split(", "):
        if match := re.fullmatch(r"(\d+) to (\d+)", part):
            numbers += range(int(match[1]), int(match[2]) + 1)
        elif match := re.fullmatch(r"other (\d\d)xx", part):
            numbers.append(int(match[1]) * 100 + 77)
        elif part.isdigit():
            numbers.append(int(part))
    return numbers


def test_every_error_code_and_gap_reason_is_explained() -> None:
    for word in (*ErrorCode, *GapReason):
        assert f"`{word.value}`" in PAGE
