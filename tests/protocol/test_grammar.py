"""Names are legal from the moment they are held, and an illegal one is quoted safely."""

import base64

import pytest

from pulse_radar.errors import InvalidEvent, InvalidKey, InvalidTopic
from pulse_radar.protocol.grammar import (
    MAX_SEQUENCE,
    Feed,
    check_event_name,
    check_key,
    check_sequence,
    check_topic,
    key_of,
)


def test_a_feed_cannot_be_built_wrongly() -> None:
    with pytest.raises(InvalidTopic):
        Feed("Messages")
    with pytest.raises(InvalidKey):
        Feed("messages", "")


def test_a_feed_knows_its_topic_as_a_whole() -> None:
    whole = Feed("monitoring")
    assert Feed("monitoring", "3f9c").whole == whole
    assert whole.whole is whole


def test_each_kind_of_name_has_an_error_of_its_own() -> None:
    with pytest.raises(InvalidTopic, match="invalid topic '9': a topic starts with a lower-case letter"):
        check_topic("9")
    with pytest.raises(InvalidKey, match="invalid key 'a b': a key has 1 to 128"):
        check_key("a b")
    with pytest.raises(InvalidEvent, match="invalid event name '1st': it starts with a letter"):
        check_event_name("1st")
    with pytest.raises(ValueError, match=f"invalid sequence -1: it lies between 0 and {MAX_SEQUENCE}"):
        check_sequence(-1)


def test_a_quoted_name_is_short_and_harmless() -> None:
    with pytest.raises(InvalidTopic) as caught:
        check_topic("\x1b[31m\n\ud800" + "x" * 10_000)
    assert str(caught.value).isascii() or "…" in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    str(caught.value).encode()


def test_a_huge_sequence_is_not_quoted_in_full() -> None:
    with pytest.raises(ValueError, match="invalid sequence") as caught:
        check_sequence(10**4_000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ["a", "src/app.py", "ann@example.org", "ключ 🔑", "?" * 96])
def test_any_text_has_a_key_of_its_own(text: str) -> None:
    key = key_of(text)
    assert base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)).decode() == text


@pytest.mark.parametrize("text", ["", "?" * 97])
def test_a_text_that_is_too_long_for_a_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidKey):
        key_of(text)
