"""What a follower prints: a line an event, for a person or for a program."""

import os
import sys
from datetime import datetime
from typing import Final

import msgspec
import typer

from pulse_radar.client.steps import Received
from pulse_radar.protocol.codec import EventBody, encode_event, encode_server
from pulse_radar.protocol.frames import EventFrame, GapFrame, SnapshotFrame, Subscribed
from pulse_radar.protocol.grammar import Feed

__all__ = ["NobodyReads", "print_json", "print_plain"]

_NO_TIME: Final = "--:--:--.---"


class NobodyReads(Exception):
    """Whoever read our output has enough, as `head` does."""


def print_json(received: Received) -> None:
    """The frame as it is on the wire."""
    match received:
        case EventFrame(topic, name, data, sequence, key, event_id, timestamp_ms, deleted, traceparent):
            # Unchecked: what a foreign publisher stored is shown as it is.
            body = EventBody(name, msgspec.Raw(msgspec.json.encode(data)), timestamp_ms)
            text = encode_event(
                topic,
                sequence,
                body,
                key=key,
                event_id=event_id,
                deleted=deleted,
                traceparent=traceparent,
            )
            _print(text.decode())
        case GapFrame() | SnapshotFrame():
            _print(encode_server(received).decode())
        case Subscribed():
            pass


def print_plain(received: Received) -> None:
    """Time, place, name and data of an event; a gap or a snapshot as a warning between the events."""
    match received:
        case EventFrame():
            place = typer.style(str(Feed(received.topic, received.key)), fg="cyan")
            data = msgspec.json.encode(received.data).decode()
            _print(f"{_clock(received.timestamp_ms)} {place} {typer.style(received.name, bold=True)} {data}")
        case GapFrame(feed, first, last, reason):
            missing = f"up to {last}" if first is None else f"{first} to {last}"
            _print(typer.style(f"{feed}: {missing} are missing ({reason})", fg="yellow"))
        case SnapshotFrame(feed):
            _print(typer.style(f"{feed}: the whole state follows", fg="yellow"))
        case Subscribed():
            pass


def _print(line: str) -> None:
    try:
        typer.echo(line)
    except BrokenPipeError:
        # What is still in the buffer would be complained about at our end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise NobodyReads from None


def _clock(timestamp_ms: int | None) -> str:
    if timestamp_ms is None:
        return _NO_TIME
    try:
        return f"{datetime.fromtimestamp(timestamp_ms / 1_000).astimezone():%H:%M:%S.%f}"[:-3]
    except (ValueError, OverflowError, OSError):
        # What a foreign publisher took for milliseconds since 1970.
        return _NO_TIME
