"""One connection, several feeds, begun and left and resumed at will: each is unbroken, and all get live in the end.

And however much comes: of as many pages as there are feeds that are behind, each of these gets one.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from pulse_radar.hub.inputs import Measured, PageRead, ReadFailed
from pulse_radar.hub.limits import Limits
from pulse_radar.protocol.frames import (
    EventFrame,
    GapFrame,
    Pong,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from pulse_radar.protocol.grammar import Feed
from pulse_radar.protocol.json_value import JsonValue
from tests.hub.bench import Bench
from tests.hub.model_broker import ModelBroker

TOPICS = ("agents", "messages", "tasks")
LIMITS = Limits(window_events=4, window_bytes=500, page_events=3, page_bytes=250)

# Where the model's topics begin.
START = 999

topics = st.sampled_from(TOPICS)


class Feeds(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.brokers = {topic: ModelBroker(topic) for topic in TOPICS}
        self.tails = {topic: broker.tail(after=START) for topic, broker in self.brokers.items()}
        self.bench = Bench(*TOPICS, limits=LIMITS, start=START, head=START)
        # Where the client stands, None before the first frame of a feed that began with its last n.
        self.cursors: dict[str, int | None] = {}
        # In which numbering it saw what, since a feed began or was reset.
        self.seen: dict[str, dict[int, JsonValue]] = {topic: {} for topic in TOPICS}
        self.live: set[str] = set()
        self.bench.connect("nothing")
        self.bench.frames()

    @rule(topic=topics, count=st.integers(1, 6))
    def publish(self, topic: str, count: int) -> None:
        for _ in range(count):
            self.brokers[topic].publish(None)

    @rule(topic=topics, count=st.integers(1, 3))
    def events_expire(self, topic: str, count: int) -> None:
        self.brokers[topic].trim(count)

    @rule(topic=topics)
    def the_stream_is_lost_and_made_anew(self, topic: str) -> None:
        self.brokers[topic].recreate()

    @rule(topic=topics, count=st.integers(1, 6))
    def the_stream_comes_back_as_it_was(self, topic: str, count: int) -> None:
        self.brokers[topic].roll_back(count)

    @rule(topic=topics, count=st.integers(1, 6))
    def the_tail_brings(self, topic: str, count: int) -> None:
        entries = self.tails[topic].next(count)
        if entries:
            self.bench.arrive(topic, *entries)
        self.listen()

    @rule(topic=topics, back=st.integers(0, 8))
    def subscribe_after(self, topic: str, back: int) -> None:
        after = max(START, (self.bench.hub.position(topic) or 0) - back)
        self._begin(topic, after)
        self.live.discard(topic)
        self.bench.say(Subscribe(Feed(topic), after))
        self.listen()

    @rule(topic=topics, last=st.integers(0, 8))
    def subscribe_to_the_last(self, topic: str, last: int) -> None:
        self._begin(topic, None)
        self.live.discard(topic)
        self.bench.say(Subscribe(Feed(topic), last=last))
        self.listen()

    @rule(topic=topics)
    def unsubscribe(self, topic: str) -> None:
        self.bench.say(Unsubscribe(Feed(topic)))
        self.listen()

    @rule()
    def the_client_reads(self) -> None:
        self.bench.written()
        self.listen()

    @rule(count=st.integers(0, 4), resumed=st.lists(topics, unique=True))
    def the_client_reads_page_by_page_while_more_comes(self, count: int, resumed: list[str]) -> None:
        self.time_passes()
        self._answer_all()
        for topic in resumed:
            self.subscribe_after(topic, back=8)
        behind = {topic: cursor for topic, cursor in self.cursors.items() if topic not in self.live}
        for _ in behind:
            for topic in TOPICS:
                self.publish(topic, count)
                self.the_tail_brings(topic, 10)
            self.the_client_reads()
            self._answer_all()
        for topic, cursor in behind.items():
            assert topic in self.live or self.cursors[topic] != cursor, "others had two pages, and it none"

    def _answer_all(self) -> None:
        """The tails bring what there is, and the broker answers what it was asked."""
        for topic in TOPICS:
            while self.tails[topic].position != self.brokers[topic].extent().last:
                self.the_tail_brings(topic, 10)
        while self.bench.reads or self.bench.measures:
            self.the_broker_answers(fails=False)

    @rule(fails=st.booleans())
    def the_broker_answers(self, fails: bool) -> None:
        if self.bench.measures:
            topic = self.bench.measures.pop(0)
            self.bench.tell(Measured(topic, None if fails else self.brokers[topic].extent()))
        if self.bench.reads:
            read = self.bench.reads.pop(0)
            page = self.brokers[read.feed.topic].read(read.after, read.limit, None)
            self.bench.tell(ReadFailed(read.ticket) if fails else PageRead(read.ticket, page))
        self.listen()

    @rule()
    def time_passes(self) -> None:
        self.bench.say(Pong())
        self.bench.tick(now=self.bench.now + 0.6)
        self.listen()

    def listen(self) -> None:
        for frame in self.bench.frames():
            match frame:
                case EventFrame(topic, _, generation, sequence):
                    assert self.cursors[topic] in (None, sequence - 1), "a hole was not told"
                    self.cursors[topic] = sequence
                    self.seen[topic][sequence] = generation
                case GapFrame(feed, None, last):
                    self._begin(feed.topic, last)
                case GapFrame(feed, first, last):
                    assert self.cursors[feed.topic] in (None, (first or 0) - 1)
                    self.cursors[feed.topic] = last
                case Subscribed(feed, sequence):
                    assert self.cursors[feed.topic] in (None, sequence), "said to be live somewhere else"
                    self.cursors[feed.topic] = sequence
                    self.live.add(feed.topic)
                case Unsubscribed(feed):
                    self.cursors.pop(feed.topic, None)
                    self.live.discard(feed.topic)
                case _:
                    pass

    def _begin(self, topic: str, cursor: int | None) -> None:
        self.cursors[topic] = cursor
        self.seen[topic].clear()

    def teardown(self) -> None:
        for _ in range(60):
            for topic in TOPICS:
                self.the_tail_brings(topic, 10)
            self.the_client_reads()
            self.the_broker_answers(fails=False)
            self.time_passes()
        assert self.live == set(self.cursors)
        for topic, cursor in self.cursors.items():
            broker = self.brokers[topic]
            assert cursor == broker.extent().last
            for number, generation in self.seen[topic].items():
                assert broker.published[number][1] == generation, "it believes what was rolled back"


TestFeeds = Feeds.TestCase
TestFeeds.settings = settings(max_examples=settings().max_examples // 3, stateful_step_count=30)
