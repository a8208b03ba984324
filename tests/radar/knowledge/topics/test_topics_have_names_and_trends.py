"""What a topic is called, and whether it rises."""

from datetime import UTC, datetime, timedelta

import pytest

from pulse_radar.radar.events import Trend
from pulse_radar.radar.knowledge.topics.naming import keywords_of
from pulse_radar.radar.knowledge.topics.terms import terms_of
from pulse_radar.radar.knowledge.topics.trend import trend_of

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def test_words_that_say_nothing_or_only_how_something_is_meant_are_no_terms() -> None:
    text = "Please, @ann, we decided: 42 of THE backups at https://x.example.org/disk don't restore"
    assert list(terms_of(text).values()) == ["backups", "restore"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("backups restored", "backup restore"),
        ("уведомлениями", "уведомления"),
        ("پرداخت‌ها", "پرداخت"),
    ],
)
def test_forms_of_a_word_are_one_term(one: str, other: str) -> None:
    assert terms_of(one).keys() == terms_of(other).keys()


def test_a_name_is_made_of_what_is_said_here_and_not_elsewhere() -> None:
    texts = {
        "a": terms_of("backups disk server"),
        "b": terms_of("backups server"),
        "c": terms_of("login server"),
    }
    everywhere = {"backup": 2, "disk": 1, "server": 3, "login": 1}
    assert keywords_of(["a", "b"], texts, everywhere)[0] == "backups"
    assert keywords_of(["c"], texts, everywhere)[0] == "login"


def test_a_name_keeps_the_half_space_of_persian() -> None:
    assert list(terms_of("مشتری‌ها").values()) == ["مشتری‌ها"]


@pytest.mark.parametrize(
    ("lately", "before", "trend"),
    [
        (0, 0, "steady"),
        (3, 3, "steady"),
        (4, 2, "steady"),
        (9, 1, "rising"),
        (1, 9, "falling"),
        (4, 0, "rising"),
        (55, 50, "steady"),
    ],
)
def test_a_trend_is_more_than_chance(lately: int, before: int, trend: Trend) -> None:
    dates = [NOW - timedelta(days=1)] * lately + [NOW - timedelta(days=8)] * before
    old_and_future = [NOW - timedelta(days=15), NOW + timedelta(days=1)] * 20
    assert trend_of(dates + old_and_future, NOW) == trend
