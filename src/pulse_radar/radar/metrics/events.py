"""What is told of a process on `metrics`, its key being the source: host and process."""

from typing import Literal

from pydantic import BaseModel

from pulse_radar.events import Event

__all__ = ["HostFigures", "LayerFigures", "MetricsSampled", "ProcessFigures"]


class HostFigures(BaseModel):
    """Units: `cpu_percent` of all its processors together, `load` processes that want one (a minute's average)."""

    name: str
    processors: int
    cpu_percent: float
    load: float
    memory_used_bytes: int
    memory_total_bytes: int
    disk_free_bytes: int


class ProcessFigures(BaseModel):
    """Units: `cpu_percent` of one processor; `loop_late_seconds` how much too late the event loop woke us last."""

    pid: int
    cpu_percent: float
    memory_bytes: int
    threads: int
    open_files: int | None
    up_seconds: float
    loop_late_seconds: float


class LayerFigures(BaseModel):
    """The live layer of an API process. What is not per second counts since the process began.

    `unsent_bytes` wait in all connections together, `most_unsent_bytes` in the slowest. `delivery_seconds` is what the
    last event of our own took from publish to the end of the tail; None, until one has.
    """

    connections: int
    subscriptions: int
    catching_up: int
    delivered: int
    deliveries_per_second: float
    replayed: int
    gaps: dict[str, int]
    snapshots: int
    conflated: int
    evicted_slow: int
    evicted_stale: int
    unsent_bytes: int
    most_unsent_bytes: int
    delivery_seconds: float | None
    delivery_age_seconds: float | None


class MetricsSampled(Event, topic="metrics", key="source"):
    """A process as it is this second. `layer` is None of one that serves nobody."""

    source: str
    role: Literal["api", "worker"]
    host: HostFigures
    process: ProcessFigures
    layer: LayerFigures | None = None
