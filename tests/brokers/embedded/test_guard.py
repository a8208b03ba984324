"""The rules of the guard that need no process."""

import pytest

from pulse_radar.brokers.embedded.guard import LONGEST_PAUSE_SECONDS, STEADY_SECONDS, next_pause
from pulse_radar.brokers.embedded.lifeline import Exited, Started, Waiting, Word, parse


def test_what_lived_long_is_started_again_at_once() -> None:
    assert next_pause(LONGEST_PAUSE_SECONDS, STEADY_SECONDS) == 0.0


def test_what_dies_young_waits_longer_each_time_up_to_a_bound() -> None:
    pauses = [0.0]
    for _ in range(20):
        pauses.append(next_pause(pauses[-1], 0.0))
    assert pauses == sorted(pauses)
    assert pauses[1] > 0.0
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (b"waiting\n", Waiting()),
        (b"started 12\n", Started(12)),
        (b"exited -9\n", Exited(-9)),
        (b"exited", None),
        (b"\n", None),
        (b"of a later version 1\n", None),
    ],
)
def test_words_of_the_guard_are_understood_or_passed_over(line: bytes, word: Word | None) -> None:
    assert parse(line) == word
