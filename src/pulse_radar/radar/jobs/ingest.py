"""The job that ingests an export: a run of `Ingestion`, as TaskIQ calls it."""

import asyncio
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from taskiq import Context, TaskiqDepends

from pulse_radar.errors import BrokerError
from pulse_radar.jobs import JobProgress
from pulse_radar.radar.ingestion import PAUSED, Ingestion, IngestionFailed
from pulse_radar.radar.ingestion.agent import open_agent
from pulse_radar.radar.jobs.broker import MAX_DELIVERIES, JobBroker
from pulse_radar.radar.jobs.lease import delivery_number
from pulse_radar.radar.jobs.names import INGEST_EXPORT
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store.publishing import open_publishing_store
from pulse_radar.radar.uploads import is_upload
from pulse_radar.settings import Settings

__all__ = ["register_ingest_export"]

# A broker or a database that is away for longer than all of them (half a minute each) is a matter for a person.
_MAX_ATTEMPTS: Final = 10


def register_ingest_export(broker: JobBroker, settings: Settings) -> None:
    """Make the job known to this broker, for queueing it and for running it."""

    async def ingest_export(
        path: str,
        timezone: str | None,
        pace: float | None,
        agent: str | None = None,
        context: Context = TaskiqDepends(),
        progress: JobProgress = TaskiqDepends(),
    ) -> None:
        """Ingest the export at `path`. Safe to run any number of times, also at the same time.

        `agent`: the id or name of who is to read it.
        """
        task_id = context.message.task_id
        if delivery_number.get() > MAX_DELIVERIES:
            raise IngestionFailed(
                f"{path}: given up after {MAX_DELIVERIES} workers died over it: look into their logs, "
                "and at the memory that they had"
            )
        radar = RadarSettings.load()
        async with open_publishing_store(settings, radar) as store:
            ingestion = Ingestion(
                task_id,
                Path(path),
                store=store,
                timezone=timezone,
                pace=pace,
                report=progress.update,
                agent=None if agent is None else open_agent(agent, store, radar),
                is_upload=is_upload(Path(path), settings),
            )
            try:
                finished = await ingestion.run(broker.stopping.is_set)
            except asyncio.CancelledError:
                if progress.is_stopping:
                    await ingestion.leave("paused" if progress.reason == PAUSED else "cancelled")
                raise
        if not finished:
            await context.requeue()

    broker.register_task(
        ingest_export,
        task_name=INGEST_EXPORT,
        retry_on_error=True,
        max_retries=_MAX_ATTEMPTS,
        # What else goes wrong goes wrong again: a broken file is not read ten times.
        types_of_exceptions=(BrokerError, SQLAlchemyError),
    )
