"""From the broker into the hub: topics declared, and each one's tail followed for ever."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, assert_never

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic, TopicSpec
from pulse_radar.errors import BrokerError
from pulse_radar.histogram import HistogramStats
from pulse_radar.hub.inputs import Arrived, Input, LogOpened, StateOpened
from pulse_radar.server.arrivals import Arrivals
from pulse_radar.server.patience import until_answered
from pulse_radar.stream.reading import parts, size_of

__all__ = ["Intake"]

# So much of a burst is told at once: on top of what makes a connection congested that is far below its bound.
_PART_BYTES: Final = 64 * 1024


class Intake:
    """Tells what the tails of a broker's topics bring."""

    def __init__(
        self,
        broker: Broker,
        *,
        window_events: int,
        tell: Callable[[Input], None],
        breathe: Callable[[], Awaitable[None]],
    ) -> None:
        """`window_events`: so many of a log's newest events are brought first, to be replayed from memory.

        `breathe` is awaited within a burst: it returns when whoever reads had time to take what was told so far.
        """
        self._broker = broker
        self._window_events = window_events
        self._tell = tell
        self._breathe = breathe
        self._arrivals: dict[str, Arrivals] = {}

    async def declare(self, topics: Sequence[TopicSpec]) -> None:
        """Create the topics, as soon as the broker is there. Raises: BrokerRefused, NotPermitted."""
        await until_answered("topics not declared yet", lambda: self._broker.declare(topics))

    async def follow(self, topic: TopicSpec) -> None:
        """Bring every entry of the topic, for ever."""
        extent = await until_answered(
            f"{topic.name} is not there yet", lambda: self._broker.extent(topic.name)
        )
        match topic:
            case LogTopic(name):
                after = max(extent.first - 1, extent.last - self._window_events)
                self._tell(LogOpened(name, after, extent.last))
            case StateTopic(name):
                # All of it, however old.
                after = 0
                self._tell(StateOpened(name, extent.origin - 1, extent))
            case _:
                assert_never(topic)
        arrivals = self._arrivals[name] = Arrivals(name, head=extent.last)
        burst = 0
        async for entries in self._broker.tail(name, after=after):
            for part in parts(tuple(entries), _PART_BYTES):
                began_ns = time.time_ns()
                self._tell(Arrived(name, part))
                arrivals.handed_on(part, began_ns)
                burst += sum(map(size_of, part))
                if burst >= _PART_BYTES:
                    await self._breathe()
                    burst = 0
        raise BrokerError(f"the tail of {name} ended, which it never should")

    def lag_seconds(self) -> dict[str, HistogramStats]:
        """How long the events of each topic were on their way."""
        return {topic: arrivals.stats() for topic, arrivals in self._arrivals.items()}
