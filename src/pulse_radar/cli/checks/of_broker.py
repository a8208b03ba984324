"""The broker: whether it is there, what it allows, and whether streams are as they are declared."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING, Final

from pulse_radar.broker_url import place
from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.opening import open_broker
from pulse_radar.brokers.topic_spec import TopicSpec
from pulse_radar.cli.checks.finding import MEND_IT, Finding, Verdict, doubt, fine, skipped, trouble
from pulse_radar.cli.checks.of_delivery import check_clock, check_delivery
from pulse_radar.cli.checks.of_facts import judge_server, judge_stream
from pulse_radar.cli.wording import size_for_people
from pulse_radar.errors import BrokerError, BrokerRefused, BrokerUnavailable, NotPermitted, PulseError
from pulse_radar.settings import Settings

if TYPE_CHECKING:
    from pulse_radar.brokers.nats.broker import NatsBroker

__all__ = ["check_broker"]

_LITTLE_ROOM_BYTES: Final = 1024**3


async def check_broker(settings: Settings, topics: Sequence[TopicSpec]) -> AsyncIterator[Finding]:
    """All that can be asked of it, as far as it answers."""
    match settings.broker.partition(":")[0]:
        case "memory":
            yield fine("broker", "memory://, inside the process that serves: there is nothing to reach")
            async for finding in _in_memory(settings, topics):
                yield finding
        case "embedded":
            room = _room(settings.data_dir)
            yield room
            if room.verdict is not Verdict.TROUBLE:
                async for finding in _embedded(settings, topics):
                    yield finding
        case _:
            for finding in await _each_server(settings):
                yield finding
            async for finding in _opened(settings, topics, is_owner=True):
                yield finding


async def _in_memory(settings: Settings, topics: Sequence[TopicSpec]) -> AsyncIterator[Finding]:
    async with open_broker(settings, is_owner=True) as broker:
        await broker.declare(topics)
        yield await check_delivery(broker, may_declare=True)


async def _embedded(settings: Settings, topics: Sequence[TopicSpec]) -> AsyncIterator[Finding]:
    from pulse_radar.brokers.embedded import server_pid

    if await asyncio.to_thread(server_pid, settings.data_dir) is not None:
        async for finding in _opened(settings, topics, is_owner=False):
            yield finding
        return
    # Nothing is left behind: that directory is made by whoever serves.
    with tempfile.TemporaryDirectory(prefix="pulse-radar-doctor-") as directory:
        yield fine(
            "broker", f"no server runs in {settings.data_dir.absolute()}: the app that serves starts it"
        )
        trial = settings.model_copy(update={"data_dir": Path(directory)})
        async for finding in _opened(trial, (), is_owner=True, name="a trial in a directory of its own"):
            yield finding
    yield skipped("streams", "they are looked at while the server runs", "start the app, and ask again")


async def _opened(
    settings: Settings, topics: Sequence[TopicSpec], *, is_owner: bool, name: str | None = None
) -> AsyncIterator[Finding]:
    """What there is to find once it is connected, or why it is not."""
    try:
        async with open_broker(settings, is_owner=is_owner) as broker:
            async for finding in _connected(broker, settings, topics, may_declare=is_owner, name=name):
                yield finding
    except PulseError as error:
        yield trouble("broker", str(error), _how_to_reach(settings, error))
        yield skipped("streams", "there is no broker to ask")
        yield skipped("delivery", "there is no broker to publish to")


async def _connected(
    broker: Broker, settings: Settings, topics: Sequence[TopicSpec], *, may_declare: bool, name: str | None
) -> AsyncIterator[Finding]:
    from pulse_radar.brokers.nats.broker import NatsBroker

    assert isinstance(broker, NatsBroker), "embedded:// is a real server, too"
    for finding in judge_server(await broker.server_facts(), settings, name):
        yield finding
    for spec in topics:
        yield await _stream(broker, spec, settings)
    # Last but one, for a stream that it makes is what the clock is read from.
    yield await check_delivery(broker, may_declare=may_declare)
    yield await check_clock(broker)


async def _each_server(settings: Settings) -> list[Finding]:
    """Of a cluster, which of the servers are not there: one that is is enough to connect."""
    servers = [server.strip() for server in settings.broker.split(",")]
    if len(servers) == 1:
        return []
    errors = await asyncio.gather(*(_reached(settings, server) for server in servers))
    told = [
        doubt("broker", f"{_place(server)}: {error}", "start it; until then one fewer may die")
        for server, error in zip(servers, errors, strict=True)
        if error is not None
    ]
    # Where none is there, whoever connects says so.
    return told if len(told) < len(servers) else []


async def _reached(settings: Settings, server: str) -> str | None:
    try:
        async with open_broker(settings.model_copy(update={"broker": server}), is_owner=False):
            return None
    except PulseError as error:
        return str(error)


async def _stream(broker: "NatsBroker", spec: TopicSpec, settings: Settings) -> Finding:
    try:
        return judge_stream(await broker.stream_facts(spec), spec, settings)
    except NotPermitted as error:
        return skipped("streams", f"{spec.name}: {error}", "look with the credentials of an API process")
    except BrokerError as error:
        return trouble(
            "streams",
            f"{spec.name}: {error}",
            "a stream without a leader waits for the servers that keep it: start those that are away",
        )


def _room(directory: Path) -> Finding:
    there = next(
        parent for parent in (directory.absolute(), *directory.absolute().parents) if parent.exists()
    )
    try:
        # Nothing is left of it.
        tempfile.TemporaryDirectory(dir=there).cleanup()
    except OSError as error:
        return trouble(
            "disk",
            f"embedded:// cannot keep its data in {directory.absolute()}: {error.strerror}",
            "set PULSE_DATA_DIR to a directory that this user may write",
        )
    free = disk_usage(there).free
    said = f"{size_for_people(free)} are free where embedded:// keeps its data ({directory.absolute()})"
    if free < _LITTLE_ROOM_BYTES:
        return doubt("disk", said, "make room: with less than 32 MiB `publish` raises BrokerRefused")
    return fine("disk", said)


def _how_to_reach(settings: Settings, error: PulseError) -> str:
    if isinstance(error, BrokerRefused):
        return (
            "the server is there: mend what it says. Who we are is told by PULSE_NATS_USER and PULSE_NATS_PASSWORD, "
            "_TOKEN, _CREDENTIALS or _NKEY; TLS by tls:// in PULSE_BROKER, and PULSE_NATS_TLS_CA"
        )
    if settings.broker.startswith("embedded:"):
        return "see whether the process that serves is alive, and its log; it starts the server anew within seconds"
    if isinstance(error, BrokerUnavailable):
        return (
            "see whether it runs there (nats-server -js) and can be reached from here (firewall, DNS, port 4222); "
            "while it is away publishes wait and /ready fails. Or set PULSE_BROKER to embedded://"
        )
    return MEND_IT


def _place(server: str) -> str:
    try:
        return place(server)
    except ValueError:
        return "a server"
