"""What a follower prints: a line an event, for a person or for a program."""

import os
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

import msgspec
import typer

from pulse_radar.protocol.frames import EventFrame, GapFrame, ServerFrame, UnknownFrame
from pulse_radar.protocol.grammar import Feed

__all__ = ["NobodyReads", "Print", "print_json", "print_plain"]

# Prints a frame, given also as it came.
Print: TypeAlias = Callable[[ServerFrame | UnknownFrame, str], None]

_NO_TIME: Final = "--:--:--.---"


class NobodyReads(Exception):
    """Whoever read our output has enough, as `head` does."""


def print_json(_frame: ServerFrame | UnknownFrame, text: str) -> None:
    """The frame as it came."""
    _print(text)


def print_plain(frame: ServerFrame | UnknownFrame, _text: str) -> None:
    """Time, place, name and data of an event; a gap as a warning between the events."""
    match frame:
        case EventFrame():
            place = typer.style(str(Feed(frame.topic, frame.key)), fg="cyan")
            data = msgspec.json.encode(frame.data).decode()
            _print(f"{_clock(frame.timestamp_ms)} {place} {typer.style(frame.name, bold=True)} {data}")
        case GapFrame(feed, first, last, reason):
            missing = f"up to {last}" if first is None else f"{first} to {last}"
            _print(typer.style(f"{feed}: {missing} are missing ({reason})", fg="yellow"))
        case _:
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
    return f"{datetime.fromtimestamp(timestamp_ms / 1_000).astimezone():%H:%M:%S.%f}"[:-3]
