"""What exists while a Pulse runs: begun in order, the broker first, and ended in the reverse of it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import msgspec

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.opening import open_broker
from pulse_radar.brokers.publish_queue import PublishQueue
from pulse_radar.brokers.topic_spec import TopicSpec
from pulse_radar.events import Event
from pulse_radar.hub.limits import Limits
from pulse_radar.server.places import ConnectionBounds
from pulse_radar.server.policy import Policy
from pulse_radar.server.runner import Runner
from pulse_radar.settings import Settings
from pulse_radar.untyped import Untyped

__all__ = ["Running", "running"]

# A broker that starts beside the app is there by then; one that is not deserves a clear error.
_STARTUP_SECONDS: Final = 20.0


class Running(msgspec.Struct, frozen=True):
    """One run, from the moment at which it may publish."""

    broker: Broker
    runner: Runner
    queue: PublishQueue
    untyped: Untyped


@asynccontextmanager
async def running(
    settings: Settings,
    policy: Policy,
    topics: Sequence[TopicSpec],
    limits: Limits,
    *,
    kept_beside: Sequence[TopicSpec],
    events: Callable[[], Mapping[str, Sequence[type[Event]]]],
) -> AsyncIterator[Running]:
    """Connect and serve these topics, for as long as the block lasts.

    `kept_beside`: topics of our own that nobody follows. `events` answers the typed events by topic.
    Raises: BrokerUnavailable, BrokerRefused, NotPermitted.
    """
    async with AsyncExitStack() as stack:
        if policy.companion is not None:
            await stack.enter_async_context(policy.companion)
        broker = await stack.enter_async_context(open_broker(settings, is_owner=True))
        runner = Runner(
            broker,
            topics,
            limits,
            bounds=ConnectionBounds.from_settings(settings),
            unsent_limit_bytes=settings.unsent_limit_bytes,
            startup_seconds=_STARTUP_SECONDS,
        )
        await stack.enter_async_context(runner)
        if kept_beside:
            await broker.declare(kept_beside)
        queue = PublishQueue.from_settings(broker, settings)
        stack.callback(queue.close)
        yield Running(broker, runner, queue, Untyped(events))
