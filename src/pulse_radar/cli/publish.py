"""`pulse-radar publish` and `delete`: one event, or the end of a key, from a shell or a script."""

import os
import sys
from typing import Annotated

import msgspec
import typer

from pulse_radar.brokers.base import Draft
from pulse_radar.cli.loops import run
from pulse_radar.cli.options import (
    BrokerOption,
    DataDirOption,
    JsonOption,
    NamespaceOption,
    load_shared_settings,
)
from pulse_radar.errors import InvalidEvent
from pulse_radar.protocol.json_value import JsonValue
from pulse_radar.publisher import Publisher
from pulse_radar.publishing import Position, draft_deletion, draft_event
from pulse_radar.settings import Settings

__all__ = ["delete", "publish"]


def publish(
    topic: Annotated[str, typer.Argument(help="Where it is published.", show_default=False)],
    event: Annotated[str, typer.Argument(help="What happened: atom_created.", show_default=False)],
    data: Annotated[
        str, typer.Argument(metavar="JSON", help="Its data; '-' reads it from standard input.")
    ] = "{}",
    key: Annotated[str | None, typer.Option("--key", help="What it is about in its topic.")] = None,
    event_id: Annotated[
        str | None, typer.Option("--id", help="Published again with the same id it is stored once.")
    ] = None,
    ttl: Annotated[
        str | None,
        typer.Option("--ttl", help="Of a state topic: its key is deleted after so long, as in 90s or 24h."),
    ] = None,
    as_json: JsonOption = False,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Publish an event; say its position once it is stored."""
    value = _decode(sys.stdin.buffer.read() if data == "-" else os.fsencode(data))
    # What cannot travel is said before anybody is connected to.
    draft = draft_event(topic, event, value, key=key, event_id=event_id, ttl=ttl)
    _store(load_shared_settings(broker, data_dir, namespace), draft, as_json=as_json)


def delete(
    topic: Annotated[str, typer.Argument(help="The state topic.", show_default=False)],
    key: Annotated[str, typer.Argument(help="The key that is no more.", show_default=False)],
    as_json: JsonOption = False,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Delete a key of a state topic; say the position of that once it is stored."""
    draft = draft_deletion(topic, key, None)
    _store(load_shared_settings(broker, data_dir, namespace), draft, as_json=as_json)


def _store(settings: Settings, draft: Draft, *, as_json: bool) -> None:
    position = run(_publish(settings, draft))
    if as_json:
        typer.echo(msgspec.json.encode({"topic": draft.topic, "_seq": position.sequence}))
    else:
        typer.echo(position)


async def _publish(settings: Settings, draft: Draft) -> Position:
    async with Publisher(settings=settings) as publisher:
        return await publisher.publish_draft(draft)


def _decode(text: bytes) -> JsonValue:
    try:
        value: JsonValue = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"the data is not JSON: {error}. In a shell quote it: '{{\"id\": 7}}'") from None
    return value
