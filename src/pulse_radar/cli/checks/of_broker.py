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
from pulse_radar.errors import BrokerError, BrokerRefused, BrokerUnavailable, NotPermitted, PulseError
from pulse_radar.settings import Settings

if TYPE_CHECKING:
    from pulse_radar.brokers.nats.broker import NatsBroker

__all__ = ["check_broker"]

# Of a publish, beside its data.
_ENVELOPE_BYTES: Final = 4 * 1024

_LITTLE_ROOM_BYTES: Final = 1024**3

# On these a reader that is far behind while others publish never catches up. (2.11.10 and 2.12.2 are well.)
_STALLING_VERSIONS: Final = ("2.12.0", "2.12.1")


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
    for finding in await _server(broker, settings, name):
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


async def _server(broker: "NatsBroker", settings: Settings, name: str | None) -> list[Finding]:
    facts = await broker.server_facts()
    said = f"{name or facts.place}: nats-server {facts.version} with JetStream"
    if facts.stored_bytes is not None:
        limit = facts.storage_limit_bytes
        said += f", {_size(facts.stored_bytes)} stored" + ("" if limit is None else f" of {_size(limit)}")
    found = [fine("broker", said)]
    if facts.version in _STALLING_VERSIONS:
        found.append(
            doubt(
                "broker",
                f"nats-server {facts.version} stalls: whoever is far behind may never catch up",
                "install 2.12.2 or newer",
            )
        )
    if settings.replicas > 1 and not facts.is_clustered:
        found.append(
            doubt(
                "broker",
                f"PULSE_REPLICAS is {settings.replicas}, and this server is no part of a cluster: no topic can be made",
                "set PULSE_REPLICAS to 1, or see docs/OPERATIONS.md, 'A cluster'; a leaf node of one is well",
            )
        )
    if facts.largest_message_bytes < settings.max_event_bytes + _ENVELOPE_BYTES:
        found.append(
            doubt(
                "limits",
                f"events may have {_size(settings.max_event_bytes)} (PULSE_MAX_EVENT_BYTES), and the server takes "
                f"{_size(facts.largest_message_bytes)} with the headers",
                "raise max_payload in the server's configuration, or lower PULSE_MAX_EVENT_BYTES",
            )
        )
    stored, limit = facts.stored_bytes, facts.storage_limit_bytes
    if stored is None:
        found.append(
            skipped(
                "limits",
                "how much the account stores, and may store, these credentials may not ask",
                "`nats account info` with others says it; an API process does not need to",
            )
        )
    if stored is not None and limit is not None and stored > 0.9 * limit:
        found.append(
            doubt(
                "limits",
                f"{_size(stored)} of the {_size(limit)} are stored that the account may store",
                "raise max_file of the account, or let topics keep less (retain, max_age, max_bytes)",
            )
        )
    return found


async def _stream(broker: "NatsBroker", spec: TopicSpec, settings: Settings) -> Finding:
    try:
        facts = await broker.stream_facts(spec)
    except NotPermitted as error:
        return skipped("streams", f"{spec.name}: {error}", "look with the credentials of an API process")
    except BrokerError as error:
        return trouble(
            "streams",
            f"{spec.name}: {error}",
            "a stream without a leader waits for the servers that keep it: start those that are away",
        )
    if facts is None:
        return skipped(
            "streams",
            f"{spec.name} is not there yet",
            "the app creates it when it starts, and so does `pulse-radar topics apply`",
        )
    if facts.refused is not None:
        return trouble("streams", facts.refused, "as it says; or declare the topic as it is kept")
    said = f"{spec.name}: {facts.events:,} events, {_size(facts.size_bytes)}"
    if facts.changes:
        return doubt(
            "streams",
            f"{said}; kept otherwise than declared: {'; '.join(facts.changes)}",
            "start the app, which widens what is too narrow; `pulse-radar topics apply` makes it as declared, and "
            "deletes what is beyond",
        )
    if facts.replicas != settings.replicas:
        return doubt(
            "streams",
            f"{said}; {facts.replicas} replicas, and PULSE_REPLICAS is {settings.replicas}, which is for new streams",
            f"nats stream edit {facts.name} --replicas {settings.replicas}, or set PULSE_REPLICAS to what is meant",
        )
    return fine("streams", said)


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
    said = f"{_size(free)} are free where embedded:// keeps its data ({directory.absolute()})"
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


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
