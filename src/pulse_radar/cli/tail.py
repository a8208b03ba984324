"""`pulse-radar tail`: follows topics over a WebSocket, and resumes by itself."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated

import typer

from pulse_radar.cli.loops import run
from pulse_radar.cli.options import JsonOption, default_of
from pulse_radar.cli.printing import NobodyReads, print_json, print_plain
from pulse_radar.errors import InvalidSetting
from pulse_radar.settings import CommandSettings

__all__ = ["tail"]


def tail(
    topics: Annotated[
        list[str] | None, typer.Argument(help="Topics, or topic/key; all where none is named.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="SEQ|TOPIC:SEQ,…", help="After these positions; 0: all that is kept."),
    ] = None,
    last: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Begin with the N newest events of each topic.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="PULSE_URL",
            show_default=default_of("url"),
            help="The server: http://host:8000, or with the prefix of its routes, http://host/live.",
        ),
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="PULSE_TOKEN", help="Credentials, where the server asks for them.")
    ] = None,
    headers: Annotated[
        list[str] | None,
        typer.Option(
            "--header", metavar="NAME: VALUE", help="Sent along, as in --header 'Cookie: session=…'."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Follow topics live. A lost connection is made again, and goes on where it was: nothing is missed.

    Gaps that the server reports are printed, too.
    """
    settings = CommandSettings.load(url=url, token=token)
    run(_tail(topics, since, last, settings, dict(map(_header, headers or [])), as_json=as_json))


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise InvalidSetting(f"{text!r} is no header: write --header 'Name: value'")
    return name.strip(), value.strip()


async def _tail(
    topics: list[str] | None,
    since: str | None,
    last: int | None,
    settings: CommandSettings,
    headers: Mapping[str, str],
    *,
    as_json: bool,
) -> None:
    # Here, so that commands that follow nothing start without a WebSocket library.
    from pulse_radar.client.events import connect

    token = settings.token.get_secret_value() if settings.token else None
    show = print_json if as_json else print_plain
    with suppress(NobodyReads):
        async with connect(
            settings.url, topics, after=since, last=last, token=token, headers=headers
        ) as events:
            async for received in events:
                show(received)
