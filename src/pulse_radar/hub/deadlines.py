"""What is due when: a queue by time, without a clock."""

import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["Deadlines"]

_T = TypeVar("_T")


class Deadlines(Generic[_T]):
    """Items by the time they are due; equal times in the order of setting.

    An item is never taken back: whoever is woken looks whether it is still meant.
    Cost: O(log n) each.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _T]] = []
        # Breaks ties, so that items are never compared.
        self._count = 0

    def set(self, due: float, item: _T) -> None:
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, item))

    def pop_due(self, now: float) -> Iterator[_T]:
        """Take out what is due, earliest first; items set meanwhile are served too."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]

    @property
    def earliest(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def __len__(self) -> int:
        return len(self._heap)

    def __repr__(self) -> str:
        return f"<Deadlines, {len(self._heap)} set>"
