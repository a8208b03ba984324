"""Requests under way on a link: each has a reply subject of its own, so a late answer finds nobody."""

import asyncio
import math
from collections.abc import Callable
from itertools import count
from typing import Final

from nats.nuid import NUID

from pulse_radar.brokers.base import NotStored
from pulse_radar.brokers.nats.messages import is_stored
from pulse_radar.brokers.nats.wire_format import Incoming
from pulse_radar.errors import BrokerError, NotPermitted

__all__ = ["NobodyAnswers", "Request", "Requests"]

# A server tells us so at once when no stream, or no server that could answer, listens on a subject.
_NO_RESPONDERS: Final = "503"


class NobodyAnswers(NotStored):
    """Nobody listens where we asked: there is no such stream, or no leader of it at the moment."""


class Request:
    """One question and its answers, complete when `is_complete` says so of an answer."""

    def __init__(
        self, subject: str, reply: str, is_complete: Callable[[Incoming], bool], patience_seconds: float
    ) -> None:
        self.subject = subject
        self.reply = reply
        self._is_complete = is_complete
        self._patience_seconds = patience_seconds
        self._messages: list[Incoming] = []
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[list[Incoming]] = self._loop.create_future()
        # When it has waited long enough for the next answer.
        self.ends_at = self._loop.time() + patience_seconds

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self._answer.done()

    def take(self, message: Incoming) -> None:
        if self._answer.done():
            # Of a cluster that was cut in two, two servers may answer: both think that they lead.
            return
        self._messages.append(message)
        if _is_refusal(message):
            self._answer.set_exception(NobodyAnswers(f"nobody answers on {self.subject}"))
        elif self._is_complete(message):
            self._answer.set_result(self._messages)
        else:
            self.ends_at = self._loop.time() + self._patience_seconds

    def fail(self, error: BrokerError | TimeoutError) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)

    async def answers(self) -> list[Incoming]:
        """All answers. Raises: TimeoutError, when a further one did not come in time."""
        return await self._answer

    def close(self) -> None:
        """Nobody waits any more; what fails from now on is not worth a complaint of the loop."""
        if not self._answer.cancel() and not self._answer.cancelled():
            self._answer.exception()


def _is_refusal(message: Incoming) -> bool:
    """Whether the server says that nobody listens; an event may carry such a header, but then it is a stored one."""
    headers = message.headers or {}
    return not message.data and headers.get("Status") == _NO_RESPONDERS and not is_stored(message)


class Requests:
    """All requests under way, found by their reply subject."""

    def __init__(self, inbox_prefix: str) -> None:
        self._inbox = f"{inbox_prefix}.{NUID().next().decode()}"
        self._numbers = count(1)
        self._open: dict[str, Request] = {}
        # When it is seen to that nobody waits too long, and by what: with a timer for each, an event would have two.
        self._looks_at = math.inf
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def inbox(self) -> str:
        """The pattern of the reply subjects."""
        return f"{self._inbox}.*"

    def open(
        self, subject: str, is_complete: Callable[[Incoming], bool], *, patience_seconds: float
    ) -> Request:
        """`patience_seconds`: for so long it waits for each answer."""
        request = Request(subject, f"{self._inbox}.{next(self._numbers)}", is_complete, patience_seconds)
        self._open[request.reply] = request
        if request.ends_at < self._looks_at:
            self._look_at(request.ends_at)
        return request

    def close(self, request: Request) -> None:
        del self._open[request.reply]
        request.close()

    def answer(self, message: Incoming) -> None:
        request = self._open.get(message.subject)
        if request is not None:
            request.take(message)

    def fail(self, error: BrokerError) -> None:
        """All of them."""
        for request in self._open.values():
            request.fail(error)
        self._look_at(math.inf)

    def refuse(self, subject: str) -> None:
        """Those to one subject, in lower case: so the library hands refusals on."""
        for request in self._open.values():
            if request.subject.lower() == subject:
                request.fail(NotPermitted(f"the server does not let us publish to {request.subject}"))

    def _look_at(self, moment: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._looks_at = moment
        if moment < math.inf:
            self._alarm = asyncio.get_running_loop().call_at(moment, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        for request in self._open.values():
            if request.ends_at <= now:
                request.fail(TimeoutError())
        ends = (request.ends_at for request in self._open.values() if not request.is_over)
        self._look_at(min(ends, default=math.inf))

    def __len__(self) -> int:
        return len(self._open)

    def __repr__(self) -> str:
        return f"<Requests {len(self._open)} under way>"
