"""Jobs of one worker look through texts at the same time, each in a thread."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulse_radar.radar.knowledge.topics import terms
from pulse_radar.radar.knowledge.topics.terms import terms_of

TEXTS = [
    f"{noun}{number}ings are generalizations of conditional organizations"
    for noun in ("meet", "report", "migrat", "deploy")
    for number in range(60)
]


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_the_stems_are_those_of_one_thread(restless: None) -> None:
    terms._stem.cache_clear()
    expected = [terms_of(text) for text in TEXTS]
    for _ in range(3):
        terms._stem.cache_clear()
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(terms_of, TEXTS)) == expected
