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

from msgspec.structs import replace

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.topic_spec import TopicSpec
from pulse_radar.hub.actions import Action, AwaitWritable, Close, Measure, Read, Send
from pulse_radar.hub.counters import ClientStats
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
from pulse_radar.server.background import Background
from pulse_radar.server.batch import Batch
from pulse_radar.server.delivery_probe import DeliveryProbe
from pulse_radar.server.intake import Intake
from pulse_radar.server.places import FULL_REASON, REMEDIES, ConnectionBounds, Places, Whose
from pulse_radar.server.questions import Questions
from pulse_radar.server.runner_stats import RunnerStats, gathered
from pulse_radar.server.session import Session
from pulse_radar.server.sessions import Sessions
from pulse_radar.server.turning_away import turn_away
from pulse_radar.server.turns import Turns, turns_here

__all__ = ["Runner"]

_log: Final = logging.getLogger("pulse_radar.server")


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
        self._sessions = Sessions(Places(bounds), unsent_limit_bytes=unsent_limit_bytes, tell=self.tell)
        self._intake = Intake(
            broker, window_events=limits.window_events, tell=self._came, breathe=self._sessions.breathe
        )
        self._drain_seconds = limits.drain_seconds
        self.hub = Hub([spec.name for spec in topics], limits)
        self._questions = Questions(broker, tell=self.tell, is_awaited=self.hub.awaits)
        self.probe = DeliveryProbe(broker, on_lost=self._broker_lost, on_back=self._broker_back)
        self._background = Background(
            topics,
            self._intake,
            self.probe,
            startup_seconds=startup_seconds,
            on_failure=partial(self._sessions.close_all, CloseCode.INTERNAL_ERROR),
        )
        # Inputs that came up while an earlier one was being performed.
        self._told: deque[Input] = deque()
        self._is_telling = False
        self._alarm = Alarm(self._on_time)
        self._turns: Turns

    async def __aenter__(self) -> Self:
        """Serve from when the topics are current. Raises: BrokerUnavailable, BrokerRefused, NotPermitted."""
        self._turns = turns_here()
        try:
            await self._background.begin()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        draining.enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        draining.leave(self)
        try:
            await self._background.end()
        finally:
            self._sessions.close_all(CloseCode.SERVICE_RESTART)
            self._alarm.cancel()

    @property
    def failure(self) -> BaseException | None:
        """Why the background work ended, None while it goes on."""
        return self._background.failure

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
        if self.hub.deadline is not None and not self._background.has_ended:
            self._alarm.set(self.hub.deadline)
        if not self._background.is_current.is_set() and self.hub.is_current:
            self._background.is_current.set()

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
        return self._background.start(work)

    def stats(self) -> RunnerStats:
        return gathered(
            self.hub,
            self._broker,
            self._sessions,
            self._intake,
            self.probe,
            asking=len(self._turns),
            failure=self.failure,
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
                self._background.start(self._questions.read(action))
            case Measure(topic):
                self._background.start(self._questions.measure(topic))
            case _:
                assert_never(action)

    def _came(self, told: Input) -> None:
        """The broker has something for everybody."""
        self._turns.events_came()
        self.tell(told)

    def _broker_lost(self) -> None:
        self.tell(BrokerLost())

    def _broker_back(self) -> None:
        self.tell(BrokerBack())

    def _on_time(self) -> None:
        self.tell(Ticked(time.time_ns() // 1_000_000))
