"""docs/PROTOCOL.md: its examples are vectors, its drawing the tables, its numbers the defaults."""

import json
import re
from pathlib import Path
from typing import Any

from pulse_radar.brokers.topic_spec import StateTopic
from pulse_radar.hub.limits import Limits
from pulse_radar.hub.states import CONNECTION_TABLE, SUBSCRIPTION_TABLE
from pulse_radar.protocol import grammar
from pulse_radar.server.allowance import FrameBounds
from pulse_radar.settings import Settings
from tests.protocol.vectors import load

DOCUMENT = (Path(__file__).parents[2] / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")


def test_every_example_is_a_vector() -> None:
    examples = [value for block in fenced("jsonc?") for value in values(block)]
    streamed = re.findall(r"^data: (.*)$", DOCUMENT, re.MULTILINE)
    assert len(examples) >= 30
    known = vectors()
    assert [value for value in [*examples, *map(json.loads, streamed)] if value not in known] == []


def test_every_frame_of_the_wire_has_an_example() -> None:
    examples = [value for block in fenced("jsonc?") for value in values(block)]
    kinds = {vector["frame"]["kind"] for vector in load("server_frames")["valid"]} - {
        "connected",
        "subscribed",
    }
    said = {value.get("type", "event") for value in examples}
    assert kinds - {"unsubscribed"} <= said
    actions = {json.loads(vector["text"])["action"] for vector in load("client_frames")["valid"]}
    assert actions <= {value.get("action") for value in examples}


def test_the_drawn_states_are_the_tables() -> None:
    drawn = re.findall(r"^ +(\w+) --> (\w+) : ([\w ]+)$", DOCUMENT, re.MULTILINE)
    connection = [
        (before.value, after.value, turn.value) for (before, turn), after in CONNECTION_TABLE.items()
    ]
    subscription = [
        (before.value, after.value, turn.value) for (before, turn), after in SUBSCRIPTION_TABLE.items()
    ]
    spaced = [(before.replace("_", " "), after.replace("_", " "), turn) for before, after, turn in drawn]
    assert spaced == connection + subscription


def test_the_grammar_is_the_one_that_is_checked() -> None:
    for pattern in (grammar._TOPIC, grammar._KEY, grammar._EVENT_NAME):
        assert f"`{pattern.pattern}`" in DOCUMENT


def test_the_numbers_are_the_defaults() -> None:
    limits, frames = Limits(), FrameBounds.from_settings(Settings.model_validate({}))
    for said in (
        f"{frames.at_once:,} at once and {frames.per_second:g} a second",
        f"every `pingInterval` ({limits.ping_interval_seconds:.0f} s)",
        f"`pongTimeout`\n  ({limits.pong_timeout_seconds:.0f} s)",
        f"after {limits.connecting_seconds:.0f} s it is *dismissed*",
        f"for {limits.broker_grace_seconds:.0f} s; then 1013",
        f"({limits.window_events:,} events of the topic)",
    ):
        assert said in DOCUMENT


def test_every_bound_that_a_client_meets_is_told_with_its_default() -> None:
    table = re.findall(r"^\| [^|]+ \| ([\d,]+)[^|]* \| [^|]+ \| `(\w+)` \|$", DOCUMENT, re.MULTILINE)
    told = {name: int(number.replace(",", "")) for number, name in table}
    bounds = [name for name in Settings.model_fields if name.startswith("max_")]
    defaults = {name: Settings.model_fields[name].default for name in [*bounds, "unsent_limit_bytes"]}
    assert told == {**defaults, "max_keys": StateTopic("jobs").max_keys}


def test_every_frame_of_a_stream_is_told_with_its_name() -> None:
    told = re.search(r"A control frame is an event named as its `type`:\s+([^.]+)\.", DOCUMENT)
    kinds = {json.loads(vector["text"]).get("type") for vector in load("server_frames")["valid"]}
    # A pong answers a ping of the client's, who cannot say anything here.
    assert told is not None
    assert set(re.findall(r"`(\w+)`", told[1])) == kinds - {None, "pong"}


def fenced(language: str) -> list[str]:
    """The code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


def values(block: str) -> list[Any]:
    """The JSON values in a block, one after the other, each perhaps with a comment behind or before it."""
    decoder = json.JSONDecoder()
    found = []
    rest = block
    while rest := re.sub(r"\A(\s+|//[^\n]*\n)*", "", rest):
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:]
    return found


def vectors() -> list[Any]:
    """Every text that the vectors hold, as a value."""
    frames = [
        *load("server_frames")["valid"],
        *load("client_frames")["valid"],
        *load("event_bodies")["valid"],
    ]
    steps = [
        text
        for session in load("sessions")["sessions"]
        for step in session["steps"]
        for text in step.values()
    ]
    streams = [stream["text"] for stream in load("event_streams")["streams"]]
    streamed = [data for text in streams for data in re.findall(r"^data: (.*)$", text, re.MULTILINE)]
    requests = load("publish")["requests"]
    bodies = [request["body"] for request in requests if request["status"] == 201]
    texts = [*(frame["text"] for frame in frames), *steps, *streamed, *bodies]
    return [*map(json.loads, texts), *(request["answer"] for request in requests)]
