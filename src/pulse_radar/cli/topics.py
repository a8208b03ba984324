"""`pulse-radar topics`: what is declared and what is kept of it; `topics apply` makes it so at the broker."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, assert_never

import msgspec
import typer

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.opening import open_broker
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic, TopicSpec
from pulse_radar.cli.extras import need_radar
from pulse_radar.cli.loops import run
from pulse_radar.cli.options import (
    BrokerOption,
    DataDirOption,
    JsonOption,
    NamespaceOption,
    load_shared_settings,
)
from pulse_radar.errors import TopicMissing
from pulse_radar.settings import Settings
from pulse_radar.stream.entry import Extent

__all__ = ["topics"]

topics: Final = typer.Typer(
    invoke_without_command=True, help="Show the topics and what the broker keeps of them."
)


class _Kept(msgspec.Struct, frozen=True):
    """A topic and what the broker has of it; None where it was never created."""

    spec: TopicSpec
    extent: Extent | None


@topics.callback()
def show(
    context: typer.Context,
    as_json: JsonOption = False,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Show the declared topics and what the broker keeps of them."""
    if context.invoked_subcommand is None:
        _print(run(_look(_shared(broker, data_dir, namespace), is_owner=False)), as_json=as_json)


@topics.command()
def apply(
    as_json: JsonOption = False,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Create the streams of the declared topics, or bring them to their retention; events stay."""
    _print(run(_look(_shared(broker, data_dir, namespace), is_owner=True)), as_json=as_json)


def _shared(broker: str | None, data_dir: Path | None, namespace: str | None) -> Settings:
    need_radar()
    return load_shared_settings(broker, data_dir, namespace)


async def _look(settings: Settings, *, is_owner: bool) -> list[_Kept]:
    from pulse_radar.radar.topics import TOPICS

    async with open_broker(settings, is_owner=is_owner) as broker:
        if is_owner:
            await broker.declare(TOPICS)
        return [_Kept(spec, await _extent(broker, spec.name)) for spec in TOPICS]


async def _extent(broker: Broker, topic: str) -> Extent | None:
    try:
        return await broker.extent(topic)
    except TopicMissing:
        return None


def _print(found: Sequence[_Kept], *, as_json: bool) -> None:
    if as_json:
        for kept in found:
            typer.echo(msgspec.json.encode(_facts(kept)))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("topic", "kept", "first", "last", "keeps at most", box=None, pad_edge=False)
    for kept in found:
        table.add_row(*_row(kept))
    Console().print(table)


def _facts(kept: _Kept) -> dict[str, object]:
    spec, extent = kept.spec, kept.extent
    return {
        "topic": spec.name,
        **_limits(spec),
        "exists": extent is not None,
        "events": None if extent is None else extent.last - extent.first + 1,
        "first": extent and extent.first,
        "last": extent and extent.last,
    }


def _limits(spec: TopicSpec) -> dict[str, object]:
    match spec:
        case LogTopic():
            return {"kind": "log", "retain": spec.retain, "maxAgeSeconds": spec.max_age_seconds}
        case StateTopic():
            return {"kind": "state", "maxKeys": spec.max_keys, "ttlSeconds": spec.ttl_seconds}
        case _:
            assert_never(spec)


def _limit_for_people(spec: TopicSpec) -> str:
    match spec:
        case LogTopic():
            return f"{spec.retain:,} events, {_age(spec.max_age_seconds)}"
        case StateTopic():
            return f"{spec.max_keys:,} keys, {_age(spec.ttl_seconds)}"
        case _:
            assert_never(spec)


def _row(kept: _Kept) -> tuple[str, ...]:
    facts = _facts(kept)
    limit = _limit_for_people(kept.spec)
    if kept.extent is None:
        return (kept.spec.name, "not created", "", "", limit)
    return (kept.spec.name, f"{facts['events']:,}", str(facts["first"]), str(facts["last"]), limit)


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "for ever"
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} seconds"
