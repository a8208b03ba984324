"""The facade: topics, broker, hub and routes of one FastAPI app."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Final, Literal, Self, overload

from fastapi import APIRouter, FastAPI, HTTPException
from starlette.requests import HTTPConnection

from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.brokers.publish_queue import PublishQueueStats
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic, TopicSpec, topic_spec
from pulse_radar.declared_topics import DeclaredTopics
from pulse_radar.durations import Duration
from pulse_radar.errors import InvalidSetting, NotRunning
from pulse_radar.events import Event
from pulse_radar.hub.counters import ClientStats
from pulse_radar.protocol.grammar import Feed
from pulse_radar.publishing import Position, Publishes
from pulse_radar.running import Running, running
from pulse_radar.server.admission import Admission
from pulse_radar.server.allowance import FrameBounds
from pulse_radar.server.door import Door
from pulse_radar.server.events_endpoint import EventsEndpoint
from pulse_radar.server.metrics_endpoint import MetricsEndpoint
from pulse_radar.server.policy import Action, Authenticate, Authorize, Policy
from pulse_radar.server.proxies import TrustedProxies
from pulse_radar.server.publish_endpoint import PublishEndpoint
from pulse_radar.server.reception import Reception
from pulse_radar.server.router import make_router
from pulse_radar.server.runner import Runner
from pulse_radar.server.runner_stats import RunnerStats
from pulse_radar.server.status_endpoints import StatusEndpoints
from pulse_radar.server.ticket_endpoint import TicketEndpoint
from pulse_radar.server.tickets import Tickets
from pulse_radar.server.websocket_endpoint import WebSocketEndpoint
from pulse_radar.settings import Settings
from pulse_radar.tasks import ended

__all__ = ["Pulse"]

_log: Final = logging.getLogger("pulse_radar")


class Pulse(Publishes):
    """The live layer of an app.

    Example:
        pulse = Pulse()
        pulse.topic("knowledge")
        app = FastAPI(lifespan=pulse.lifespan)
        app.include_router(pulse.router)
        # anywhere in the app: await pulse.publish("knowledge", "atom_created", {"id": "a1"})
    """

    def __init__(
        self,
        broker: str | None = None,
        *,
        settings: Settings | None = None,
        authenticate: Authenticate | None = None,
        authorize: Authorize | None = None,
    ) -> None:
        """`broker`: a URL, else `PULSE_BROKER`, else memory://. Raises: InvalidSetting.

        `authenticate(request)` answers a principal (a `Principal` of ours, or any object), or None to refuse;
        `authorize(principal, action, topic, key)` answers whether it may. Either may be async, or a dependency of
        FastAPI: `authenticate=Depends(current_user)`, and `authorize=Depends(f)` where f answers such a function.
        Without them everybody may read everything. What a client shows is in its cookies, and in
        `bearer_token(request)`.
        """
        self.settings = Settings.chosen(broker, settings)
        # Here, for settings that contradict each other are refused before anything starts.
        self._limits: Final = self.settings.limits()
        self._policy: Final = Policy(authenticate, authorize, seconds=self.settings.hook_seconds)
        self.authenticates: Final = self._policy.authenticates
        self._declared: Final = DeclaredTopics()
        # From the first moment of starting to the last of ending.
        self._is_entered = False
        self._running: Running | None = None
        # Ends what was begun.
        self._stack = AsyncExitStack()
        # Somebody wanted it to run while it did not.
        self._is_missed = False
        # Entered in this order when everything else runs.
        self._companions: list[Callable[[], AbstractAsyncContextManager[object]]] = []
        admission = Admission(
            allowed_hosts=self.settings.allowed_hosts, allowed_origins=self.settings.allowed_origins
        )
        self._tickets: Final = Tickets.of(self.settings, lambda: self._run().broker.store)
        self._reception: Final = Reception(
            admission,
            self._policy,
            proxies=TrustedProxies(self.settings.trusted_proxies),
            tickets=self._tickets,
        )
        self.router: APIRouter = self._routes()

    @overload
    def topic(
        self,
        name: str,
        *,
        kind: Literal["log"] = "log",
        retain: int = 10_000,
        max_age: Duration | None = "7d",
        max_bytes: int = ...,
        events: Iterable[type[Event]] | None = None,
    ) -> LogTopic: ...

    @overload
    def topic(
        self,
        name: str,
        *,
        kind: Literal["state"],
        ttl: Duration | None = None,
        max_keys: int = 10_000,
        max_bytes: int = ...,
        events: Iterable[type[Event]] | None = None,
    ) -> StateTopic: ...

    def topic(
        self, name: str, *, kind: str = "log", events: Iterable[type[Event]] | None = None, **bounds: Any
    ) -> TopicSpec:
        """Declare a topic, before the app starts.

        A `log` (every event counts) keeps `retain` events, `max_age` and `max_bytes`, whichever bites first; a
        `state` topic (the newest event of each key counts) deletes a key that is not renewed within `ttl`, and
        refuses a new one beyond `max_keys` and `max_bytes`.
        `events`: its typed events, for `codegen` and `asyncapi`; where they are not named, all that name this topic.
        Raises: InvalidTopic, InvalidSetting, InvalidEvent.
        """
        spec = topic_spec(name, kind, bounds)
        self.declare(spec, events)
        return spec

    def declare(self, spec: TopicSpec, events: Iterable[type[Event]] | None = None) -> None:
        """Declare a topic that is described already. Raises: InvalidTopic, InvalidSetting, InvalidEvent."""
        if self._running is not None:
            raise InvalidSetting(f"topic {spec.name!r} comes too late: declare topics before the app starts")
        self._declared.add(spec, events)

    @property
    def topics(self) -> tuple[TopicSpec, ...]:
        """The declared topics, and how they are kept."""
        return self._declared.specs

    @property
    def events(self) -> dict[str, tuple[type[Event], ...]]:
        """The typed events by topic: those named when it was declared, else all imported ones that name it."""
        return self._declared.events

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """The lifespan of an app: `FastAPI(lifespan=pulse.lifespan)`; inside one of your own, `async with pulse:`."""
        async with self:
            yield

    @asynccontextmanager
    async def _expected(self, _app: object) -> AsyncIterator[None]:
        """The lifespan of the router, inside that of the app: by then it runs, or it was forgotten."""
        with suppress(NotRunning):
            self._run()
        yield

    async def __aenter__(self) -> Self:
        """Connect and serve. Raises: BrokerUnavailable, BrokerRefused, NotPermitted."""
        if self._is_entered:
            raise InvalidSetting("this Pulse already runs in another app: each app has its own")
        self._is_entered = True
        try:
            await self._start()
        except BaseException:
            self._is_entered = False
            raise
        return self

    async def _start(self) -> None:
        redeemed = [self._tickets.topic] if self._tickets is not None and self.authenticates else []
        run = running(
            self.settings,
            self._policy,
            self.topics,
            self._limits,
            kept_beside=redeemed,
            events=lambda: self.events,
        )
        async with AsyncExitStack() as stack:
            # From here on companions may publish.
            self._running = await stack.enter_async_context(run)
            try:
                for companion in self._companions:
                    await stack.enter_async_context(companion())
            except BaseException:
                self._running = None
                raise
            self._stack = stack.pop_all()
        _log.info("live on %s: %s", self.settings.broker_for_people, ", ".join(self._declared) or "no topics")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run()
        self._running = None
        self._is_entered = False
        await ended(asyncio.create_task(self._stack.aclose(), name="the end of pulse-radar"))

    def heed_untyped(self, draft: Draft) -> None:
        if self._running is not None:
            self._running.untyped.heed(draft)

    async def publish_draft(self, draft: Draft, *, expect_last: int | None = None) -> Position:
        self._declared.check(draft.topic)
        return Position(draft.topic, await self._run().queue.publish(draft, expect_last=expect_last))

    async def publish_together(self, drafts: Sequence[Draft]) -> list[Position]:
        """Publish drafts of one topic in one go; no places: one by one, please. Raises: as `PublishQueue` does."""
        self._declared.check(drafts[0].topic)
        return [
            Position(drafts[0].topic, place) for place in await self._run().queue.publish_together(drafts)
        ]

    def accompany(self, companion: Callable[[], AbstractAsyncContextManager[object]]) -> None:
        """Enter this context while the Pulse runs: after it can publish, and before anybody is served.

        Raises: InvalidSetting, for one that comes after the start.
        """
        if self._running is not None:
            raise InvalidSetting("a companion comes too late: name it before the app starts")
        self._companions.append(companion)

    @property
    def is_running(self) -> bool:
        """Whether it is between its start and its end."""
        return self._running is not None

    @property
    def broker(self) -> Broker:
        """The broker that it is connected to while it runs."""
        return self._run().broker

    def position(self, topic: str) -> Position:
        """Where this process is in a topic. Take it before a query: what the query misses comes after it.

        Raises: UnknownTopic.
        """
        self._declared.check(topic)
        sequence = self._runner().hub.position(topic)
        assert sequence is not None, "a runner that started has every topic"
        return Position(topic, sequence)

    async def principal(self, connection: HTTPConnection) -> Any:
        """Who asks, for routes of the app's own: `person: Annotated[Person, Depends(pulse.principal)]`.

        Raises: HTTPException, 401 for nobody, 403 for a foreign Host, or Origin where something is to be changed.
        """
        return (await self._reception.admit(connection)).principal

    def requires(
        self, action: Action, topic: str, key: str | None = None
    ) -> Callable[[HTTPConnection], Awaitable[Any]]:
        """The same for whoever may do this: `Depends(pulse.requires("admin", "tasks"))`. Raises: also 403."""
        feed = Feed(topic, key)

        async def entitled(connection: HTTPConnection) -> Any:
            visitor = await self._reception.admit(connection)
            if not await visitor.may(action, feed):
                raise HTTPException(403, f"you may not {action} '{feed}'")
            return visitor.principal

        return entitled

    async def may(
        self, connection: HTTPConnection, action: Action, topic: str, key: str | None = None
    ) -> bool:
        """Whether whoever asks may do this, where only the route knows with what. Raises: as `principal`."""
        return await (await self._reception.admit(connection)).may(action, Feed(topic, key))

    async def drain(self) -> None:
        """Refuse new clients and send those that are here to other processes, within `PULSE_DRAIN_SECONDS`.

        `pulse-radar serve` does this on SIGTERM. Elsewhere, await it before the server is told to end.
        """
        await self._runner().drain()

    def stats(self) -> RunnerStats:
        return self._runner().stats()

    def publishing(self) -> PublishQueueStats:
        """How the publishes of this process fare."""
        return self._run().queue.stats()

    def clients(self) -> list[ClientStats]:
        """Who is connected to this process, the oldest first. Cost: O(subscriptions)."""
        return self._runner().clients()

    def evict(self, connection_id: str) -> bool:
        """Send a client of this process away (4003); it may come back and resume. Whether it was here."""
        return self._runner().evict(connection_id)

    def __repr__(self) -> str:
        state = repr(self._running.runner) if self._running else "not running"
        return f"<Pulse {len(self._declared)} topics on {self.settings.broker_for_people}, {state}>"

    def _routes(self) -> APIRouter:
        settings, reception = self.settings, self._reception
        door = Door(self._runner, reception)
        return make_router(
            WebSocketEndpoint(
                door, bounds=FrameBounds.from_settings(settings), compresses=settings.compression
            ),
            EventsEndpoint(door),
            PublishEndpoint(
                self, reception, settings.publish_token, max_event_bytes=settings.max_event_bytes
            ),
            TicketEndpoint(reception, self._tickets),
            StatusEndpoints(self._runner, broker=settings.broker.partition(":")[0]),
            self._metrics(),
            lifespan=self._expected,
        )

    def _metrics(self) -> MetricsEndpoint | None:
        """None while it is off. Raises: InvalidSetting, where it is on and its extra is not installed."""
        token = self.settings.metrics_token
        if token is None:
            return None
        # Here, for it needs a package that not everybody has.
        from pulse_radar.prometheus import scraper

        return MetricsEndpoint(
            self._reception, token, self._runner, topics=self._declared, scrape=scraper(self)
        )

    def _run(self) -> Running:
        if self._running is None:
            error = NotRunning()
            if not self._is_missed:
                # Once: whoever asks is told, and nobody reads it a thousand times.
                self._is_missed = True
                _log.error("%s", error)
            raise error
        return self._running

    def _runner(self) -> Runner:
        return self._run().runner
