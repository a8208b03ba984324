"""How each kind of fault is done, and how it ends."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import Final

from pulse_radar.testing.faulty_link import FaultyLink
from pulse_radar.testing.fire.plan import Kind
from pulse_radar.testing.fire.processes import Child
from pulse_radar.testing.fire.scene import Scene
from pulse_radar.testing.fire.streams import store_foreign
from pulse_radar.testing.nats_cluster import NatsCluster
from pulse_radar.testing.nats_server import NatsServer

__all__ = ["befall"]

# Beyond it an API process has not ended by itself.
_STOP_SECONDS: Final = 15.0

_DELAY_SECONDS: Final = 0.1
_SCATTER_SECONDS: Final = 0.6
# Less than what is published, more than a heartbeat needs.
_SLOW_BYTES_PER_SECOND: Final = 2_000


def befall(scene: Scene, kind: Kind, target: int) -> AbstractAsyncContextManager[None]:
    """Inside it the fault is there."""
    return _FAULTS[kind](scene, target)


@asynccontextmanager
async def _api_killed(scene: Scene, number: int) -> AsyncIterator[None]:
    scene.kills.append((await scene.apis[number].kill(), number))
    yield
    await scene.apis[number].start()


@asynccontextmanager
async def _api_restarted(scene: Scene, number: int) -> AsyncIterator[None]:
    child = scene.apis[number]
    if not await child.stop(_STOP_SECONDS):
        scene.troubles.append(f"{child.name} did not end within {_STOP_SECONDS} s of SIGTERM")
    yield
    await child.start()


@asynccontextmanager
async def _worker_killed(scene: Scene, number: int) -> AsyncIterator[None]:
    await scene.workers[number].kill()
    yield
    await scene.revive_worker(number)


@asynccontextmanager
async def _crowd_killed(scene: Scene, number: int) -> AsyncIterator[None]:
    at = await scene.crowds[number].kill()
    yield
    await scene.crowds[number].start()
    scene.absences.append((at, time.monotonic(), number))


@asynccontextmanager
async def _crowd_paused(scene: Scene, number: int) -> AsyncIterator[None]:
    at = time.monotonic()
    with _paused(scene.crowds[number]):
        yield
    scene.absences.append((at, time.monotonic(), number))


@asynccontextmanager
async def _broker_killed(scene: Scene, number: int) -> AsyncIterator[None]:
    await scene.brokers[number].kill()
    yield
    await scene.brokers[number].start()


@asynccontextmanager
async def _broker_restarted(scene: Scene, number: int) -> AsyncIterator[None]:
    await scene.brokers[number].stop()
    yield
    await scene.brokers[number].start()


@asynccontextmanager
async def _broker_paused(scene: Scene, number: int) -> AsyncIterator[None]:
    scene.brokers[number].freeze()
    yield
    scene.brokers[number].thaw()


@asynccontextmanager
async def _foreign_stored(scene: Scene, _number: int) -> AsyncIterator[None]:
    # Whether it is stored is the stranger's luck: the broker may be down.
    with suppress(OSError, EOFError, TimeoutError):
        await store_foreign(scene.brokers[0].port, "knowledge")
    yield


def _on_routes(break_them: Callable[[NatsCluster, NatsServer], None]) -> "_Fault":
    @asynccontextmanager
    async def breaking(scene: Scene, number: int) -> AsyncIterator[None]:
        assert scene.cluster is not None
        break_them(scene.cluster, scene.brokers[number])
        yield
        scene.cluster.heal()

    return breaking


@contextmanager
def _paused(child: Child) -> Iterator[None]:
    child.pause()
    yield
    child.thaw()


def _pausing(children: Callable[[Scene], list[Child]]) -> "_Fault":
    @asynccontextmanager
    async def pause(scene: Scene, number: int) -> AsyncIterator[None]:
        with _paused(children(scene)[number]):
            yield

    return pause


def _on_link(break_it: Callable[[Scene, FaultyLink], None]) -> "_Fault":
    @asynccontextmanager
    async def breaking(scene: Scene, number: int) -> AsyncIterator[None]:
        link = scene.network.links[number]
        break_it(scene, link)
        yield
        link.mend()

    return breaking


def _on_uplink(break_it: Callable[[FaultyLink], None]) -> "_Fault":
    @asynccontextmanager
    async def breaking(scene: Scene, number: int) -> AsyncIterator[None]:
        links = scene.network.uplinks[number].links
        for link in links:
            break_it(link)
        yield
        for link in links:
            link.mend()

    return breaking


_Fault = Callable[[Scene, int], AbstractAsyncContextManager[None]]

_FAULTS: Final[dict[Kind, _Fault]] = {
    Kind.API_KILLED: _api_killed,
    Kind.API_PAUSED: _pausing(lambda scene: scene.apis),
    Kind.API_RESTARTED: _api_restarted,
    Kind.WORKER_KILLED: _worker_killed,
    Kind.WORKER_PAUSED: _pausing(lambda scene: scene.workers),
    Kind.BROKER_KILLED: _broker_killed,
    Kind.BROKER_PAUSED: _broker_paused,
    Kind.BROKER_RESTARTED: _broker_restarted,
    Kind.CROWD_KILLED: _crowd_killed,
    Kind.CROWD_PAUSED: _crowd_paused,
    Kind.LINK_CUT: _on_link(lambda _, link: link.cut()),
    Kind.LINK_FORGOTTEN: _on_link(lambda _, link: link.forget()),
    Kind.LINK_STALLED: _on_link(lambda _, link: link.stall()),
    Kind.LINK_DEAF: _on_link(lambda _, link: link.swallow_answers()),
    Kind.LINK_DELAYED: _on_link(lambda _, link: link.delay(_DELAY_SECONDS, _DELAY_SECONDS)),
    Kind.LINK_REORDERED: _on_link(lambda _, link: link.delay(0, _SCATTER_SECONDS)),
    Kind.LINK_THROTTLED: _on_link(lambda _, link: link.throttle(_SLOW_BYTES_PER_SECOND)),
    Kind.LINK_CORRUPTED: _on_link(lambda scene, link: scene.network.corrupt(link)),
    Kind.UPLINK_CUT: _on_uplink(lambda link: link.cut()),
    Kind.UPLINK_FORGOTTEN: _on_uplink(lambda link: link.forget()),
    Kind.UPLINK_STALLED: _on_uplink(lambda link: link.stall()),
    Kind.UPLINK_DELAYED: _on_uplink(lambda link: link.delay(_DELAY_SECONDS, _DELAY_SECONDS)),
    Kind.ROUTES_CUT: _on_routes(NatsCluster.cut_off),
    Kind.ROUTES_STALLED: _on_routes(NatsCluster.stall_off),
    Kind.FOREIGN_STORED: _foreign_stored,
}
