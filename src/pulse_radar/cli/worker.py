"""`pulse-radar worker`: runs background jobs until it is told to stop."""

import asyncio
import signal
from typing import Annotated

import typer

from pulse_radar.cli.extras import need_radar
from pulse_radar.cli.lifeline import hold_lifeline
from pulse_radar.cli.loops import run
from pulse_radar.cli.options import BrokerOption, DataDirOption, NamespaceOption, load_shared_settings
from pulse_radar.settings import Settings

__all__ = ["worker"]


def worker(
    context: typer.Context,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
    lifeline: Annotated[bool, typer.Option("--lifeline", hidden=True)] = False,
) -> None:
    """Run background jobs. Ctrl-C lets them leave off where they are; another worker goes on there."""
    from pulse_radar.cli.logs import configure_logs

    need_radar()
    settings = load_shared_settings(broker, data_dir, namespace)
    configure_logs(debug=bool(context.parent and context.parent.params["debug"]))
    if lifeline:
        hold_lifeline()
    run(_work(settings))


async def _work(settings: Settings) -> None:
    from pulse_radar.radar.jobs import run_worker
    from pulse_radar.radar.metrics import report_of_worker

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with report_of_worker(settings):
        await run_worker(settings, stopping)
