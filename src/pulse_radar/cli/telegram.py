"""`pulse-radar telegram`: a bot reads along in its chats until it is told to stop."""

import asyncio
import signal
from typing import Annotated

import typer

from pulse_radar.cli.extras import need_radar
from pulse_radar.cli.loops import first_of, run
from pulse_radar.cli.options import BrokerOption, DataDirOption, NamespaceOption, load_shared_settings
from pulse_radar.settings import Settings

__all__ = ["telegram"]


def telegram(
    context: typer.Context,
    agent: Annotated[
        str | None,
        typer.Option(help="Who finds the knowledge in it: an agent of the dashboard, by id or name."),
    ] = None,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Read along with a Telegram bot: what is said in its chats becomes knowledge, live.

    The bot's token is PULSE_TELEGRAM_TOKEN. Stopped or killed, it goes on where it was: Telegram keeps what is said
    meanwhile for a day.
    """
    from pulse_radar.cli.logs import configure_logs

    need_radar()
    settings = load_shared_settings(broker, data_dir, namespace)
    configure_logs(debug=bool(context.parent and context.parent.params["debug"]))
    run(_follow(settings, agent))


async def _follow(settings: Settings, agent: str | None) -> None:
    from pulse_radar.radar.bot import follow_bot
    from pulse_radar.radar.settings import RadarSettings

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await first_of(_set(stopping), follow_bot(settings, RadarSettings.load(), agent))


async def _set(event: asyncio.Event) -> None:
    await event.wait()
