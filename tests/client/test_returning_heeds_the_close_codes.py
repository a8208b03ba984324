"""When a follower comes back, and when it does not."""

import pytest

from pulse_radar.client.returning import Returning
from tests.protocol.vectors import load


def at_most() -> Returning:
    """One that always draws the longest wait."""
    return Returning(lambda: 1.0)


@pytest.mark.parametrize("code", [1000, 1002, 1008, 4101, 4400, 4401, 4403, 4413, 4429])
def test_some_codes_end_it(code: int) -> None:
    assert at_most().closed(code, "", 0) is None


def test_a_client_that_was_evicted_resumes_within_a_quarter_of_a_second_the_first_time() -> None:
    returning = at_most()
    assert returning.closed(4000, "", 0) == 0.25
    assert returning.closed(4000, "", 0) == 1.0
    assert returning.closed(4000, "", 12) == 0.25


def test_pauses_grow_to_twenty_seconds() -> None:
    returning = at_most()
    assert [returning.closed(1006, "", 0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 20, 20]


def test_a_connection_that_held_ten_seconds_begins_anew() -> None:
    returning = at_most()
    for _ in range(6):
        returning.closed(1006, "", 0)
    assert returning.closed(1012, "", 10) == 0.5


def test_it_waits_about_as_long_as_the_server_asks() -> None:
    assert Returning(lambda: 0.5).closed(1013, "retry=1500", 0) == 1.5
    assert Returning(lambda: 0.5).closed(4002, "retry=700", 60) == 0.7
    assert Returning(lambda: 0.0).closed(1012, "retry=soon", 0) == 0.0


def test_those_who_are_all_told_the_same_time_come_back_one_by_one() -> None:
    told = [Returning(iter([chance]).__next__).closed(1013, "retry=10000", 0) for chance in (0.0, 0.25, 1.0)]
    assert told == [5.0, 7.5, 15.0]


def test_whoever_gets_fresh_credentials_comes_back_when_they_ran_out() -> None:
    renewing = Returning(lambda: 1.0, renews=True)
    assert [renewing.closed(4101, "", 0) for _ in range(3)] == [0.5, 1.0, 2.0]
    assert renewing.closed(4401, "", 0) is None


def test_every_code_of_the_vectors_is_heeded() -> None:
    for vector in load("close_codes")["codes"]:
        comes_back = Returning(lambda: 1.0, renews=True).closed(vector["code"], "", 0) is not None
        assert comes_back is (vector["advice"] not in {"done", "stop"}), vector


def test_waits_are_spread_over_all_of_the_pause() -> None:
    returning = Returning(lambda: 0.5)
    assert returning.closed(1006, "", 0) == 0.25
