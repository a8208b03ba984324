"""The broker on NATS JetStream: a stream per topic, numbered by the server, followed without a consumer."""

import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.brokers.nats.access import Access
from pulse_radar.brokers.nats.announcements import Announcements
from pulse_radar.brokers.nats.follower import Follower
from pulse_radar.brokers.nats.history import History
from pulse_radar.brokers.nats.jetstream import ApiRefused, JetStream
from pulse_radar.brokers.nats.link import Link, LinkStats
from pulse_radar.brokers.nats.messages import body_of, event_id_of, headers_of, sequence_of
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.requests import NobodyAnswers
from pulse_radar.brokers.nats.streams import Streams
from pulse_radar.brokers.nats.tail import Tail
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic, TopicSpec
from pulse_radar.errors import (
    BrokerError,
    BrokerRefused,
    BrokerUnavailable,
    EventTooLarge,
    InvalidSetting,
    NotPermitted,
    SequenceConflict,
    TopicMissing,
)
from pulse_radar.stream.entry import Entry, Extent, Page

__all__ = ["NatsBroker"]

# Each id is remembered for so long, about 270 bytes each: 300,000 of them cost the server 80 MB.
_DUPLICATE_WINDOW_SECONDS: Final = 120.0

# "wrong last sequence", with the number and, while others are being stored, without it.
_WRONG_LAST_SEQUENCE: Final = frozenset({10071, 10164})
_MESSAGE_TOO_LARGE: Final = 10054


class NatsBroker(Broker):
    """Topics on a NATS server or cluster, shared by any number of processes.

    `create`: this process may create and mend streams; without it, declared topics are only waited for.
    `namespace` keeps several systems on one server apart. `replicas` of a new stream in a cluster.
    `duplicate_window_seconds`: for how long the server knows an id again, at most a topic's `max_age`; too
    small and a retry after an outage has to look for its event, too large and ids fill the server's memory.
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
        credentials: Path | None = None,
        token: str | None = None,
        tls: ssl.SSLContext | None = None,
        name: str = "pulse-radar",
        inbox_prefix: str = "_INBOX",
        connect_timeout_seconds: float = 2.0,
        request_timeout_seconds: float = 5.0,
        leave_after_seconds: float = 12.0,
    ) -> None:
        if duplicate_window_seconds < 0.1:
            raise InvalidSetting("the duplicate window must be at least 0.1 s")
        self.duplicate_window_seconds = duplicate_window_seconds
        self._create = create
        self._naming = Naming(namespace)
        self._link = Link(
            Access(
                url=url,
                name=name,
                credentials=credentials,
                token=token,
                tls=tls,
                inbox_prefix=inbox_prefix,
                connect_timeout_seconds=connect_timeout_seconds,
                request_timeout_seconds=request_timeout_seconds,
                leave_after_seconds=leave_after_seconds,
            )
        )
        self._jetstream = JetStream(self._link)
        self._streams = Streams(
            self._jetstream,
            self._naming,
            duplicate_window_seconds=duplicate_window_seconds,
            replicas=replicas,
        )
        self._history = History(self._jetstream, self._naming)
        self._announcements = Announcements(self._link, self._naming)
        self._specs: dict[str, LogTopic] = {}

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
        """Whether there is a connection right now; it is renewed for ever."""
        return self._link.is_connected

    async def declare(self, topics: Sequence[TopicSpec]) -> None:
        for spec in topics:
            if isinstance(spec, StateTopic):
                raise BrokerRefused(f"state topics are not on NATS yet: {spec.name!r}")
            self._specs[spec.name] = spec
            if spec.max_age_seconds is not None:
                self.duplicate_window_seconds = min(self.duplicate_window_seconds, spec.max_age_seconds)
            if self._create:
                await self._streams.declare(spec)

    async def replace(self, topic: TopicSpec) -> None:
        raise NotImplementedError

    async def store(self, draft: Draft, *, expect_last: int | None = None) -> int:
        body, headers = body_of(draft), headers_of(draft, expect_last)
        self._link.check_size(body, headers)
        try:
            return await self._jetstream.store(self._naming.subject(draft.topic, draft.key), body, headers)
        except NobodyAnswers as error:
            raise await self._why_nobody_stores(draft.topic) from error
        except ApiRefused as refused:
            if refused.code in _WRONG_LAST_SEQUENCE and expect_last is not None:
                return await self._stored_before(draft, expect_last, refused)
            if refused.code == _MESSAGE_TOO_LARGE:
                raise EventTooLarge(f"{draft.topic}: {refused}") from refused
            raise

    async def _why_nobody_stores(self, topic: str) -> BrokerError:
        """Without a leader a stream takes no events; that there is none at all is said by the servers' leader."""
        try:
            await self._history.next_of(topic, ">", 0)
        except (TopicMissing, NotPermitted):
            return TopicMissing(f"no stream collects {topic!r}: nobody created it")
        return BrokerUnavailable(f"the stream of {topic!r} has no leader at the moment")

    async def _stored_before(self, draft: Draft, expect_last: int, refused: ApiRefused) -> int:
        """The number of a draft that is being stored again; the server looks at the number before the id.

        If it was stored, then as the first event of its key after the expected one.
        """
        subject = self._naming.subject(draft.topic, draft.key)
        found = await self._history.next_of(draft.topic, subject, expect_last)
        if found is None or event_id_of(found) != draft.id:
            raise SequenceConflict(f"{draft.topic}: {expect_last} is not the newest: {refused}") from refused
        return sequence_of(found)

    async def find(self, topic: str, event_id: str, after: int) -> int | None:
        return await self._history.find(topic, event_id, after)

    async def extent(self, topic: str) -> Extent:
        return await self._history.extent(topic)

    async def read(self, topic: str, *, after: int, limit: int, key: str | None = None) -> Page:
        if key is None:
            return await self._history.page(topic, after, limit)
        return await self._history.page_of_key(topic, key, after, limit)

    def tail(self, topic: str, *, after: int) -> AsyncIterator[Sequence[Entry]]:
        """Ends when the broker is closed. Raises: NotPermitted, BrokerRefused."""
        spec = self._specs.get(topic) if self._create else None
        tail = Tail(
            Follower(after, may_mend=spec is not None),
            topic,
            spec,
            history=self._history,
            streams=self._streams,
            announcements=self._announcements,
        )
        return tail.entries()

    def stats(self) -> LinkStats:
        return self._link.stats()

    def __repr__(self) -> str:
        return f"<NatsBroker {self._link!r}, {len(self._specs)} topics>"
