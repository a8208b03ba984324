"""Whether an event that is published comes back, and whether the broker's clock is ours."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pulse_radar.brokers.base import Broker
from pulse_radar.cli.checks.finding import Finding, doubt, fine, skipped, trouble
from pulse_radar.errors import BrokerError, NotPermitted
from pulse_radar.server.delivery_probe import DeliveryProbe

if TYPE_CHECKING:
    from pulse_radar.brokers.nats.broker import NatsBroker

__all__ = ["check_clock", "check_delivery"]

# An election takes 8.5 s; whoever asks a doctor waits for this long, and not for minutes.
_PROBE_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.02

# From here on tickets (30 s) and tokens are taken for expired, or for not valid yet.
_CLOCK_DOUBT_SECONDS: Final = 2.0
_CLOCK_TROUBLE_SECONDS: Final = 30.0


async def check_delivery(broker: Broker, *, may_declare: bool) -> Finding:
    """Publish an event and wait for it at the end of the tail, as `/ready` does."""
    probe = DeliveryProbe(broker, on_lost=_nothing, on_back=_nothing)
    try:
        if may_declare:
            with contextlib.suppress(NotPermitted):
                await broker.declare([probe.topic])
        await broker.extent(probe.topic.name)
    except BrokerError as error:
        return skipped(
            "delivery", f"no event can be tried: {error}", "start the app once, which makes what is needed"
        )
    probing = asyncio.create_task(probe.run())
    deadline = time.monotonic() + _PROBE_SECONDS
    while (  # noqa: ASYNC110 (nobody is told when a probe comes back)
        probe.round_trip_seconds is None and not probing.done() and time.monotonic() < deadline
    ):
        await asyncio.sleep(_LOOK_SECONDS)
    probing.cancel()
    [why] = await asyncio.gather(probing, return_exceptions=True)
    if probe.round_trip_seconds is not None:
        return fine("delivery", f"published and delivered in {probe.round_trip_seconds * 1_000:.1f} ms")
    return trouble(
        "delivery",
        _first(why) or f"an event that was published did not come back within {_PROBE_SECONDS:g} s",
        "see whether these credentials may publish to websocket.> and subscribe to live.> (docs/OPERATIONS.md, "
        "'Who needs which right'), and whether the stream has a leader: nats stream report",
    )


def _first(error: BaseException | None) -> str | None:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return None if error is None or isinstance(error, asyncio.CancelledError) else str(error)


async def check_clock(broker: "NatsBroker") -> Finding:
    probe = DeliveryProbe(broker, on_lost=_nothing, on_back=_nothing)
    began = time.time()
    try:
        facts = await broker.stream_facts(probe.topic)
    except BrokerError as error:
        return skipped("clock", f"the broker does not tell its time: {error}")
    if facts is None:
        return skipped("clock", "the broker tells its time with a stream, and there is none yet")
    here = datetime.fromtimestamp((began + time.time()) / 2, UTC)
    ahead = (facts.looked_at - here).total_seconds()
    said = f"the broker's is {abs(ahead):.3f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    if abs(ahead) < _CLOCK_DOUBT_SECONDS:
        return fine("clock", said)
    advice = "set both by NTP (timedatectl, chronyc tracking): tokens, tickets and `max_age` go by the clock"
    if abs(ahead) < _CLOCK_TROUBLE_SECONDS:
        return doubt("clock", said, advice)
    return trouble("clock", said, advice)


def _nothing() -> None:
    """Nobody wants to know."""
