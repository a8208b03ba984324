"""What a relay has met: for how long it holds up a topic, and how often people are told."""

import pytest

from pulse_radar.errors import BrokerUnavailable, TopicFull
from pulse_radar.outbox.obstacles import PAUSE_SECONDS, Obstacles

FULL = TopicFull("prices has as much as it may have")


def test_a_topic_is_tried_again_after_a_pause() -> None:
    obstacles = Obstacles()
    obstacles.hold_up("prices", FULL, 10.0)
    assert obstacles.held_up(10.0 + PAUSE_SECONDS / 2) == ["prices"]
    assert "prices" in obstacles
    assert obstacles.held_up(10.0 + PAUSE_SECONDS) == []
    assert "prices" not in obstacles


def test_one_that_lasts_is_told_once_and_another_one_anew(caplog: pytest.LogCaptureFixture) -> None:
    obstacles = Obstacles()
    for now in range(3):
        obstacles.hold_up("prices", FULL, float(now))
    obstacles.stop_all(BrokerUnavailable("the broker is away"))
    assert [record.getMessage() for record in caplog.records] == [
        "the outbox waits: prices has as much as it may have",
        "the outbox waits: the broker is away",
    ]


def test_of_what_nobody_foresaw_the_traceback_is_told_as_well(caplog: pytest.LogCaptureFixture) -> None:
    Obstacles().stop_all(ZeroDivisionError("by a driver"))
    assert caplog.records[0].exc_info


def test_all_is_well_once_everything_went_out_and_nothing_is_held_up() -> None:
    obstacles = Obstacles()
    obstacles.hold_up("prices", FULL, 0.0)
    obstacles.got_through()
    assert obstacles.told == str(FULL)
    assert obstacles.held_up(PAUSE_SECONDS) == []
    obstacles.got_through()
    assert obstacles.told is None
