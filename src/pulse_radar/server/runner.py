"""The asyncio shell around the hub: feeds it what happens, performs what it answers."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from types import TracebackType
from typing import Final, Self, assert_never

import msgspec
from msgspec.structs import replace

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.topic_spec import TopicSpec
from pulse_radar.errors import BrokerUnavailable
from pulse_radar.histogram import HistogramStats
from pulse_radar.hub.actions import Action, AwaitWritable, Close, Measure, Read, Send
from pulse_radar.hub.counters import ClientStats, HubStats
from pulse_radar.hub.hub import Hub
from pulse_radar.hub.inputs import (
    BrokerBack,
    BrokerLost,
    Draining,
    Evicted,
    Input,
    Opened,
    Ticked,
)
from pulse_radar.hub.limits import Limits
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.server import draining
from pulse_radar.server.alarm import Alarm
from pulse_radar.server.batch import Batch
from pulse_radar.server.delivery_probe import DeliveryProbe
from pulse_radar.server.hooks import TOO_SLOW
from pulse_radar.server.intake import Intake
from pulse_radar.server.places import FULL_REASON, REMEDIES, ConnectionBound, ConnectionBounds, Places, Whose
from pulse_radar.server.questions import Questions
from pulse_radar.server.request_pace import GIVEN_UP, GivenUp
from pulse_radar.server.session import Session
from pulse_radar.server.sessions import Sessions
from pulse_radar.server.turning_away import turn_away
from pulse_radar.server.turns import Turns, turns_here
from pulse_radar.tasks import ended

__all__ = ["Runner", "RunnerStats"]

_log: Final = logging.getLogger("pulse_radar.server")


class RunnerStats(msgspec.Struct, frozen=True):
    """A snapshot. Units: `unsent_bytes` of all clients together, `most_unsent_bytes` of the one that has most waiting;
    `refused` connections for which there was no place, by the bound; `given_up` sockets of this process's server that
    were let go of, by why; `asking` turns that are waited for; `hooks_too_slow` how often the app's hooks did
    not answer in time;
    `delivery_seconds` what the last event of our own took through the broker, `deliveries` what all of them took, and
    `delivery_age_seconds` since one came. `lag`: how many events of each topic the broker is known to have that this
    process has not handed on yet; `lag_seconds`: how long those of each topic were on their way from publish to here.
    """

    hub: HubStats
    unsent_bytes: int
    most_unsent_bytes: int
    delivery_seconds: float | None
    delivery_age_seconds: float | None
    deliveries: HistogramStats
    lag: dict[str, int]
    lag_seconds: dict[str, HistogramStats]
    is_broker_connected: bool
    is_draining: bool
    failure: str | None
    refused: dict[str, int]
    given_up: dict[str, int]
    asking: int
    hooks_too_slow: dict[str, int]


class Runner:
    """Runs a hub over a broker. An async context manager: leaving it leaves nothing running.

    A background task that dies takes every connection with it (1011) and says so in `failure`:
    clients that would no longer be served resume elsewhere.
    """

    def __init__(
        self,
        broker: Broker,
        topics: Sequence[TopicSpec],
        limits: Limits,
        *,
        bounds: ConnectionBounds,
        unsent_limit_bytes: int,
        startup_seconds: float,
    ) -> None:
        self._broker = broker
        self._specs = tuple(topics)
        self._sessions = Sessions(Places(bounds), unsent_limit_bytes=unsent_limit_bytes, tell=self.tell)
        self._intake = Intake(
            broker, window_events=limits.window_events, tell=self._came, breathe=self._sessions.breathe
        )
        self._drain_seconds = limits.drain_seconds
        self._startup_seconds = startup_seconds
        self.hub = Hub([spec.name for spec in topics], limits)
        self._questions = Questions(broker, tell=self.tell, is_awaited=self.hub.awaits)
        self.probe = DeliveryProbe(broker, on_lost=self._broker_lost, on_back=self._broker_back)
        # Why the background work ended, None while it goes on.
        self.failure: BaseException | None = None
        # Inputs that came up while an earlier one was being performed.
        self._told: deque[Input] = deque()
        self._is_telling = False
        self._alarm = Alarm(self._on_time)
        self._turns: Turns
        self._group: asyncio.TaskGroup
        self._background: asyncio.Task[None]
        self._current = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Declare the topics, start their tails and wait until they are current.

        Raises: BrokerUnavailable, when they are not within the start-up time; BrokerRefused, NotPermitted.
        """
        self._turns = turns_here()
        self._background = asyncio.create_task(self._run(), name="pulse-radar")
        try:
            await self._until_current()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        draining.enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        draining.leave(self)
        self._background.cancel()
        try:
            await ended(self._background)
        finally:
            self._sessions.close_all(CloseCode.SERVICE_RESTART)
            self._alarm.cancel()

    @property
    def connections(self) -> int:
        """How many clients are connected. Cost: none, unlike `stats`."""
        return len(self._sessions)

    def new_connection_id(self) -> str:
        """Eight characters that no open connection here has."""
        return self._sessions.new_id()

    def refuses(self, whose: Whose) -> bool:
        """Refuse one more of theirs, where there is no place: it is counted and said in the log."""
        bound = self._sessions.places.refusal(whose)
        if bound is not None:
            _log.warning("refused a connection of %s: %s", whose.network or "this machine", REMEDIES[bound])
        return bound is not None

    async def serve(self, session: Session, opened: Opened) -> None:
        """Serve a client until it is gone; where its transport needs nobody for that, this returns at once."""
        if self.failure is not None:
            await turn_away(session.transport, CloseCode.TRY_AGAIN_LATER)
            return
        if self.refuses(session.whose):
            await turn_away(session.transport, CloseCode.TRY_AGAIN_LATER, FULL_REASON)
            return
        self._sessions.add(session)
        self.tell(opened)
        session.transport.listen(session)
        await session.transport.carry()

    async def drain(self) -> None:
        """Send every client to another process, in slices; return when they are gone, or the time is up."""
        _log.info("draining: %d clients leave within %s s", len(self._sessions), self._drain_seconds)
        self.tell(Draining())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain_seconds):
                await self._sessions.until_empty()

    def tell(self, told: Input) -> None:
        """Give the hub a fact and do what it answers, before anything else happens."""
        self._told.append(told)
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._told:
                for action in self.hub.handle(self._told.popleft(), time.monotonic()):
                    self._perform(action)
        finally:
            self._is_telling = False
        if self.hub.deadline is not None and not self._background.done():
            self._alarm.set(self.hub.deadline)
        if not self._current.is_set() and self.hub.is_current:
            self._current.set()

    def forget(self, connection_id: str) -> None:
        """This client is gone."""
        self._sessions.remove(connection_id)

    def ask_for_turn(self, connection_id: str) -> None:
        """This client has room for its next page: it gets one when it is its turn."""
        self._turns.ask(partial(self._sessions.take_turn, connection_id))

    def hear_in_turn(self, hear: Callable[[], None]) -> None:
        """A client said something: hear it when it is its turn, which may be now."""
        self._turns.ask_at_once(hear)

    async def turn(self) -> None:
        """Return when it is the turn of somebody who wants to be let in."""
        turn = asyncio.get_running_loop().create_future()
        # It may have gone while it waited.
        self._turns.ask_at_once(lambda: None if turn.done() else turn.set_result(None))
        await turn

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Do this beside all else, for as long as this runs."""
        return self._group.create_task(work)

    def stats(self) -> RunnerStats:
        unsent = self._sessions.unsent_bytes()
        return RunnerStats(
            hub=self.hub.stats(),
            unsent_bytes=sum(unsent),
            most_unsent_bytes=max(unsent, default=0),
            delivery_seconds=self.probe.round_trip_seconds,
            delivery_age_seconds=self.probe.age_seconds,
            deliveries=self.probe.round_trips.stats(),
            lag={topic: self._lag(topic) for topic in self.hub.topics},
            lag_seconds=self._intake.lag_seconds(),
            is_broker_connected=self._broker.is_connected,
            is_draining=self.hub.is_draining,
            failure=None if self.failure is None else repr(self.failure),
            refused={bound.value: self._sessions.places.refused[bound] for bound in ConnectionBound},
            given_up={why.value: GIVEN_UP[why] for why in GivenUp},
            asking=len(self._turns),
            hooks_too_slow=dict(TOO_SLOW),
        )

    def clients(self) -> list[ClientStats]:
        """Each connection, the oldest first."""
        unsent = self._sessions.unsent_bytes_of
        return [replace(each, unsent_bytes=unsent(each.connection_id)) for each in self.hub.clients()]

    def evict(self, connection_id: str) -> bool:
        """Send a client away, which may come back and resume; whether it was here."""
        is_here = connection_id in self._sessions
        if is_here:
            self.tell(Evicted(connection_id))
        return is_here

    def __repr__(self) -> str:
        return f"<Runner {self.hub!r} on {self._broker!r}{' FAILED' if self.failure else ''}>"

    def _lag(self, topic: str) -> int:
        here, there = self.hub.position(topic), self._broker.known_last(topic)
        return 0 if here is None or there is None else max(0, there - here)

    async def _until_current(self) -> None:
        current = asyncio.create_task(self._current.wait())
        try:
            await asyncio.wait(
                {self._background, current},
                timeout=self._startup_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            current.cancel()
        if not self._current.is_set():
            raise self.failure or BrokerUnavailable(
                f"the topics are not current after {self._startup_seconds} s: {self._broker!r}"
            )

    # Performing.

    def _perform(self, action: Action) -> None:
        match action:
            case Send(connections, texts):
                self._sessions.send(connections, Batch(texts))
            case AwaitWritable(connection_id):
                self._sessions.await_writable(connection_id)
            case Close(connection_id, code, reason):
                self._sessions.close(connection_id, code, reason)
            case Read() | Measure() if self.failure is not None:
                # Everyone is being sent away; nobody waits for the answer.
                pass
            case Read():
                self._group.create_task(self._questions.read(action))
            case Measure(topic):
                self._group.create_task(self._questions.measure(topic))
            case _:
                assert_never(action)

    def _came(self, told: Input) -> None:
        """The broker has something for everybody."""
        self._turns.events_came()
        self.tell(told)

    # Running.

    async def _run(self) -> None:
        try:
            await self._intake.declare([*self._specs, self.probe.topic])
            async with asyncio.TaskGroup() as self._group:
                for spec in self._specs:
                    self._group.create_task(self._intake.follow(spec), name=f"tail of {spec.name}")
                self._group.create_task(self.probe.run(), name="delivery probe")
                if not self._specs:
                    self._current.set()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 (told to everyone, and raised by whoever starts)
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        failure = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
        self.failure = failure
        if self._current.is_set():
            # Before that it is raised by whoever starts us.
            _log.critical("the live layer stopped: %s", failure, exc_info=failure)
        self._sessions.close_all(CloseCode.INTERNAL_ERROR)

    def _broker_lost(self) -> None:
        self.tell(BrokerLost())

    def _broker_back(self) -> None:
        self.tell(BrokerBack())

    def _on_time(self) -> None:
        self.tell(Ticked(time.time_ns() // 1_000_000))
