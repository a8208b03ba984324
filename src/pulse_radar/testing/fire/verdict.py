"""From the logbooks of a run to its report: everybody is heard, and what they say is added up."""

from collections import Counter
from collections.abc import Mapping, Sequence

from pulse_radar.testing.fire.hearing import Heard, hear
from pulse_radar.testing.fire.logbook import read_client, read_damage, read_worker
from pulse_radar.testing.fire.plan import Fault
from pulse_radar.testing.fire.recovery import Recovery, recoveries, summary
from pulse_radar.testing.fire.report import Report, breaches
from pulse_radar.testing.fire.scene import Scene
from pulse_radar.testing.fire.shape import TOPICS, Shape, following
from pulse_radar.testing.fire.truth import Stored, Truth

__all__ = ["verdict"]


def verdict(
    scene: Scene, seconds: float, plan: Sequence[Fault], stored: Mapping[str, Sequence[Stored]]
) -> Report:
    """Judge a run that has come to rest. `stored`: what its streams hold."""
    workers = {path.stem: list(read_worker(path)) for path in scene.folder.workers}
    states = frozenset(topic.name for topic in TOPICS if topic.kind == "state")
    truth = Truth(workers, stored, state_topics=states)
    heard, recovered = _hear_all(scene, truth)
    objections = [*truth.objections, *(objection for one in heard for objection in one.objections)]
    return Report(
        seed=scene.orders.seed,
        seconds=seconds,
        shape=_words(scene.shape),
        folder=str(scene.folder.path),
        faults=dict(Counter(str(fault.kind) for fault in plan)),
        attempted=len(truth.attempts),
        acknowledged=truth.acknowledged,
        unknown=truth.unknown,
        deliveries=sum(one.deliveries for one in heard),
        connections=sum(one.connections for one in heard),
        resumes=sum(max(0, one.connections - 1) for one in heard),
        streams=sum(one.connections for client, one in enumerate(heard) if following(client).is_stream),
        snapshots=sum(one.snapshots for one in heard),
        damages=sum(one.damages for one in heard),
        gaps=dict(sum((one.gaps for one in heard), Counter())),
        closes=dict(sum((one.closes for one in heard), Counter())),
        vain_starts=scene.vain_starts,
        recovery=summary(len(scene.kills), recovered),
        breaches=breaches(objections),
        objections=objections,
        troubles=scene.troubles,
    )


def _hear_all(scene: Scene, truth: Truth) -> tuple[list[Heard], list[Recovery]]:
    damage = frozenset(read_damage(scene.folder.damage))
    heard: list[Heard] = []
    recovered: list[Recovery] = []
    for client in range(scene.shape.clients):
        records = list(read_client(scene.folder.client(client)))
        feeds = following(client).feeds
        heard.append(hear(truth, f"client {client}", feeds, records, damage))
        recovered += recoveries(records, feeds, _kills(scene), _absences(scene, client))
    return heard, recovered


def _kills(scene: Scene) -> list[tuple[float, frozenset[int]]]:
    """When, and over which links that process was reached."""
    links, each = scene.orders.links, scene.shape.links_per_api
    return [(at, frozenset(links[api * each : (api + 1) * each])) for at, api in scene.kills]


def _absences(scene: Scene, client: int) -> list[tuple[float, float]]:
    crowd = client % scene.shape.crowds
    return [(away, back) for away, back, number in scene.absences if number == crowd]


def _words(shape: Shape) -> str:
    return (
        f"{shape.clients} clients, {shape.apis} API processes, {shape.workers} workers, "
        f"{shape.brokers} nats-server{'s' if shape.brokers > 1 else ''}"
    )
