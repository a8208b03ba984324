"""The publisher for code without an event loop: a thread runs one for it."""

import asyncio
import os
import threading
import weakref
from concurrent.futures import Future
from types import TracebackType
from typing import Final, Self, overload

from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.opening import open_broker
from pulse_radar.durations import Duration
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
        self._lock = threading.Lock()
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
            if self._loop_thread is not None:
                self._loop_thread.stop()
                self._loop_thread = None

    def _publish(self, draft: Draft, expect_last: int | None) -> Position:
        # Handed over under the lock: nobody closes the thread between its start and then.
        with self._lock:
            if self._loop_thread is None:
                self._loop_thread = _LoopThread(self._settings)
            publishing = self._loop_thread.begin(draft, expect_last)
        return publishing.result()

    def begin_anew(self) -> None:
        """Forget the thread. Called in a forked child, where neither it nor whoever held the lock exists."""
        self._lock = threading.Lock()
        self._loop_thread = None

    def __repr__(self) -> str:
        return f"<SyncPublisher to {self._settings.broker_for_people}, {'running' if self._loop_thread else 'idle'}>"


class _LoopThread:
    """A thread with an event loop and a connected publisher in it. Raises what connecting raises."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connected: Future[Publisher] = Future()
        self._loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event
        # Those under way, each with a thread that waits for it.
        self._publishes: set[asyncio.Task[Position]] = set()
        self._thread = threading.Thread(target=self._run, name="pulse-publisher", daemon=True)
        self._thread.start()
        self._publisher = self._connected.result()

    def begin(self, draft: Draft, expect_last: int | None) -> Future[Position]:
        """Publish in the thread. Everything that began before `stop` comes to an end of its own."""
        return asyncio.run_coroutine_threadsafe(self._publish(draft, expect_last), self._loop)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            # Whoever waits for the connection must hear of it, whatever it was.
            if self._connected.done():
                raise
            self._connected.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        async with Publisher(settings=self._settings) as publisher:
            self._connected.set_result(publisher)
            await self._stopping.wait()
        # The publisher let them fail; the end of the loop would only cancel them.
        await asyncio.gather(*self._publishes, return_exceptions=True)

    async def _publish(self, draft: Draft, expect_last: int | None) -> Position:
        task = asyncio.current_task()
        assert task is not None
        self._publishes.add(task)
        try:
            return await self._publisher.publish_draft(draft, expect_last=expect_last)
        finally:
            self._publishes.discard(task)


# A child process of a fork runs this in its only thread, before anything else.
_publishers: Final[weakref.WeakSet[SyncPublisher]] = weakref.WeakSet()


def _begin_anew() -> None:
    for publisher in _publishers:
        publisher.begin_anew()


os.register_at_fork(after_in_child=_begin_anew)
