"""Which jobs are lost: a worker holds them by answering for them, and no event is spent on that."""

from collections import defaultdict
from collections.abc import Collection
from typing import Final

import msgspec

__all__ = ["GONE_SECONDS", "SILENT_SECONDS", "Lease", "Leases"]

# The broker says that nobody listens at the worker's address: it is dead, or just connecting again.
GONE_SECONDS: Final = 4.0

# It is connected and does not answer: a job may keep its event loop busy, or its machine is paused.
SILENT_SECONDS: Final = 15.0


class Lease(msgspec.Struct):
    """What holds a job: its worker, since when that did not answer for it, and whether it can at all."""

    worker: str
    sequence: int
    is_gone: bool = False
    silent_since: float | None = None


class Leases:
    """The jobs that are at work. Never waits, never looks at a clock: `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}

    def at_work(self, task_id: str, worker: str, sequence: int) -> None:
        """The worker said something of it, which is a sign of life."""
        self._leases[task_id] = Lease(worker, sequence)

    def at_rest(self, task_id: str) -> None:
        """It waits, or ended, or is lost already."""
        self._leases.pop(task_id, None)

    def forget(self) -> None:
        """All that was known is void."""
        self._leases.clear()

    @property
    def by_worker(self) -> dict[str, list[str]]:
        """The jobs to ask each worker about."""
        asked: defaultdict[str, list[str]] = defaultdict(list)
        for task_id, lease in self._leases.items():
            asked[lease.worker].append(task_id)
        return dict(asked)

    def answered(self, asked: Collection[str], running: Collection[str], now: float) -> None:
        """A worker was asked about some, and runs these of them."""
        self._hold(set(asked) & set(running))
        self._miss(set(asked) - set(running), now, is_gone=True)

    def unanswered(self, asked: Collection[str], now: float, *, is_gone: bool) -> None:
        """A worker did not answer; `is_gone`: nobody was there to."""
        self._miss(asked, now, is_gone=is_gone)

    def excuse(self, asked: Collection[str]) -> None:
        """It is our fault that nobody could be asked about these."""
        self._hold(asked)

    def lost(self, now: float) -> list[tuple[str, int]]:
        """Those that nobody holds any more, with the sequence of what was heard of them last."""
        return [
            (task_id, lease.sequence)
            for task_id, lease in self._leases.items()
            if lease.silent_since is not None
            and now - lease.silent_since >= (GONE_SECONDS if lease.is_gone else SILENT_SECONDS)
        ]

    def _hold(self, held: Collection[str]) -> None:
        for task_id in held:
            if (lease := self._leases.get(task_id)) is not None:
                lease.silent_since = None

    def _miss(self, missed: Collection[str], now: float, *, is_gone: bool) -> None:
        for task_id in missed:
            if (lease := self._leases.get(task_id)) is not None:
                if lease.silent_since is None:
                    lease.silent_since = now
                lease.is_gone = is_gone

    def __len__(self) -> int:
        return len(self._leases)

    def __repr__(self) -> str:
        return f"<Leases of {len(self)} jobs>"
