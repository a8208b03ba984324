"""Looking at host, process and layer: figures as they are, and rates between two looks."""

import socket
import time
from pathlib import Path
from typing import Final

import psutil

from pulse_radar.radar.metrics.events import HostFigures, LayerFigures, ProcessFigures
from pulse_radar.server.runner_stats import RunnerStats
from pulse_radar.this_process import name_of_this_process

__all__ = ["LayerRates", "Machine", "source_of_this_process"]

# Characters of the host's name in a source.
_HOST_LENGTH: Final = 100


def source_of_this_process() -> str:
    """Host and process, as a key."""
    return name_of_this_process(_HOST_LENGTH)


class Machine:
    """This host and this process. Cost: a handful of system calls a look; from any thread."""

    def __init__(self, disk: Path) -> None:
        """`disk`: a directory on the disk whose room is told."""
        self._disk: Final = disk if disk.exists() else Path.cwd()
        self._process = psutil.Process()
        self._began_at = time.monotonic()
        # The first look begins the measure of both rates, and tells none.
        psutil.cpu_percent()
        self._process.cpu_percent()

    def look(self, loop_late_seconds: float) -> tuple[HostFigures, ProcessFigures]:
        return self._host(), self._look_at_process(loop_late_seconds)

    def _host(self) -> HostFigures:
        memory = psutil.virtual_memory()
        return HostFigures(
            name=socket.gethostname(),
            processors=psutil.cpu_count() or 1,
            cpu_percent=psutil.cpu_percent(),
            load=round(psutil.getloadavg()[0], 2),
            memory_used_bytes=memory.total - memory.available,
            memory_total_bytes=memory.total,
            disk_free_bytes=psutil.disk_usage(str(self._disk)).free,
        )

    def _look_at_process(self, loop_late_seconds: float) -> ProcessFigures:
        with self._process.oneshot():
            return ProcessFigures(
                pid=self._process.pid,
                cpu_percent=self._process.cpu_percent(),
                memory_bytes=self._process.memory_info().rss,
                threads=self._process.num_threads(),
                # Not on Windows.
                open_files=self._process.num_fds() if hasattr(self._process, "num_fds") else None,
                up_seconds=round(time.monotonic() - self._began_at, 1),
                loop_late_seconds=round(loop_late_seconds, 4),
            )

    def __repr__(self) -> str:
        return f"<Machine, process {self._process.pid}>"


class LayerRates:
    """The layer's figures, with what happened per second since the last look. Never looks at a clock."""

    def __init__(self) -> None:
        self._delivered = 0
        self._looked_at: float | None = None

    def look(self, stats: RunnerStats, now: float) -> LayerFigures:
        """`now`: monotonic seconds."""
        hub = stats.hub
        elapsed = 0.0 if self._looked_at is None else now - self._looked_at
        rate = (hub.delivered - self._delivered) / elapsed if elapsed > 0 else 0.0
        self._delivered, self._looked_at = hub.delivered, now
        return LayerFigures(
            connections=hub.connections,
            subscriptions=hub.subscriptions_live + hub.subscriptions_catching_up,
            catching_up=hub.subscriptions_catching_up,
            delivered=hub.delivered,
            deliveries_per_second=round(rate, 1),
            replayed=hub.replayed,
            gaps=hub.gaps,
            snapshots=hub.snapshots,
            conflated=hub.conflated,
            evicted_slow=hub.evicted_slow,
            evicted_stale=hub.evicted_stale,
            unsent_bytes=stats.unsent_bytes,
            most_unsent_bytes=stats.most_unsent_bytes,
            delivery_seconds=stats.delivery_seconds,
            delivery_age_seconds=stats.delivery_age_seconds,
        )

    def __repr__(self) -> str:
        return f"<LayerRates at {self._delivered} delivered>"
