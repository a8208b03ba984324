"""A sample a second, published for as long as the process is there, and taken back when it ends."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal

from pulse_radar.errors import BrokerError
from pulse_radar.publisher import Publisher
from pulse_radar.publishing import Publishes
from pulse_radar.radar.metrics.events import MetricsSampled
from pulse_radar.radar.metrics.sampler import LayerRates, Machine, source_of_this_process
from pulse_radar.server.runner_stats import RunnerStats
from pulse_radar.settings import Settings
from pulse_radar.tasks import ended

__all__ = ["report_metrics", "report_of_worker"]

_log: Final = logging.getLogger("pulse_radar.metrics")

_PERIOD_SECONDS: Final = 1.0

# At the end a broker that is away is not waited for: the topic forgets us in a minute.
_END_SECONDS: Final = 1.0


@asynccontextmanager
async def report_metrics(
    publishes: Publishes,
    role: Literal["api", "worker"],
    disk: Path,
    layer: Callable[[], RunnerStats] | None = None,
) -> AsyncIterator[None]:
    """Tell of this process while the context lasts. A broker that is away only makes a hole in the chart."""
    source = source_of_this_process()
    task = asyncio.create_task(_report(publishes, source, role, disk, layer), name="metrics")
    try:
        yield
    finally:
        task.cancel()
        await ended(task)
        with contextlib.suppress(BrokerError, TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await publishes.delete(MetricsSampled.TOPIC, source)


@asynccontextmanager
async def report_of_worker(settings: Settings) -> AsyncIterator[None]:
    """The same of a process that serves nobody, as soon as there is a broker, over a connection of its own."""
    task = asyncio.create_task(_report_of_worker(settings), name="metrics of a worker")
    try:
        yield
    finally:
        task.cancel()
        await ended(task)


async def _report_of_worker(settings: Settings) -> None:
    while True:
        with contextlib.suppress(BrokerError):
            async with (
                Publisher(settings=settings) as publisher,
                report_metrics(publisher, "worker", settings.data_dir),
            ):
                await asyncio.Event().wait()
        await asyncio.sleep(_PERIOD_SECONDS)


async def _report(
    publishes: Publishes,
    source: str,
    role: Literal["api", "worker"],
    disk: Path,
    layer: Callable[[], RunnerStats] | None,
) -> None:
    machine = await asyncio.to_thread(Machine, disk)
    rates = LayerRates()
    due = time.monotonic()
    while True:
        # A second after the last one was due, not after it was sent; what was missed is not made up for.
        due = max(due + _PERIOD_SECONDS, time.monotonic())
        await asyncio.sleep(due - time.monotonic())
        late = time.monotonic() - due
        try:
            host, process = await asyncio.to_thread(machine.look, late)
            told = None if layer is None else rates.look(layer(), time.monotonic())
            sample = MetricsSampled(source=source, role=role, host=host, process=process, layer=told)
            async with asyncio.timeout(_PERIOD_SECONDS):
                await publishes.publish(sample)
        except (BrokerError, TimeoutError) as error:
            _log.debug("this second's metrics are lost: %r", error)
