"""`pulse-radar topics`: what is declared and what is kept of it; `apply` and `replace` make it so at the broker."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, assert_never

import msgspec
import typer
from typer.core import TyperGroup

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
    refuse_memory,
)
from pulse_radar.errors import TopicMissing, UnknownTopic
from pulse_radar.settings import Settings
from pulse_radar.stream.entry import Extent, StoredEvent

__all__ = ["AppArgument", "Declared", "declared_topics", "topics"]


class _ShowsByDefault(TyperGroup):
    """`topics …` is `topics show …` where no other command is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_named = bool(args) and args[0] in {*self.commands, "--help"}
        return super().parse_args(ctx, args if is_named else ["show", *args])


_HELP: Final = """Show the topics and what the broker keeps of them.

`topics main:app` shows those of your own app; the commands below take MODULE:APP as well.
"""

topics: Final = typer.Typer(cls=_ShowsByDefault, help=_HELP)

AppArgument: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="MODULE:APP", help="The topics of your own app, as in main:app; else the application's."
    ),
]


class Declared(msgspec.Struct, frozen=True):
    """The topics of one live layer, and the settings under which it keeps them."""

    settings: Settings
    topics: tuple[TopicSpec, ...]


class _Kept(msgspec.Struct, frozen=True):
    """A topic and what the broker has of it; None where it was never created."""

    spec: TopicSpec
    extent: Extent | None
    # Of a state topic one a key: its sequences count what was superseded as well.
    events: int | None = None


@topics.command()
def show(
    app: AppArgument = None,
    as_json: JsonOption = False,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Show the declared topics and what the broker keeps of them: what `topics` alone does."""
    declared = declared_topics(app, broker, data_dir, namespace)
    _print(run(_look(declared, is_owner=False)), as_json=as_json)


@topics.command()
def apply(
    app: AppArgument = None,
    as_json: JsonOption = False,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Create the streams of the declared topics, or bring them to their retention.

    Where that is narrower than before, this deletes what is beyond it, which no start of an app does.
    Topics that the app does not declare are left alone.
    """
    declared = declared_topics(app, broker, data_dir, namespace)
    _print(run(_look(declared, is_owner=True)), as_json=as_json)


@topics.command()
def replace(
    topic: Annotated[str, typer.Argument(help="The topic to make anew.", show_default=False)],
    app: AppArgument = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Make one topic anew as it is declared, without its events: how a log becomes a state topic, or the reverse.

    Its numbers go on, and everyone who follows it is told.
    """
    declared = declared_topics(app, broker, data_dir, namespace)
    named = [(one.settings, spec) for one in declared for spec in one.topics if spec.name == topic]
    if not named:
        known = ", ".join(spec.name for one in declared for spec in one.topics)
        raise UnknownTopic(f"unknown topic {topic!r}: declared are {known}")
    if not yes:
        typer.confirm(f"All events of {topic!r} will be gone. Go on?", abort=True)
    for settings, spec in named:
        run(_replace(settings, spec))


async def _replace(settings: Settings, spec: TopicSpec) -> None:
    async with open_broker(settings, is_owner=True) as broker:
        await broker.replace(spec)


def declared_topics(
    app: str | None, broker: str | None, data_dir: Path | None, namespace: str | None
) -> Sequence[Declared]:
    """Those of the app, else of the application. Raises: InvalidSetting, ExtraMissing."""
    if app is not None:
        return _of_app(app, broker, data_dir, namespace)
    need_radar()
    from pulse_radar.radar.topics import TOPICS

    return [Declared(load_shared_settings(broker, data_dir, namespace), TOPICS)]


def _of_app(app: str, broker: str | None, data_dir: Path | None, namespace: str | None) -> Sequence[Declared]:
    """What each live layer of the app declares; its settings are read where it reads them."""
    from pulse_radar.cli.apps import hand_down, need_pulses, prefer_working_directory

    prefer_working_directory()
    hand_down(broker=broker, data_dir=data_dir, namespace=namespace)
    pulses = need_pulses(app)
    for pulse in pulses:
        refuse_memory(pulse.settings)
    return [Declared(pulse.settings, pulse.topics) for pulse in pulses]


async def _look(declared: Sequence[Declared], *, is_owner: bool) -> list[_Kept]:
    found: list[_Kept] = []
    for one in declared:
        async with open_broker(one.settings, is_owner=is_owner) as broker:
            if is_owner:
                await broker.declare(one.topics, narrow=True)
            found += [await _kept(broker, spec) for spec in one.topics]
    return found


async def _kept(broker: Broker, spec: TopicSpec) -> _Kept:
    try:
        extent = await broker.extent(spec.name)
        is_log = isinstance(spec, LogTopic)
        count = extent.last - extent.first + 1 if is_log else await _keys(broker, spec.name)
        return _Kept(spec, extent, count)
    except TopicMissing:
        return _Kept(spec, None)


async def _keys(broker: Broker, topic: str) -> int:
    """How many keys there are. Cost: their newest events are read."""
    keys: dict[str | None, bool] = {}
    at = 0
    while True:
        page = await broker.read(topic, after=at, limit=1_000)
        keys |= {each.key: not each.is_deletion for each in page.entries if isinstance(each, StoredEvent)}
        if page.end >= page.extent.last:
            return sum(keys.values())
        at = page.end


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
        "events": kept.events,
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
    return (kept.spec.name, f"{kept.events:,}", str(facts["first"]), str(facts["last"]), limit)


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "for ever"
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} seconds"
