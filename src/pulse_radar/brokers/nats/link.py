"""The way to the server: questions and answers over one session after another, for ever."""

import asyncio
import contextlib
import logging
import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from pulse_radar.brokers.base import NotStored
from pulse_radar.brokers.nats.access import Access
from pulse_radar.brokers.nats.doubt import Doubt
from pulse_radar.brokers.nats.facts import ServerFacts
from pulse_radar.brokers.nats.requests import Requests
from pulse_radar.brokers.nats.session import Session
from pulse_radar.brokers.nats.wire import MessageCallback
from pulse_radar.brokers.nats.wire_format import Incoming, Outgoing
from pulse_radar.errors import BrokerError, BrokerRefused, BrokerUnavailable, EventTooLarge, NotPermitted

__all__ = ["Link", "LinkStats"]

_logger: Final = logging.getLogger(__name__)

# A server that was restarted is back in milliseconds; one that stays away is asked several times a second.
_FIRST_RETRY_SECONDS: Final = 0.02
_LONGEST_RETRY_SECONDS: Final = 0.5

_CANCEL_SECONDS: Final = 0.1


class LinkStats(msgspec.Struct, frozen=True):
    """A snapshot of a link. `server` is the one that it is connected to."""

    is_connected: bool
    server: str | None
    connections: int
    requests: int
    trouble: str | None


def _is_any(_message: Incoming) -> bool:
    return True


