"""Typed events, settings, durations and topics: what is said about each thing that cannot work."""

import math
from datetime import timedelta

import pytest

from pulse_radar import (
    Event,
    InvalidEvent,
    InvalidSetting,
    InvalidTopic,
    NotRunning,
    Publisher,
    Pulse,
    PulseError,
    Settings,
    SyncPublisher,
    UnknownTopic,
)
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic
from pulse_radar.durations import seconds_of
from pulse_radar.errors import InvalidKey
from pulse_radar.publishing import Position, draft_event


class AtomCreated(Event, topic="knowledge", key="id"):
    id: str
    title: str


class LLMProviderAdded(Event, topic="providers"):
    url: str


def test_a_typed_event_is_the_same_as_the_untyped_one() -> None:
    typed = draft_event(AtomCreated(id="a1", title="…"), None, {}, key=None, event_id="x")
    untyped = draft_event("knowledge", "atom_created", {"id": "a1", "title": "…"}, key="a1", event_id="x")
    assert (typed.topic, typed.name, typed.data, typed.key) == (
        untyped.topic,
        untyped.name,
        untyped.data,
        untyped.key,
    )


def test_an_event_is_named_after_its_class() -> None:
    assert AtomCreated.NAME == "atom_created"
    assert LLMProviderAdded.NAME == "llm_provider_added"


def test_a_subclass_keeps_the_topic_and_takes_a_name_of_its_own() -> None:
    class AtomUpdated(AtomCreated, name="atom_changed"):
        pass

    assert (AtomUpdated.TOPIC, AtomUpdated.NAME, AtomUpdated.KEY_FIELD) == ("knowledge", "atom_changed", "id")


def test_a_key_field_that_does_not_exist_is_refused_at_the_class() -> None:
    with pytest.raises(InvalidEvent, match="no field 'nope'"):

        class Broken(Event, topic="knowledge", key="nope"):
            pass


def test_an_event_without_a_topic_says_so_when_it_is_published() -> None:
    class Homeless(Event):
        pass

    with pytest.raises(InvalidEvent, match="topic="):
        draft_event(Homeless(), None, {}, key=None, event_id=None)


def test_a_topic_without_an_event_name_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="names no event"):
        draft_event("knowledge", None, {}, key=None, event_id=None)


def test_a_key_outside_the_grammar_is_refused() -> None:
    with pytest.raises(InvalidKey, match="invalid key"):
        draft_event("knowledge", "x", {}, key="a b", event_id=None)


def test_a_position_reads_like_an_item_of_a_cursor() -> None:
    assert str(Position("knowledge", 143)) == "knowledge:143"


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("90s", 90), ("15m", 900), ("24h", 86_400), ("1.5d", 129_600), (7, 7), (timedelta(1), 86_400)],
)
def test_durations_are_read_as_people_write_them(duration: str | float | timedelta, seconds: float) -> None:
    assert seconds_of(duration) == seconds


@pytest.mark.parametrize("duration", ["", "24", "h", "1 week", "-1h", "1h30m"])
def test_another_text_is_no_duration(duration: str) -> None:
    with pytest.raises(InvalidSetting, match="90s, 15m, 24h or 7d"):
        seconds_of(duration)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PULSE_PUBLISH_TOKEN", "short", "openssl rand"),
        ("PULSE_NAMESPACE", "a.b", "PULSE_NAMESPACE"),
        ("PULSE_OUTBOX_LIMIT", "many", "PULSE_OUTBOX_LIMIT"),
        ("PULSE_PING_INTERVAL", "-1", "PULSE_PING_INTERVAL"),
        ("PULSE_UNSENT_LIMIT_BYTES", "10", "PULSE_UNSENT_LIMIT_BYTES"),
    ],
)
def test_a_bad_setting_is_named_without_its_value(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSetting, match=says) as refused:
        Settings.load()
    assert "short" not in str(refused.value).replace("shorter", "")


def test_settings_that_contradict_each_other_are_refused_together() -> None:
    with pytest.raises(InvalidSetting, match="below the timeout"):
        Pulse(settings=Settings.load(ping_interval=30, pong_timeout=20))


def test_the_largest_event_must_fit_into_what_a_connection_may_have_unsent() -> None:
    with pytest.raises(InvalidSetting, match=r"PULSE_UNSENT_LIMIT_BYTES.*at least 1310720"):
        Settings.load(max_event_bytes=1024 * 1024)
    Settings.load(max_event_bytes=1024 * 1024, unsent_limit_bytes=1_310_720)


def test_lists_are_comma_separated_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_ALLOWED_HOSTS", "radar.example.com, localhost,")
    assert Settings.load().allowed_hosts == ("radar.example.com", "localhost")


