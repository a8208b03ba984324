"""Credentials that run out in mid-connection, are renewed, or cover less than before: on a clock that a test turns."""

import math

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pulse_radar.hub.inputs import Opened, Received, Renewed
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.frames import AuthAccepted, EventFrame, Pong, Subscribe, Unsubscribe
from pulse_radar.protocol.grammar import Feed
from tests.hub.bench import HEAD, Bench, event

TOPICS = ("knowledge", "messages")
EXPIRED = (CloseCode.EXPIRED, "")


def expiring(at: float, *, is_begun: bool = True) -> Bench:
    """A bench with a client that follows all topics until then."""
    bench = Bench(*TOPICS, is_begun=is_begun)
    bench.tell(Opened("c", tuple(map(Feed, TOPICS)), deadline=at))
    return bench


def answering(bench: Bench, *, until: float) -> None:
    """Let time pass for a client that answers each ping."""
    while bench.now < until and "c" not in bench.closed:
        bench.tick(now=min(bench.now + 5.0, until))
        if "c" not in bench.closed:
            bench.say(Pong())


@given(st.floats(0.001, 200))
def test_a_client_is_closed_the_moment_its_credentials_run_out(at: float) -> None:
    bench = expiring(at)
    answering(bench, until=math.nextafter(at, 0))
    assert bench.closed == {}
    bench.tick(now=at)
    assert bench.closed == {"c": EXPIRED}
    assert bench.hub.stats().expired == 1


def test_a_client_without_an_end_stays() -> None:
    bench = expiring(math.inf)
    answering(bench, until=10_000)
    assert bench.closed == {}


def test_a_client_that_could_not_be_greeted_runs_out_as_well() -> None:
    bench = expiring(3.0, is_begun=False)
    bench.tick(now=3.0)
    assert bench.closed == {"c": EXPIRED}


def test_the_end_of_credentials_is_said_right_after_the_greeting() -> None:
    bench = Bench(*TOPICS)
    bench.tell(Opened("c", (Feed("knowledge"),), deadline=10.0, expires_at=1_703_750_410.7))
    assert bench.heard() == [
        f"connected knowledge:{HEAD}",
        "authenticated until 1703750410, for 10 s",
        f"knowledge live at {HEAD} after 0",
    ]


def test_fresh_credentials_are_confirmed_and_the_old_end_passes() -> None:
    bench = expiring(10.0)
    bench.frames()
    bench.tell(Renewed("c", 50.0, 1_703_750_450.9))
    assert bench.frames() == [AuthAccepted(1_703_750_450, 50)]
    answering(bench, until=49.9)
    assert bench.closed == {}
    bench.tick(now=50.0)
    assert bench.closed == {"c": EXPIRED}


def test_fresh_credentials_may_be_shorter_too() -> None:
    bench = expiring(math.inf)
    bench.tell(Renewed("c", 1.0, 7.0))
    bench.tick(now=1.0)
    assert bench.closed == {"c": EXPIRED}


def test_what_they_no_longer_cover_ends_and_the_rest_goes_on() -> None:
    bench = expiring(10.0)
    bench.frames()
    bench.tell(Renewed("c", math.inf, None, (Feed("messages"),)))
    bench.arrive("messages", event("messages", HEAD + 1))
    bench.arrive("knowledge", event("knowledge", HEAD + 1))
    assert bench.heard()[1:] == ["messages left", f"knowledge:{HEAD + 1}"]


def test_credentials_shown_before_the_greeting_are_answered_after_it() -> None:
    bench = Bench(*TOPICS, is_begun=False)
    bench.connect("knowledge")
    bench.tell(Renewed("c", math.inf, None, (Feed("knowledge"), Feed("messages"))))
    assert bench.frames() == []
    bench.begin()
    assert [word.partition(":")[0] for word in bench.heard()] == [
        "connected knowledge",
        f"knowledge live at {HEAD} after 0",
        "authenticated until None",
        "knowledge left",
    ]


def test_what_is_asked_for_before_the_greeting_counts_as_followed() -> None:
    bench = Bench(*TOPICS, is_begun=False)
    bench.connect("knowledge")
    bench.say(Subscribe(Feed("messages")))
    assert bench.hub.followed_by("c") == (Feed("knowledge"), Feed("messages"))
    assert bench.hub.followed_by("nobody") == ()
    bench.begin()
    bench.say(Unsubscribe(Feed("knowledge")))
    assert bench.hub.followed_by("c") == (Feed("messages"),)


class Credentials(RuleBasedStateMachine):
    """The law: nothing of a feed comes after the credentials stopped covering it, or after they ran out."""

    def __init__(self) -> None:
        super().__init__()
        self.expires_at = 30.0
        self.covered = set(TOPICS)
        self.bench = expiring(self.expires_at)
        self.published = dict.fromkeys(TOPICS, HEAD)
        self.bench.frames()

    @property
    def is_here(self) -> bool:
        return "c" not in self.bench.closed

    @rule(seconds=st.floats(0, 25))
    def time_passes(self, seconds: float) -> None:
        self.bench.tick(now=self.bench.now + seconds)
        if self.is_here:
            self.bench.say(Pong())

    @rule(lasts=st.floats(0.1, 60) | st.just(math.inf), covered=st.sets(st.sampled_from(TOPICS)))
    def renews(self, lasts: float, covered: set[str]) -> None:
        if self.is_here:
            self.expires_at, self.covered = self.bench.now + lasts, covered
            lost = tuple(feed for feed in self.bench.hub.followed_by("c") if feed.topic not in covered)
            self.bench.tell(Renewed("c", self.expires_at, None, lost))

    @rule(topic=st.sampled_from(TOPICS))
    def subscribes(self, topic: str) -> None:
        if self.is_here and topic in self.covered:
            self.bench.tell(Received("c", Subscribe(Feed(topic), HEAD)))

    @rule(topic=st.sampled_from(TOPICS))
    def publishes(self, topic: str) -> None:
        self.bench.frames()
        self.published[topic] += 1
        self.bench.arrive(topic, event(topic, self.published[topic]))
        came = [frame.topic for frame in self.bench.frames() if isinstance(frame, EventFrame)]
        assert not came or (self.is_here and came == [topic] and topic in self.covered)

    @invariant()
    def is_here_until_the_end_and_no_longer(self) -> None:
        if self.is_here:
            assert self.bench.now < self.expires_at
        else:
            assert self.bench.closed == {"c": EXPIRED}
            assert self.bench.now >= self.expires_at

    @invariant()
    def looks_are_planned_only_as_far_as_the_next_ping(self) -> None:
        # Each renewal may plan one look; all of them are over with the next ping.
        deadline = self.bench.hub.deadline
        assert deadline is None or not self.is_here or deadline <= self.bench.now + 20.0


TestCredentials = Credentials.TestCase
