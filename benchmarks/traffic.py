"""Events at a steady rate, each with the moment at which it was published, and how long they were on their way."""

import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import AsyncIterator

from pulse_radar import Publisher

__all__ = ["Latencies", "steady"]


class Latencies:
    """Milliseconds from `publish` to the frame, noted by a listener in this process."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def note(self, text: bytes) -> None:
        """A frame came; one without its moment is passed over."""
        sent = json.loads(text)["data"].get("at")
        if sent is not None:
            self._values.append((time.perf_counter_ns() - sent) / 1e6)

    def forget(self) -> None:
        self._values.clear()

    def percentile_99(self) -> float:
        """Of what was noted and not forgotten; then it is."""
        found = statistics.quantiles(self._values, n=100)[98]
        self.forget()
        return found

    def __repr__(self) -> str:
        return f"<Latencies of {len(self._values)} events>"


@contextlib.asynccontextmanager
async def steady(publisher: Publisher, topic: str, per_second: float, text: str = "") -> AsyncIterator[None]:
    """So many a second, while this is open. Raises: what publishing raises."""

    async def go_on() -> None:
        while True:
            await publisher.publish(topic, "thing_happened", {"at": time.perf_counter_ns(), "text": text})
            await asyncio.sleep(1 / per_second)

    async with asyncio.TaskGroup() as group:
        publishing = group.create_task(go_on())
        yield
        publishing.cancel()
