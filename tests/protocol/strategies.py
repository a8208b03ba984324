"""Any frame that can be, for Hypothesis.

Names are drawn from a few telling ones: which letters they may have is for the vectors of the grammar.
"""

from hypothesis import settings
from hypothesis import strategies as st

from pulse_radar.protocol.frames import (
    AuthAccepted,
    Authenticate,
    ClientFrame,
    Connected,
    ErrorFrame,
    EventFrame,
    GapFrame,
    GapReason,
    Ping,
    Pong,
    ServerFrame,
    SnapshotFrame,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from pulse_radar.protocol.grammar import MAX_SEQUENCE, Feed
from pulse_radar.protocol.json_value import JsonValue

__all__ = [
    "client_frames",
    "event_names",
    "feeds",
    "json_values",
    "lightly",
    "positions",
    "sequences",
    "server_frames",
]

# For laws that break at once if they break at all: half the effort of the profile.
lightly = settings(max_examples=settings().max_examples // 2)

sequences = st.sampled_from([0, 1, 142, 1_703_750_400_000_143, MAX_SEQUENCE]) | st.integers(0, MAX_SEQUENCE)
topics = st.sampled_from(["a", "messages", "a-b_9", "x" * 63])
keys = st.sampled_from(["0", "3f9c", "job:7=_-", "K" * 128])
event_names = st.sampled_from(["a", "atom_created", "A.b:c-9", "e" * 128])
feeds = st.builds(Feed, topics, st.none() | keys)
positions = st.dictionaries(feeds, sequences, max_size=3)

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_milliseconds = st.integers(-(2**53), 2**53)
_seconds = st.sampled_from([20.0, 0.5, 1e6, 1 / 3])
_leaves = st.none() | st.booleans() | _numbers | _texts
json_values: st.SearchStrategy[JsonValue] = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)

server_frames: st.SearchStrategy[ServerFrame] = st.one_of(
    st.builds(Connected, _texts, st.lists(feeds, max_size=3).map(tuple), positions, _seconds, _seconds),
    st.builds(
        EventFrame,
        topics,
        event_names,
        _leaves | st.dictionaries(_texts, st.lists(_leaves, max_size=2), max_size=2),
        sequences,
        st.none() | keys,
        st.none() | _texts,
        st.none() | _milliseconds,
    ),
    st.builds(Subscribed, feeds, sequences, st.integers(0, 10**9)),
    st.builds(Unsubscribed, feeds),
    st.builds(GapFrame, feeds, st.none() | sequences, sequences, st.sampled_from([*GapReason][:-1])),
    st.builds(SnapshotFrame, feeds),
    st.builds(AuthAccepted, st.none() | _milliseconds),
    st.builds(ErrorFrame, _texts, _texts, st.none() | _texts),
    st.builds(Ping, st.none() | _milliseconds, positions),
    st.builds(Pong, st.none() | _milliseconds),
)

client_frames: st.SearchStrategy[ClientFrame] = st.one_of(
    st.builds(Subscribe, feeds, after=st.none() | sequences),
    st.builds(Subscribe, feeds, last=st.none() | sequences),
    st.builds(Unsubscribe, feeds),
    st.builds(Authenticate, _texts),
    st.builds(Ping, st.none() | _milliseconds),
    st.just(Pong()),
)
