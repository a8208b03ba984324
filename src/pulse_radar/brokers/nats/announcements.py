"""What the server has just stored, told to the tails of each topic: one subscription for all of them."""

import contextlib
from collections.abc import Iterator
from typing import Protocol

from pulse_radar.brokers.nats.link import Link
from pulse_radar.brokers.nats.messages import Kinds, entry_of, is_stored_in
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.wire_format import Incoming
from pulse_radar.stream.entry import Entry

__all__ = ["Announcements", "Listener"]


class Listener(Protocol):
    """Who hears announcements. It must not wait."""

    def hear(self, entry: Entry) -> None: ...

    def wake(self) -> None:
        """There is a new connection, or the end: look around."""


class Announcements:
    """Hands each announcement to the listeners of its topic, decoded once for all of them."""

    def __init__(self, link: Link, naming: Naming, kinds: Kinds, *, shows_traceparent: bool) -> None:
        self._link = link
        self._naming = naming
        self._kinds = kinds
        self._shows_traceparent = shows_traceparent
        self._live = naming.live
        self._audiences: dict[str, _Audience] = {}
        self._is_subscribed = False
        self.is_closed = False
        link.watch(self._wake_all)

    def subscribe(self) -> None:
        """Begin to listen. Only who follows a topic needs the right to."""
        if not self._is_subscribed:
            self._is_subscribed = True
            self._link.listen(self._live, self._announced)

    def check(self) -> None:
        """Raises: NotPermitted, if the server does not let us listen."""
        self._link.check_heard(self._live)

    @contextlib.contextmanager
    def told_to(self, listener: Listener, topic: str) -> Iterator[None]:
        audience = self._audiences.setdefault(topic, _Audience(self._naming.stream(topic)))
        audience.listeners.add(listener)
        try:
            yield
        finally:
            audience.listeners.discard(listener)

    def close(self) -> None:
        """Every listener is to end."""
        self.is_closed = True
        self._wake_all()

    def __repr__(self) -> str:
        return f"<Announcements to {sum(len(each.listeners) for each in self._audiences.values())} listeners>"

    def _wake_all(self) -> None:
        for audience in self._audiences.values():
            for listener in audience.listeners:
                listener.wake()

    def _announced(self, message: Incoming) -> None:
        topic = self._naming.announced_topic(message.subject)
        audience = self._audiences.get(topic)
        is_state = self._kinds.get(topic)
        # Before its stream was looked at, nobody is live on it either.
        if audience is None or not audience.listeners or is_state is None:
            return
        if not is_stored_in(audience.stream, message):
            return
        entry = entry_of(
            self._naming, topic, message, is_state=is_state, shows_traceparent=self._shows_traceparent
        )
        for listener in audience.listeners:
            listener.hear(entry)


class _Audience:
    """Who hears what is announced of a topic, and the stream that has to store it."""

    __slots__ = ("listeners", "stream")

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.listeners: set[Listener] = set()
