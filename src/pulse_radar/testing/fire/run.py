"""One run, from a seed to a report: start everything, let the plan befall it, wait until it is at rest, and judge."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import nats.errors

from pulse_radar.testing.fire.faults import befall
from pulse_radar.testing.fire.orders import Folder
from pulse_radar.testing.fire.plan import Fault, make_plan
from pulse_radar.testing.fire.report import Report
from pulse_radar.testing.fire.scene import Scene
from pulse_radar.testing.fire.shape import TOPICS, Shape, following
from pulse_radar.testing.fire.streams import read_streams, store_last
from pulse_radar.testing.fire.truth import Stored, TopicTruth
from pulse_radar.testing.fire.verdict import verdict

__all__ = ["run"]

# Until everyone is there, before the first fault, and a little beyond it.
_START_SECONDS: Final = 120.0
_WARM_UP_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.1

# Keys of these end by themselves.
_PASSING: Final = tuple(topic.name for topic in TOPICS if topic.ttl_seconds is not None)

# What is begun must be stored.
_STORED_SECONDS: Final = 120.0


async def run(
    path: Path, seed: int, seconds: float, shape: Shape, tell: Callable[[str], None] = lambda _: None
) -> Report:
    """Everything is written into the folder `path`. `tell` is told each fault when it begins."""
    folder = Folder(path)
    plan = make_plan(seed, seconds, shape)
    async with Scene(folder, seed, shape) as scene:
        await _until_warm(folder, shape)
        # A process that drains takes longer to end than its fault: the next one there waits for it.
        places: defaultdict[object, asyncio.Lock] = defaultdict(asyncio.Lock)
        async with _supervised(scene):
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(seconds))
                for fault in plan:
                    group.create_task(_perform(scene, fault, places[fault.place], tell))
            tell("coming to rest")
            stored = await _rest(scene)
    tell("judging")
    return verdict(scene, seconds, plan, stored)


async def _until_warm(folder: Folder, shape: Shape) -> None:
    """Return when every worker has published and every client has been served. Raises: TimeoutError."""
    logbooks = [folder.worker(number, 0) for number in range(shape.workers)]
    logbooks += [folder.client(number) for number in range(shape.clients)]
    async with asyncio.timeout(_START_SECONDS):
        while not all(path.exists() and path.stat().st_size for path in logbooks):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(_LOOK_SECONDS)
    await asyncio.sleep(_WARM_UP_SECONDS)


async def _perform(scene: Scene, fault: Fault, place: asyncio.Lock, tell: Callable[[str], None]) -> None:
    await asyncio.sleep(fault.at)
    async with place, befall(scene, fault.kind, fault.target):
        tell(f"{fault.at:6.1f} s  {fault.kind} ({fault.target}) for {fault.lasts:.1f} s")
        await asyncio.sleep(fault.lasts)


@asynccontextmanager
async def _supervised(scene: Scene) -> AsyncIterator[None]:
    """Somebody starts again what ends by itself, as a service manager does."""
    supervisor = asyncio.create_task(scene.supervise())
    try:
        yield
    finally:
        supervisor.cancel()
        await asyncio.gather(supervisor, return_exceptions=True)


async def _rest(scene: Scene) -> dict[str, list[Stored]]:
    """Publish no more, and let everything arrive."""
    for worker in scene.workers:
        if not await worker.stop(_STORED_SECONDS):
            scene.troubles.append(f"{worker.name} had not stored everything after {_STORED_SECONDS} s")
    stored, lasts = await _settled(scene)
    scene.folder.end(_ends(scene.shape, stored) | lasts)
    waiting = [asyncio.create_task(crowd.finish()) for crowd in scene.crowds]
    patience = scene.shape.rest_seconds
    _, late = await asyncio.wait(waiting, timeout=patience)
    for crowd in scene.crowds:
        if crowd.is_running:
            scene.troubles.append(f"{crowd.name} did not come to rest within {patience:g} s")
        elif crowd.exit_code != 0:
            scene.troubles.append(f"{crowd.name} ended with {crowd.exit_code}")
        # The logbooks of one that still runs say what is missing.
        await crowd.kill()
    await asyncio.gather(*late)
    return stored


async def _settled(scene: Scene) -> tuple[dict[str, list[Stored]], dict[str, int]]:
    """What is stored, once every key whose time is limited is deleted, and how far these topics go.

    They keep nothing then, so a client that missed their last deletions would seem to be there: one more is stored.
    Raises: TimeoutError.
    """
    async with asyncio.timeout(scene.shape.rest_seconds):
        while True:
            with suppress(nats.errors.Error):
                stored = await read_streams(scene.url)
                if not any(TopicTruth(stored[topic]).state for topic in _PASSING):
                    return stored, {topic: await store_last(scene.url, topic) for topic in _PASSING}
            await asyncio.sleep(_LOOK_SECONDS)


def _ends(shape: Shape, stored: Mapping[str, Sequence[Stored]]) -> dict[str, int]:
    """The last number of every feed that somebody follows."""
    ends: dict[str, int] = {}
    for feed in {feed for client in range(shape.clients) for feed in following(client).feeds}:
        topic, _, key = feed.partition("/")
        numbers = [
            entry.sequence for entry in stored[topic] if not key or (entry.fact and entry.fact.key == key)
        ]
        if numbers:
            ends[feed] = numbers[-1]
    return ends