class Link:
    """Keeps a session open, and a new one after each loss.

    While there is none every request fails at once, and nothing is kept to be sent later.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self._requests = Requests(access.inbox_prefix)
        self._session: Session | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._heard: dict[str, MessageCallback] = {}
        # Subjects (in lower case) that the server does not let us hear.
        self._refused: set[str] = set()
        self._connections = 0
        self._trouble: str | None = None
        # What ended the keeper: a defect, after which nothing connects any more.
        self._defect: BaseException | None = None
        self._watchers: list[Callable[[], None]] = []
        # Whether the server that we are connected to is of use, and which one was left for being of none.
        self._doubt = Doubt(access.leave_after_seconds)
        self._shunned: str | None = None

    async def open(self) -> None:
        """Connect once. Raises: BrokerUnavailable, BrokerRefused."""
        session = await self._open_session()
        self._keeper = asyncio.create_task(self._keep(session), name=f"link to {self.access}")
        self._keeper.add_done_callback(self._kept)

    async def close(self) -> None:
        """Leave nothing running."""
        try:
            if self._keeper is not None:
                await _end(self._keeper)
        finally:
            self._requests.fail(BrokerUnavailable(f"the link to {self.access} is closed"))
            if self._session is not None:
                await self._session.close()

    @property
    def is_connected(self) -> bool:
        return self._session is not None and self._session.is_connected

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call it after each connecting, and when a subject may not be heard."""
        self._watchers.append(watcher)

    def listen(self, subject: str, callback: MessageCallback) -> None:
        """Hear a subject, in this session and in all to come."""
        self._heard[subject] = callback
        if self._session is not None and self.is_connected:
            self._session.subscribe(subject, callback)

    def check_heard(self, subject: str) -> None:
        """Raises: NotPermitted, if the server does not let us hear this subject. BrokerRefused, if nothing connects."""
        self._check_kept()
        if self._refused and subject.lower() in self._refused:
            raise self._not_heard(subject)

    def is_heard(self, subject: str) -> bool:
        """Whether we listen there, and the server lets us."""
        return subject in self._heard and subject.lower() not in self._refused

    def reply(self, message: Incoming, payload: bytes) -> None:
        """Answer somebody's request. Raises: BrokerUnavailable, when there is no way to them."""
        if self._session is None or not self.is_connected:
            raise BrokerUnavailable(f"not connected to {self.access}")
        self._session.send(Outgoing(message.reply, payload))

    def server_facts(self) -> ServerFacts:
        """Of the server that we are connected to. Raises: BrokerUnavailable."""
        session = self._session
        if session is None or not session.is_connected:
            raise BrokerUnavailable(f"not connected to {self.access}: {self._trouble}")
        return ServerFacts(session.server, session.version, session.limit_bytes, session.is_clustered)

    def check_size(self, payload: bytes, headers: dict[str, str]) -> None:
        """Raises: EventTooLarge."""
        if self._session is not None and not self._session.fits(payload, headers):
            raise EventTooLarge(
                f"the event has {len(payload)} bytes, and {self.access} takes {self._session.limit_bytes} "
                "with the headers"
            )

    async def ask(
        self,
        subject: str,
        payload: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        preceded_by: Sequence[Outgoing] = (),
        is_complete: Callable[[Incoming], bool] = _is_any,
        patience_seconds: float = math.inf,
    ) -> list[Incoming]:
        """The answers to one request, up to the one that makes them complete.

        `preceded_by`: what goes before it on the same session, and is not answered.
        `patience_seconds`: less than `request_timeout_seconds`, where an answer comes soon or not at all.
        Raises: NotStored at once without a session. BrokerUnavailable, when it is lost meanwhile, and after so long
        without any answer; NobodyAnswers; NotPermitted. BrokerRefused, if nothing connects any more.
        """
        self._check_kept()
        session = self._session
        if session is None or not session.is_connected:
            raise NotStored(f"not connected to {self.access}: {self._trouble}")
        self.check_heard(self._requests.inbox)
        patience = min(patience_seconds, self.access.request_timeout_seconds)
        request = self._requests.open(subject, is_complete, patience_seconds=patience)
        try:
            for message in preceded_by:
                await session.publish(message)
            await session.publish(Outgoing(subject, payload, headers, request.reply))
            return await request.answers()
        except TimeoutError:
            raise BrokerUnavailable(f"no answer from {self.access} on {subject} in {patience:g} s") from None
        finally:
            self._requests.close(request)

    @contextlib.contextmanager
    def needing_a_leader(self) -> Iterator[None]:
        """What is asked inside, a server that is cut off from its cluster cannot answer: in time it is left."""
        now = asyncio.get_running_loop().time
        asked_at = now()
        try:
            yield
        except BrokerUnavailable:
            if self._doubt.failed(asked_at, now()):
                self._leave()
            raise
        except BrokerError:
            # A refusal is an answer.
            self._doubt.dispelled()
            raise
        else:
            self._doubt.dispelled()

    def stats(self) -> LinkStats:
        server = self._session.server if self._session is not None and self.is_connected else None
        return LinkStats(self.is_connected, server, self._connections, len(self._requests), self._trouble)

    def __repr__(self) -> str:
        state = "connected" if self.is_connected else f"not connected ({self._trouble})"
        return f"<Link {self.access}, {state}, {len(self._requests)} requests>"

    async def _keep(self, session: Session) -> None:
        while True:
            await session.lost()
            self._note(f"lost the connection ({session.trouble or 'it was closed'})")
            self._requests.fail(BrokerUnavailable(f"lost the connection to {self.access}"))
            await session.close()
            session = await self._reopen()
            _logger.info("connected to %s again", self.access)

    def _kept(self, keeper: asyncio.Task[None]) -> None:
        """The keeper ended, and nobody awaits it before the end: say so to all who believe in it."""
        if keeper.cancelled():
            return
        self._defect = keeper.exception()
        _logger.critical("the link to %s broke, and stays so", self.access, exc_info=self._defect)
        self._requests.fail(self._broken())
        self._tell_watchers()

    def _check_kept(self) -> None:
        if self._defect is not None:
            raise self._broken() from self._defect

    def _broken(self) -> BrokerRefused:
        return BrokerRefused(f"the link to {self.access} broke, and stays so: {self._defect!r}")

    async def _reopen(self) -> Session:
        delay = _FIRST_RETRY_SECONDS
        while True:
            # Full jitter: a restarted server is not met by all of its clients at once.
            await asyncio.sleep(random.uniform(0, delay))  # noqa: S311  # not a secret
            try:
                return await self._open_session()
            except BrokerError as error:
                # Refusals as well: credentials are mended and servers upgraded while we wait.
                self._note(str(error))
            delay = min(2 * delay, _LONGEST_RETRY_SECONDS)

    def _leave(self) -> None:
        session = self._session
        if session is not None and session.is_connected and len(self.access.servers) > 1:
            self._shunned = session.server
            session.leave(f"{self._shunned} has done nothing for {self.access.leave_after_seconds:g} s")

    async def _open_session(self) -> Session:
        session = Session(self.access, self._refuse, shunned=self._shunned)
        self._refused.clear()
        await session.open()
        try:
            self._subscribe(session)
        except BaseException:
            await session.close()
            raise
        self._session = session
        self._connections += 1
        self._trouble = None
        self._doubt.dispelled()
        self._tell_watchers()
        return session

    def _subscribe(self, session: Session) -> None:
        # Before anything is asked: a server that answers the first request has these subscriptions.
        session.subscribe(self._requests.inbox, self._requests.answer)
        for subject, callback in self._heard.items():
            session.subscribe(subject, callback)

    def _refuse(self, act: str, subject: str) -> None:
        if act == "publish":
            self._requests.refuse(subject)
            return
        self._refused.add(subject)
        if subject == self._requests.inbox.lower():
            self._requests.fail(self._not_heard(self._requests.inbox))
        self._tell_watchers()

    def _not_heard(self, subject: str) -> NotPermitted:
        return NotPermitted(f"{self.access} does not let us subscribe to {subject}")

    def _tell_watchers(self) -> None:
        for watcher in self._watchers:
            watcher()

    def _note(self, trouble: str) -> None:
        if trouble != self._trouble:
            _logger.warning("%s: %s", self.access, trouble)
        self._trouble = trouble


async def _end(task: asyncio.Task[None]) -> None:
    # Again and again: Python 3.11's wait_for, which the client library uses, can swallow a cancellation.
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_CANCEL_SECONDS)
