"""A job belongs to its worker only as long as the worker is alive: beats while it works, given back if it stops.

TaskIQ acknowledges a job when it is done and says nothing in between, so that any job longer than `ack_wait`
would be run twice (measured with taskiq-nats 0.7).
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any, Final, Self

import nats.errors
from nats.aio.msg import Msg
from pydantic import PrivateAttr
from taskiq import AckableMessage
from taskiq.receiver import Receiver

__all__ = ["LEASE_SECONDS", "LeasedMessage", "LeasedReceiver", "delivery_number"]

_log: Final = logging.getLogger("pulse_radar.jobs")

# After so long without a beat a job is given to another worker. Three beats may be lost, by a busy loop or network.
LEASE_SECONDS: Final = 6.0
_BEAT_SECONDS: Final = 1.5

# A job that could not even be finished by failing (the broker is away) waits so long before its next delivery.
_GIVEN_BACK_SECONDS: Final = 1.0

# How often the job of this asyncio task was delivered: more than once after a worker died over it.
delivery_number: Final[ContextVar[int]] = ContextVar("delivery_number", default=1)


class LeasedMessage(AckableMessage):
    """A queued job together with its delivery."""

    # Private, so that pydantic does not look into it.
    _delivery: Msg = PrivateAttr()

    @classmethod
    def of(cls, delivery: Msg) -> Self:
        message = cls(data=delivery.data, ack=delivery.ack)
        message._delivery = delivery
        return message

    @property
    def delivery(self) -> Msg:
        return self._delivery


class LeasedReceiver(Receiver):
    """TaskIQ's receiver, which keeps the lease of each job that it runs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Places in the stream of the jobs that run here.
        self._running: set[int] = set()

    async def callback(self, message: bytes | AckableMessage, raise_err: bool = False) -> None:
        assert isinstance(message, LeasedMessage), "our broker leases every job"
        delivery = message.delivery
        place = delivery.metadata.sequence.stream
        if place in self._running:
            # Redelivered to the one who has it: beats were lost while the server was away.
            return
        self._running.add(place)
        delivery_number.set(delivery.metadata.num_delivered or 1)
        try:
            async with _kept(delivery):
                await super().callback(message, raise_err)
        except Exception:  # noqa: BLE001 (whatever it is, nobody else would hear of it)
            _log.exception("a job was not finished, not even by failing: it is given back")
        finally:
            self._running.discard(place)


@contextlib.asynccontextmanager
async def _kept(delivery: Msg) -> AsyncIterator[None]:
    beating = asyncio.create_task(_beat(delivery), name="lease")
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait([beating])
        if not delivery.is_acked:
            with contextlib.suppress(nats.errors.Error):
                await delivery.nak(delay=_GIVEN_BACK_SECONDS)


async def _beat(delivery: Msg) -> None:
    while True:
        await asyncio.sleep(_BEAT_SECONDS)
        with contextlib.suppress(nats.errors.Error):
            await delivery.in_progress()
