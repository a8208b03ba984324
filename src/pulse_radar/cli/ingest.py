"""`pulse-radar ingest`: queues the ingestion of a Telegram export, and shows how it goes."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo

import typer

from pulse_radar.brokers.opening import open_broker
from pulse_radar.cli.extras import need_radar
from pulse_radar.cli.loops import run
from pulse_radar.cli.options import (
    BrokerOption,
    DataDirOption,
    JsonOption,
    NamespaceOption,
    load_shared_settings,
)
from pulse_radar.errors import InvalidSetting
from pulse_radar.settings import Settings

if TYPE_CHECKING:
    from pulse_radar.cli.job_display import JobDisplay
    from pulse_radar.cli.job_follower import Outcome

__all__ = ["ingest"]

# A worker that is there takes a job within milliseconds.
_NOBODY_SECONDS: Final = 3.0


def ingest(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
            help="The result.json of a Telegram Desktop export.",
        ),
    ],
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Stay and show its progress.")] = True,
    timezone: Annotated[
        str | None,
        typer.Option(help="Where an export from before late 2021 was made, as in Europe/Berlin."),
    ] = None,
    pace: Annotated[
        float | None, typer.Option(min=1, help="At most so many messages a second; else as fast as it goes.")
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option(help="Who finds the knowledge in it: an agent of the dashboard, by id or name."),
    ] = None,
    as_json: JsonOption = False,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Ingest a Telegram export: a worker reads it, and what is new in it becomes knowledge.

    Ingesting it again adds nothing twice. Ctrl-C leaves the job running.
    """
    need_radar()
    from pulse_radar.cli.job_display import make_display
    from pulse_radar.radar.ingestion import IngestionFailed, check_export

    check_export(file)
    _check_zone(timezone)
    display = make_display(file.name, as_json=as_json)
    settings = load_shared_settings(broker, data_dir, namespace)
    try:
        outcome = run(_ingest(settings, file.resolve(), timezone, pace, agent, display, wait=wait))
    except KeyboardInterrupt:
        display.leave()
        raise
    if outcome is not None and outcome.error is not None:
        raise IngestionFailed(outcome.error)


async def _ingest(
    settings: Settings,
    path: Path,
    timezone: str | None,
    pace: float | None,
    agent: str | None,
    display: "JobDisplay",
    *,
    wait: bool,
) -> "Outcome | None":
    from pulse_radar.cli.job_follower import JobFollower
    from pulse_radar.radar.jobs import open_job_queue

    async with open_broker(settings, is_owner=False) as broker:
        follower = await JobFollower.ready(broker)
        async with open_job_queue(settings) as queue:
            job_id = await queue.ingest(path, timezone=timezone, pace=pace, agent=agent)
        display.queued(job_id)
        if not wait:
            return None
        asyncio.get_running_loop().call_later(_NOBODY_SECONDS, display.nobody)
        with display:
            outcome = await follower.follow(job_id, display.heard)
    display.ended(outcome)
    return outcome


def _check_zone(timezone: str | None) -> None:
    try:
        ZoneInfo(timezone or "UTC")
    except (KeyError, ValueError, OSError):
        if timezone is not None:
            raise InvalidSetting(
                f"there is no time zone {timezone!r}: write it as in Europe/Berlin"
            ) from None
