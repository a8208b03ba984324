"""A judge's own client: it does what docs/PROTOCOL.md says, by the vectors, and invents nothing."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_radar.testing.fire.follower import Follower, Unreadable, cursors_of
from pulse_radar.testing.fire.logbook import (
    ClientRecord,
    Closed,
    Confirmed,
    Opened,
    Seen,
    Told,
    Waits,
)
from pulse_radar.testing.fire.patience import Patience
from pulse_radar.testing.fire.recovery import recoveries
from tests.protocol.vectors import load

PONG = {"action": "pong"}

# Those in which a client asks for nothing by frames, and for nothing that is refused: this one never does.
SESSIONS = [
    session
    for session in load("sessions")["sessions"]
    if all(json.loads(step["client"]) == PONG for step in session["steps"] if "client" in step)
    and not any('"type":"error"' in step.get("server", "") for step in session["steps"])
]
CODES = load("close_codes")["codes"]


def follower(feeds: list[str], cursors: dict[str, int]) -> tuple[Follower, list[ClientRecord]]:
    records: list[ClientRecord] = []
    return Follower(feeds, cursors, records.append), records


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session["name"])
def test_it_follows_every_session_of_the_vectors(session: dict[str, Any]) -> None:
    frames = [json.loads(step["server"]) for step in session["steps"] if "server" in step]
    feeds = next(frame["data"]["topics"] for frame in frames if frame.get("type") == "connection")
    client, records = follower(feeds, session["before"])
    expected = iter(session["steps"])
    for step in expected:
        if "server" not in step:
            continue
        if json.loads(step["server"]).get("type") == "connection":
            client.ask()
        answer = client.hear(step["server"].encode(), 0.0, 1, 2)
        if answer is not None:
            assert json.loads(next(expected)["client"]) == json.loads(answer)
    events: dict[str, list[int]] = {}
    for record in records:
        if isinstance(record, Seen):
            events.setdefault(record.feed, []).append(record.sequence)
    assert events == session["events"]
    assert len([record for record in records if isinstance(record, Told)]) == len(session["missed"])
    assert client.cursors == session["cursor"]
    # Killed here and started again it is where it was.
    assert cursors_of(records, session["before"]) == session["cursor"]


def test_most_sessions_are_such() -> None:
    assert len(SESSIONS) >= 6


@pytest.mark.parametrize(
    "text",
    [
        b'{"topic":"tasks","event":"e","data":{},"_seq":1\xb2}',
        b'{"topic":"tasks","event":"e","data":{}}',
        b'{"topic":"other","event":"e","data":{},"_seq":1}',
        b'{"type":"error","data":{"code":"invalid_cursor","message":""}}',
        b'{"type":"connection","data":{"topics":["other"],"lastSeq":{}}}',
        b'{"type":"connection","data":{"topics":["tasks"],"lastSeq":{"tasks":6}}}',
        b"[]",
        b"{",
    ],
)
def test_what_cannot_be_an_answer_to_us_is_not_believed(text: bytes) -> None:
    client, records = follower(["tasks"], {"tasks": 5})
    client.ask()
    with pytest.raises(Unreadable):
        client.hear(text, 0.0, 1, 2)
    assert records == []
    assert client.cursors == {"tasks": 5}


@pytest.mark.parametrize("vector", CODES, ids=lambda vector: str(vector["code"]))
def test_it_heeds_every_close_code(vector: dict[str, Any]) -> None:
    pause = Patience(Random(1)).pause(vector["code"], "", 0.0)
    stays = vector["advice"] in ("done", "stop", "fresh credentials", "fresh_credentials")
    assert (pause is None) == stays
    if vector["advice"] == "resume":
        assert pause is not None
        assert pause <= 0.25


@given(st.integers(0, 2**32), st.lists(st.sampled_from([1006, 1012, 4000, 4001]), max_size=12))
def test_its_pauses_stay_within_the_bounds(seed: int, codes: list[int]) -> None:
    patience = Patience(Random(seed))
    for attempt, code in enumerate(codes):
        pause = patience.pause(code, "", 0.0)
        assert pause is not None
        assert 0 <= pause <= min(20.0, 0.5 * 2**attempt)
    after_a_good_one = patience.pause(1006, "", 10.0)
    assert after_a_good_one is not None
    assert after_a_good_one <= 0.5


def test_recovery_counts_from_the_kill_to_the_last_feed_without_own_pauses() -> None:
    records: list[ClientRecord] = [
        *(Opened(1.0, 8001, 50_001, {"a": 1, "b": 1}), Confirmed(1.1, "a", 1, is_live=True)),
        *(Confirmed(1.2, "b", 1, is_live=True), Closed(5.1, 1006, ""), Waits(5.1, 0.4)),
        *(Opened(5.6, 8002, 50_002, {"a": 1, "b": 1}), Confirmed(5.7, "a", 4, is_live=True)),
        *(Seen("b", 2, "x", 1), Confirmed(6.0, "b", 2, is_live=True)),
    ]
    [found] = recoveries(records, ["a", "b"], [(5.0, frozenset({8001}))], [])
    assert found.beyond_own_pauses == pytest.approx(0.6)
    # Another process was killed, or the client itself was away.
    assert recoveries(records, ["a", "b"], [(5.0, frozenset({8002}))], []) == []
    assert recoveries(records, ["a", "b"], [(5.0, frozenset({8001}))], [(5.5, 5.6)]) == []


def test_it_is_live_when_this_connection_has_brought_everything() -> None:
    client, _ = follower(["metrics", "messages"], {"metrics": 7, "messages": 3})

    def hears(*frames: dict[str, Any]) -> bool:
        for frame in frames:
            client.hear(json.dumps(frame).encode(), 0.0, 1, 2)
        return client.is_live_at({"metrics": 7})

    def greeting(**positions: int) -> dict[str, Any]:
        return {"type": "connection", "data": {"topics": ["metrics", "messages"], "lastSeq": positions}}

    def subscribed(topic: str, sequence: int) -> dict[str, Any]:
        data = {"action": "subscribed", "topic": topic, "seq": sequence, "replayed": 0}
        return {"type": "subscription", "data": data}

    client.ask()
    assert not hears(greeting(metrics=7, messages=3), subscribed("metrics", 7))
    assert hears(subscribed("messages", 3))
    assert not hears({"type": "snapshot", "data": {"topic": "metrics"}})
    assert not hears(subscribed("metrics", 6))
    assert hears(subscribed("metrics", 8))
    client.ask()
    assert not hears(greeting(metrics=8, messages=3))
