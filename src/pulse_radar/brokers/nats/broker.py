"""The broker on NATS JetStream: a stream per topic, numbered by the server, followed without a consumer."""

import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from pulse_radar.brokers.base import Answering, Broker, Draft, NotStored
from pulse_radar.brokers.nats import codes
from pulse_radar.brokers.nats.access import Access
from pulse_radar.brokers.nats.announcements import Announcements
from pulse_radar.brokers.nats.attempts import Attempts
from pulse_radar.brokers.nats.control import Control
from pulse_radar.brokers.nats.credentials import Credentials
from pulse_radar.brokers.nats.disk import Disk
from pulse_radar.brokers.nats.facts import ServerFacts, StreamFacts
from pulse_radar.brokers.nats.follower import Follower
from pulse_radar.brokers.nats.history import History, missing
from pulse_radar.brokers.nats.jetstream import ApiRefused, JetStream
from pulse_radar.brokers.nats.link import Link, LinkStats
from pulse_radar.brokers.nats.messages import (
    Kinds,
    batch_headers,
    body_of,
    event_id_of,
    headers_of,
    sequence_of,
)
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.requests import NobodyAnswers
from pulse_radar.brokers.nats.room import Room, full
from pulse_radar.brokers.nats.stream_config import StreamConfig
from pulse_radar.brokers.nats.streams import Streams
from pulse_radar.brokers.nats.tail import Tail
from pulse_radar.brokers.nats.wire_format import Outgoing
from pulse_radar.brokers.topic_spec import StateTopic, TopicSpec
from pulse_radar.errors import (
    BrokerRefused,
    EventTooLarge,
    InvalidEvent,
    InvalidSetting,
    NotPermitted,
    PulseError,
    SequenceConflict,
)
from pulse_radar.protocol.grammar import check_key
from pulse_radar.stream.entry import Entry, Extent, Page, StoredEvent

__all__ = ["NatsBroker"]

# Each id is remembered for so long, about 270 bytes each: 300,000 of them cost the server 80 MB.
_DUPLICATE_WINDOW_SECONDS: Final = 120.0


