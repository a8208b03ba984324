"""The publisher for code without an event loop: a thread runs one for it."""

import asyncio
import contextlib
import os
import threading
import weakref
from concurrent.futures import Future
from types import TracebackType
from typing import Final, Self, overload

from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.opening import open_broker
from pulse_radar.durations import Duration
from pulse_radar.errors import BrokerUnavailable
from pulse_radar.events import Event
from pulse_radar.protocol.json_value import JsonValue
from pulse_radar.publisher import Publisher
from pulse_radar.publishing import Position, draft_deletion, draft_event
from pulse_radar.settings import Settings

__all__ = ["SyncPublisher"]


class SyncPublisher:
    """`Publisher` with blocking calls, for any number of threads.

    Its thread and connection start with the first publish, and again in a forked child: a prefork server
    may make one at import.

    Example:
        with SyncPublisher("nats://localhost:4222") as publisher:
            publisher.publish("tasks", "task_done", {"id": 7})
    """

    def __init__(self, broker: str | None = None, *, settings: Settings | None = None) -> None:
        """`broker`: a URL, else `PULSE_BROKER`. Raises: InvalidSetting, BrokerRefused."""
        self._settings = Settings.chosen(broker, settings)
        # Not entered: a broker that no publisher can use is refused here, and not by the first publish.
        open_broker(self._settings, is_owner=False)
        # Held for no longer than a look takes, and by its holder once more: a signal handler may publish, or close, in
        # the middle of either.
        self._lock = threading.RLock()
        self._loop_thread: _LoopThread | None = None
        _publishers.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @overload
    def publish(
        self,
        event: Event,
        /,
        *,
        id: str | None = None,
        expect_last: int | None = None,
        ttl: Duration | None = None,
    ) -> Position: ...

    @overload
    def publish(
        self,
        topic: str,
        name: str,
        data: JsonValue = ...,
        /,
        *,
        key: str | None = None,
        id: str | None = None,
        expect_last: int | None = None,
        ttl: Duration | None = None,
    ) -> Position: ...

    def publish(
        self,
        event: Event | str,
        name: str | None = None,
        data: JsonValue = {},  # noqa: B006 (never changed)
        /,
        *,
        key: str | None = None,
        id: str | None = None,  # noqa: A002 (the glossary's word)
        expect_last: int | None = None,
        ttl: Duration | None = None,
    ) -> Position:
        """Publish one event; return its place once it is stored. Raises what `Publisher.publish` does."""
        draft = draft_event(event, name, data, key=key, event_id=id, ttl=ttl)
        return self._publish(draft, expect_last)

    def delete(
        self,
        topic: str,
        key: str,
        /,
        *,
        id: str | None = None,  # noqa: A002 (the glossary's word)
        expect_last: int | None = None,
    ) -> Position:
        """Delete a key of a state topic. Raises what `Publisher.delete` does."""
        return self._publish(draft_deletion(topic, key, id), expect_last)

    def close(self) -> None:
        """Disconnect and end the thread. Publishes under way fail, as at their deadline; a later one starts again."""
        with self._lock:
            loop_thread, self._loop_thread = self._loop_thread, None
        if loop_thread is not None:
            loop_thread.stop()

    def _publish(self, draft: Draft, expect_last: int | None) -> Position:
        while True:
            with self._lock:
                loop_thread = self._loop_thread = self._loop_thread or _LoopThread(self._settings)
            publishing = loop_thread.begin(draft, expect_last)
            if publishing is not None:
                return publishing.result()
            with self._lock:
                if self._loop_thread is loop_thread:
                    self._loop_thread = None

    def begin_anew(self) -> None:
        """Forget the thread. Called in a forked child, where neither it nor whoever held the lock exists."""
        self._lock = threading.RLock()
        self._loop_thread = None

    def __repr__(self) -> str:
        return f"<SyncPublisher to {self._settings.broker_for_people}, {'running' if self._loop_thread else 'idle'}>"


class _LoopThread:
    """A thread with an event loop, and a publisher that connects there. To make one waits for nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._connected: asyncio.Future[Publisher] = self._loop.create_future()
        self._stopping = asyncio.Event()
        # As that of a publisher.
        self._lock = threading.RLock()
        self._is_over = False
        # Publishes under way, each with a thread that waits for it.
        self._publishes: set[Future[Position]] = set()
        self._thread = threading.Thread(target=self._run, name="pulse-publisher", daemon=True)
        self._thread.start()

    def begin(self, draft: Draft, expect_last: int | None) -> Future[Position] | None:
        """Publish in the thread, once it is connected; what connecting raises, the future does. None: it is over."""
        with self._lock:
            if self._is_over:
                return None
            publishing = asyncio.run_coroutine_threadsafe(self._publish(draft, expect_last), self._loop)
            self._publishes.add(publishing)
        publishing.add_done_callback(self._publishes.discard)
        return publishing

    def stop(self) -> None:
        with self._lock:
            self._is_over = True
        # One that could not connect has ended by itself.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        """Until it is stopped, or could not connect; then all that was begun comes to an end of its own."""
        serving, stopping = asyncio.create_task(self._connect()), asyncio.create_task(self._stopping.wait())
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (serving, stopping):
            task.cancel()
        await asyncio.wait([serving, stopping])
        with self._lock:
            self._is_over = True
        if not self._connected.done():
            failure = None if serving.cancelled() else serving.exception()
            self._connected.set_exception(failure or BrokerUnavailable("closed before it was connected"))
            # Perhaps nobody asks for it.
            self._connected.exception()
        await asyncio.gather(*map(asyncio.wrap_future, tuple(self._publishes)), return_exceptions=True)

    async def _connect(self) -> None:
        async with Publisher(settings=self._settings) as publisher:
            self._connected.set_result(publisher)
            # A client that is cancelled while it connects may go on as if nothing had been said.
            await self._stopping.wait()

    async def _publish(self, draft: Draft, expect_last: int | None) -> Position:
        publisher = await asyncio.shield(self._connected)
        if self._stopping.is_set():
            raise BrokerUnavailable("the publisher was closed: the event was not sent")
        return await publisher.publish_draft(draft, expect_last=expect_last)


# A child process of a fork runs this in its only thread, before anything else.
_publishers: Final[weakref.WeakSet[SyncPublisher]] = weakref.WeakSet()


def _begin_anew() -> None:
    for publisher in _publishers:
        publisher.begin_anew()


os.register_at_fork(after_in_child=_begin_anew)
