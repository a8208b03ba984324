"""`pulse-radar topics backup` and `restore`: what topics hold, as a file of JSON lines, and published anew from there.

A restored event is a new one: its number is above all that were ever given out, so that no client takes it for another.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Final

import typer
from msgspec.structs import replace

from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.brokers.opening import open_broker
from pulse_radar.brokers.publish_queue import PublishQueue
from pulse_radar.cli.loops import run
from pulse_radar.cli.options import BrokerOption, DataDirOption, NamespaceOption, OutputOption
from pulse_radar.cli.topics import AppArgument, Declared, declared_topics
from pulse_radar.cli.wording import counted
from pulse_radar.errors import EventTooLarge, InvalidEvent, ProtocolError, PulseError, UnknownTopic
from pulse_radar.protocol.codec import decode_body, decode_server
from pulse_radar.protocol.frames import EventFrame, GapReason
from pulse_radar.publishing import draft_event
from pulse_radar.stream.entry import Gap, StoredEvent

__all__ = ["NotEmpty", "backup", "restore"]

_PAGE_EVENTS: Final = 1_000


class NotEmpty(PulseError):
    """A topic holds events already."""


def backup(
    app: AppArgument = None,
    output: OutputOption = None,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Write all events that are kept, a JSON line each as on the wire; of a state topic the newest of each key.

    It may run while others publish: what is stored meanwhile is in it or not.
    """
    with _opened(output) as file:
        run(_save(declared_topics(app, broker, data_dir, namespace), file))


def restore(
    file: Annotated[
        Path, typer.Argument(help="What `backup` wrote.", exists=True, dir_okay=False, show_default=False)
    ],
    app: AppArgument = None,
    append: Annotated[
        bool, typer.Option("--append", help="Behind the events of topics that are not empty.")
    ] = False,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Publish the events of a backup in their order, with their ids and times, under new numbers.

    For topics that are empty: after the loss of a disk, or after `topics replace`. Whoever follows sees them come.
    A key that had a `ttl` of its own gets that of its topic: without one it stays until it is deleted.
    """
    with file.open("rb") as lines:
        declared = declared_topics(app, broker, data_dir, namespace)
        run(_load(declared, lines, append=append, name=app))


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[bytes]]:
    """The file, which is there only once it is whole; or standard output."""
    if output is None:
        yield sys.stdout.buffer
        return
    part = output.with_name(f"{output.name}.part")
    with part.open("wb") as file:
        yield file
    part.replace(output)


async def _save(declared: Sequence[Declared], file: IO[bytes]) -> None:
    for one in declared:
        # An owner, so that embedded:// is saved while nobody serves, too.
        async with open_broker(one.settings, is_owner=True) as broker:
            for spec in one.topics:
                saved = await _save_topic(broker, spec.name, file)
                typer.echo(f"{spec.name}: {counted(saved, 'event')}", err=True)


async def _save_topic(broker: Broker, topic: str, file: IO[bytes]) -> int:
    after = saved = 0
    while True:
        page = await broker.read(topic, after=after, limit=_PAGE_EVENTS)
        for entry in page.entries:
            match entry:
                case StoredEvent(is_deletion=False):
                    file.write(entry.text + b"\n")
                    saved += 1
                case Gap(first, last, GapReason.UNREADABLE):
                    typer.echo(f"{topic}: {first} to {last} are no events, and are left out", err=True)
                case _:
                    # A deletion, or what was no longer kept when we came there.
                    pass
        after = page.end
        if after >= page.extent.last:
            return saved


async def _load(
    declared: Sequence[Declared], lines: IO[bytes], *, append: bool, name: str | None = None
) -> None:
    topics = _check_all(declared, lines)
    for one in declared:
        mine = topics & {spec.name for spec in one.topics}
        async with open_broker(one.settings, is_owner=True) as broker:
            await broker.declare(one.topics)
            if not append:
                await _check_empty(broker, mine, name)
            queue = PublishQueue.from_settings(broker, one.settings)
            stored = Counter[str]()
            for draft in _drafts(lines):
                if draft.topic in mine:
                    await queue.publish(draft)
                    stored[draft.topic] += 1
        for topic, number in sorted(stored.items()):
            typer.echo(f"{topic}: {counted(number, 'event')}", err=True)


def _check_all(declared: Sequence[Declared], lines: IO[bytes]) -> set[str]:
    """The topics in the file: nothing is published of one that could not be to its end."""
    most = {spec.name: one.settings.max_event_bytes for one in declared for spec in one.topics}
    topics: set[str] = set()
    for number, draft in enumerate(_drafts(lines), 1):
        topics.add(draft.topic)
        size, allowed = len(draft.data), most.get(draft.topic)
        if allowed is not None and size > allowed:
            raise EventTooLarge(
                f"line {number}, {draft.topic}/{draft.name}, has {size} bytes of data, at most {allowed} are allowed: "
                f"nothing was restored; with PULSE_MAX_EVENT_BYTES={size} it is"
            )
    unknown = ", ".join(sorted(topics - most.keys()))
    if unknown:
        raise UnknownTopic(f"the backup has events of {unknown}: declared are {', '.join(sorted(most))}")
    return topics


async def _check_empty(broker: Broker, topics: Iterable[str], name: str | None) -> None:
    for topic in sorted(topics):
        page = await broker.read(topic, after=0, limit=1)
        if page.entries:
            command = f"pulse-radar topics replace {topic} {name or ''}".rstrip()
            raise NotEmpty(
                f"{topic} holds events, and those of the backup would come behind them: "
                f"`{command}` empties it, or say --append"
            )


def _drafts(lines: IO[bytes]) -> Iterator[Draft]:
    lines.seek(0)
    for number, line in enumerate(lines, 1):
        try:
            yield _draft(line)
        except (ProtocolError, InvalidEvent) as error:
            raise InvalidEvent(f"line {number} is no event: {error}") from error


def _draft(line: bytes) -> Draft:
    """The event of a line, with its data as they are: whoever publishes without us may have put in large integers."""
    event = decode_server(line)
    if not isinstance(event, EventFrame):
        raise InvalidEvent("it is another frame")
    draft = draft_event(event.topic, event.name, None, key=event.key, event_id=event.id)
    return replace(draft, data=bytes(decode_body(line).data), timestamp_ms=event.timestamp_ms)
