"""The worker: takes jobs from the queue until it is told to stop, and then gives back what it is at."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from taskiq.acks import AcknowledgeType

from pulse_radar.errors import BrokerUnavailable
from pulse_radar.radar.jobs.broker import JobBroker
from pulse_radar.radar.jobs.lease import LeasedReceiver
from pulse_radar.radar.jobs.queue import make_job_broker
from pulse_radar.settings import Settings

__all__ = ["run_worker"]

_log: Final = logging.getLogger("pulse_radar.jobs")

# Jobs at once in one process. Parsing holds a core: more of them are for more processes.
_JOBS_AT_ONCE: Final = 4

# A job that is asked to stop leaves off after its next chunk, within tens of milliseconds.
_STOP_SECONDS: Final = 4.0

# A broker that starts beside the worker is there by then.
_STARTUP_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.2


async def run_worker(settings: Settings, stopping: asyncio.Event) -> None:
    """Run jobs until `stopping` is set.

    Raises: BrokerUnavailable, when no broker is there within the start-up time; BrokerRefused.
    """
    broker = await _connected(settings, stopping)
    _log.info("ready for jobs on %s", settings.broker_for_people)
    try:
        with ThreadPoolExecutor() as threads:
            receiver = LeasedReceiver(
                broker,
                executor=threads,
                max_async_tasks=_JOBS_AT_ONCE,
                run_startup=False,
                ack_type=AcknowledgeType.WHEN_SAVED,
                wait_tasks_timeout=_STOP_SECONDS,
            )
            await receiver.listen(stopping)
    finally:
        await broker.shutdown()


async def _connected(settings: Settings, stopping: asyncio.Event) -> JobBroker:
    deadline = time.monotonic() + _STARTUP_SECONDS
    while True:
        try:
            broker = await make_job_broker(settings, stopping)
            broker.is_worker_process = True
            await broker.startup()
        except BrokerUnavailable as error:
            if stopping.is_set() or time.monotonic() > deadline:
                raise
            _log.warning("waiting for the broker: %s", error)
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            return broker
