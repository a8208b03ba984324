"""The plan is a pure function of seed, time and shape, and leaves nothing out."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_radar.testing.fire.plan import Kind, make_plan
from pulse_radar.testing.fire.shape import Shape

seeds = st.integers(0, 2**32)
shapes = st.builds(Shape, brokers=st.integers(1, 3), apis=st.integers(1, 3), workers=st.integers(1, 2))


@given(seeds, st.floats(5, 60), shapes)
def test_the_same_seed_makes_the_same_plan(seed: int, seconds: float, shape: Shape) -> None:
    assert make_plan(seed, seconds, shape) == make_plan(seed, seconds, shape)


def test_another_seed_makes_another_plan() -> None:
    assert make_plan(1, 30, Shape()) != make_plan(2, 30, Shape())


@given(seeds, st.floats(5, 60), shapes)
def test_a_place_has_one_fault_at_a_time_and_all_end_in_time(seed: int, seconds: float, shape: Shape) -> None:
    ends: defaultdict[object, float] = defaultdict(float)
    for fault in make_plan(seed, seconds, shape):
        assert fault.at >= ends[fault.place]
        ends[fault.place] = fault.at + fault.lasts
        assert ends[fault.place] <= seconds + 0.001


@pytest.mark.parametrize("seed", range(5))
def test_in_a_minute_everything_happens(seed: int) -> None:
    assert {fault.kind for fault in make_plan(seed, 60, Shape(brokers=3))} == set(Kind)