class NatsBroker(Broker):
    """Topics on a NATS server or cluster, shared by any number of processes.

    `create`: this process may create and mend streams; without it, declared topics are only waited for.
    `namespace` keeps several systems on one server apart. `replicas` of a new stream in a cluster.
    `duplicate_window_seconds`: for how long the server knows an id again, at most a topic's `max_age`; too
    small and a retry after an outage has to look for its event, too large and ids fill the server's memory.
    `store_directory`: where a server on this machine keeps its streams; while that disk is nearly full `store`
    raises BrokerRefused.
    `show_traceparent`: clients are told to which trace an event belongs.
    Raises: InvalidSetting.
    """

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "",
        create: bool = True,
        replicas: int = 1,
        duplicate_window_seconds: float = _DUPLICATE_WINDOW_SECONDS,
        credentials: Credentials = Credentials(),  # noqa: B008 (frozen)
        name: str = "pulse-radar",
        inbox_prefix: str = "_INBOX",
        connect_timeout_seconds: float = 2.0,
        request_timeout_seconds: float = 5.0,
        leave_after_seconds: float = 12.0,
        store_directory: Path | None = None,
        show_traceparent: bool = False,
    ) -> None:
        if duplicate_window_seconds < 0.1:
            raise InvalidSetting("the duplicate window must be at least 0.1 s")
        self._create = create
        self._naming = Naming(namespace)
        self._link = Link(
            Access(
                url=url,
                name=name,
                credentials=credentials,
                inbox_prefix=inbox_prefix,
                connect_timeout_seconds=connect_timeout_seconds,
                request_timeout_seconds=request_timeout_seconds,
                leave_after_seconds=leave_after_seconds,
            )
        )
        self._jetstream = JetStream(self._link)
        config = StreamConfig(
            self._naming, duplicate_window_seconds=duplicate_window_seconds, replicas=replicas
        )
        self._streams = Streams(self._jetstream, self._naming, config)
        kinds: Kinds = {}
        self._history = History(self._jetstream, self._naming, kinds, shows_traceparent=show_traceparent)
        self._room = Room(self._history, self._naming)
        self._attempts = Attempts(self._history, self._naming)
        self._announcements = Announcements(
            self._link, self._naming, kinds, shows_traceparent=show_traceparent
        )
        self._control = Control(self._link, self._naming)
        self._disk = None if store_directory is None else Disk(store_directory)
        self._specs: dict[str, TopicSpec] = {}
        # Who follows each topic now, or did last.
        self._followers: dict[str, Follower] = {}

    async def __aenter__(self) -> Self:
        await self._link.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._announcements.close()
        await self._link.close()

    @property
    def is_connected(self) -> bool:
        return self._link.is_connected

    async def declare(self, topics: Sequence[TopicSpec], *, narrow: bool = False) -> None:
        for spec in topics:
            self._specs[spec.name] = spec
        if self._create:
            await self._streams.declare(topics, narrow=narrow)

    async def replace(self, topic: TopicSpec) -> None:
        self._specs[topic.name] = topic
        await self._streams.replace(topic)

    async def store(self, draft: Draft, *, expect_last: int | None = None) -> int:
        if draft.key is None and isinstance(self._specs.get(draft.topic), StateTopic):
            raise _needs_a_key(draft)
        if self._disk is not None:
            self._disk.check(draft)
        kept = await self._deletions_kept_seconds(draft) if draft.is_deletion else None
        body, headers = body_of(draft), headers_of(draft, expect_last, deletions_kept_seconds=kept)
        self._link.check_size(body, headers)
        try:
            with await self._room.taken(draft, len(body)):
                subject = self._naming.subject(draft.topic, draft.key)
                return await self._jetstream.store(subject, body, headers)
        except NobodyAnswers as error:
            raise await self._why_nobody_stores(draft) from error
        except ApiRefused as refused:
            if refused.code in codes.WRONG_LAST_SEQUENCE and expect_last is not None:
                return await self._stored_before(draft, expect_last, refused)
            raise _refusal(draft, refused) from refused

    def takes_together(self, topic: str) -> bool:
        return self._history.takes_batches(topic)

    async def store_together(self, drafts: Sequence[Draft]) -> int | None:
        try:
            if self._disk is not None:
                self._disk.check(drafts[0])
            return await self._jetstream.store_batch(list(self._batch_of(drafts)))
        except (ApiRefused, BrokerRefused, EventTooLarge, NotPermitted):
            return None

    def _batch_of(self, drafts: Sequence[Draft]) -> Iterator[Outgoing]:
        batch = uuid.uuid4().hex
        for place, draft in enumerate(drafts, 1):
            body = body_of(draft)
            headers = headers_of(draft, None) | batch_headers(batch, place, is_last=place == len(drafts))
            self._link.check_size(body, headers)
            yield Outgoing(self._naming.subject(draft.topic, draft.key), body, headers)

    async def _deletions_kept_seconds(self, draft: Draft) -> float:
        """For how long this deletion is to be remembered: whoever set up the topic knows."""
        view = await self._history.view(draft.topic)
        if not view.sight.is_state:
            raise InvalidEvent(f"{draft.topic} is a log: nothing is deleted there")
        return view.deletions_kept_seconds

    async def _why_nobody_stores(self, draft: Draft) -> PulseError:
        if draft.key is None and self._history.is_known_state(draft.topic):
            return _needs_a_key(draft)
        if await self._history.is_kept(draft.topic):
            return NotStored(f"the stream of {draft.topic!r} has no leader at the moment")
        return missing(draft.topic, f"no stream collects {self._naming.subject(draft.topic, draft.key)}")

    async def _stored_before(self, draft: Draft, expect_last: int, refused: ApiRefused) -> int:
        """The number of a draft that is being stored again; the server looks at the number before the id.

        If it was stored, then as the first event of its key after the expected one.
        """
        subject = self._naming.subject(draft.topic, draft.key)
        found = await self._history.next_of(draft.topic, subject, expect_last)
        if found is None or event_id_of(found) != draft.id:
            raise SequenceConflict(f"{draft.topic}: {expect_last} is not the newest: {refused}") from refused
        return sequence_of(found)

    async def recognises(self, topic: str, *, after: int, age_seconds: float) -> bool:
        return await self._attempts.are_recognised(topic, after, age_seconds)

    async def find(self, draft: Draft, *, after: int, age_seconds: float) -> int | None:
        return await self._attempts.find(draft, after, age_seconds)

    async def extent(self, topic: str) -> Extent:
        return (await self._history.view(topic)).sight.extent

    async def read(self, topic: str, *, after: int, limit: int, key: str | None = None) -> Page:
        if key is None:
            return await self._history.page(topic, after, limit)
        return await self._history.page_of_key(topic, key, after, limit)

    async def newest(self, topic: str, key: str) -> StoredEvent | None:
        return await self._history.newest(topic, check_key(key))

    def tail(self, topic: str, *, after: int) -> AsyncIterator[Sequence[Entry]]:
        """Ends when the broker is closed. Raises: NotPermitted, BrokerRefused."""
        spec = self._specs.get(topic) if self._create else None
        follower = self._followers[topic] = Follower(after, may_mend=spec is not None)
        tail = Tail(
            follower,
            topic,
            spec,
            history=self._history,
            streams=self._streams,
            announcements=self._announcements,
        )
        return tail.entries()

    def known_last(self, topic: str) -> int | None:
        follower = self._followers.get(topic)
        return None if follower is None else follower.highest

    async def answer(self, address: str, answering: Answering) -> None:
        await self._control.answer(address, answering)

    def is_answering(self, address: str) -> bool:
        return self._control.is_answering(address)

    async def ask(
        self, address: str, verb: str, content: bytes = b"", *, patience_seconds: float = 2.0
    ) -> bytes:
        return await self._control.ask(address, verb, content, patience_seconds)

    async def server_facts(self) -> ServerFacts:
        """How the server is that we are connected to. Raises: BrokerUnavailable."""
        facts = self._link.server_facts()
        try:
            stored, limit = await self._jetstream.account()
        except NotPermitted:
            return facts
        return msgspec.structs.replace(facts, stored_bytes=stored, storage_limit_bytes=limit)

    async def stream_facts(self, topic: TopicSpec) -> StreamFacts | None:
        """Whether the topic's stream is as declared; None where there is none.

        Raises: BrokerUnavailable, NotPermitted.
        """
        return await self._streams.examine(topic)

    def stats(self) -> LinkStats:
        return self._link.stats()

    def __repr__(self) -> str:
        return f"<NatsBroker {self._link!r}, {len(self._specs)} topics>"


def _needs_a_key(draft: Draft) -> InvalidEvent:
    return InvalidEvent(f"{draft.topic} is a state topic: {draft.name!r} needs a key that it is about")


def _refusal(draft: Draft, refused: ApiRefused) -> PulseError:
    """What the server says of an event, in the words of the contract."""
    match refused.code:
        case codes.MESSAGE_TOO_LARGE:
            return EventTooLarge(f"{draft.topic}: {refused}")
        case codes.NO_ROOM:
            return full(draft, str(refused))
        case codes.NO_TTL:
            return InvalidEvent(f"{draft.topic} is a log: its events have no ttl of their own")
        case _:
            return refused