def test_an_argument_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_BROKER", "nats://elsewhere:4222")
    assert Settings.load(broker="memory://").broker == "memory://"


@pytest.mark.parametrize("made", [Pulse, Publisher, SyncPublisher])
def test_a_broker_beside_settings_is_refused_and_not_overlooked(
    made: type[Pulse | Publisher | SyncPublisher],
) -> None:
    settings = Settings.load(broker="nats://here:4222")
    with pytest.raises(InvalidSetting, match="both a broker") as refused:
        made("nats://ada:secret@there:4222", settings=settings)
    assert "secret" not in str(refused.value)


def test_credentials_in_a_broker_url_are_not_shown() -> None:
    pulse = Pulse("nats://user:secret@nats.example:4222")
    assert "secret" not in repr(pulse)
    assert "nats.example:4222" in repr(pulse)


def test_credentials_are_not_shown_by_a_sync_publisher_nor_by_a_mistyped_url() -> None:
    assert "secret" not in repr(SyncPublisher("nats://user:secret@nats.example:4222"))
    with pytest.raises(InvalidSetting) as refused:
        Publisher("natss://user:secret@nats.example:4222")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("memory://", "memory://"),
        ("nats://nats.example", "nats://nats.example"),
        ("nats://user:se@cret@nats.example", "nats://nats.example:4222"),
        ("nats://a:se@cret@one,nats://a:se@cret@two:4223", "nats://one:4222,two:4223"),
        # No legal URLs: where the password ends nobody can say.
        ("nats://user:se/cret@nats.example", "nats://…"),
        ("nats://user:12/secret@nats.example", "nats://…"),
        ("nats://user:12#secret@nats.example", "nats://…"),
        ("nats://user:se,cret@nats.example", "nats://…"),
        ("user:secret@nats.example", "…"),
    ],
)
def test_no_part_of_a_password_is_shown_whatever_is_in_it(url: str, shown: str) -> None:
    assert Settings.load(broker=url).broker_for_people == shown


async def test_a_broker_of_no_kind_is_refused_with_the_kinds_there_are() -> None:
    with pytest.raises(InvalidSetting, match="memory://, embedded:// or nats://"):
        await Pulse("redis://localhost").__aenter__()


@pytest.mark.parametrize(
    ("name", "says"),
    [("Knowledge", "lower-case"), ("pulse-probe", "Pulse Radar's own"), ("", "lower-case"), ("a" * 64, "63")],
)
def test_a_topic_that_cannot_be_is_refused(name: str, says: str) -> None:
    with pytest.raises(InvalidTopic, match=says):
        Pulse().topic(name)


def test_a_topic_is_declared_once() -> None:
    pulse = Pulse()
    pulse.topic("knowledge")
    with pytest.raises(InvalidTopic, match="twice"):
        pulse.topic("knowledge")


@pytest.mark.parametrize(
    ("limit", "says"),
    [({"retain": 0}, "retain"), ({"max_age": "0s"}, "max_age"), ({"max_bytes": 1}, "max_bytes")],
)
def test_a_retention_that_keeps_nothing_is_refused(limit: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidSetting, match=says):
        Pulse().topic("knowledge", **limit)  # type: ignore[call-overload]


@pytest.mark.parametrize("seconds", [math.inf, math.nan, 0.5])
def test_a_time_that_never_ends_or_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidSetting, match="max_age"):
        LogTopic("knowledge", max_age_seconds=seconds)
    with pytest.raises(InvalidSetting, match="ttl"):
        StateTopic("metrics", ttl_seconds=seconds)
    with pytest.raises(InvalidSetting, match="deletions_kept"):
        StateTopic("metrics", deletions_kept_seconds=seconds)


async def test_whoever_asks_a_pulse_that_does_not_run_is_told_so() -> None:
    pulse = Pulse("memory://")
    pulse.topic("knowledge")
    for ask in (pulse.stats, pulse.publishing, pulse.clients, lambda: pulse.position("knowledge")):
        with pytest.raises(NotRunning, match="lifespan"):
            ask()
    with pytest.raises(PulseError):
        await pulse.publish("knowledge", "atom_created")


async def test_a_topic_after_the_start_comes_too_late() -> None:
    async with Pulse() as pulse:
        with pytest.raises(InvalidSetting, match="before the app starts"):
            pulse.topic("knowledge")


async def test_an_undeclared_topic_is_named_with_those_there_are() -> None:
    pulse = Pulse()
    pulse.topic("knowledge")
    async with pulse:
        with pytest.raises(UnknownTopic, match="known: knowledge"):
            await pulse.publish("metrics", "cpu", {})
        with pytest.raises(UnknownTopic):
            pulse.position("metrics")
