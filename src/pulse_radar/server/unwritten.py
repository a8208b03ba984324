"""What is sent to clients and not written yet: one write for each, when the turn of the loop ends, slice by slice."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import length_hint
from typing import Final

from pulse_radar.server.batch import Batch
from pulse_radar.server.session import Session

__all__ = ["Unwritten"]

# So many clients are written to before the loop does something else: two to four milliseconds.
_SLICE: Final = 500

_NOTHING: Final = Batch(())


class Unwritten:
    """Either one batch for whoever is left of a group, or what has come for each, those first who wait longest.

    Guarantee: each gets what it was sent in that order, once, unless it is forgotten.
    """

    def __init__(self, write: Callable[[Iterable[Session], Batch], None]) -> None:
        self._write = write
        self._group: Iterator[Session] = iter(())
        self._batch = _NOTHING
        self._of_each: dict[Session, Batch] = {}
        # There is something, and `_flush` is on its way.
        self.is_due = False

    def add(self, sessions: Iterable[Session], batch: Batch) -> None:
        """Write it to them when this turn ends, behind what they have to get already."""
        if self.is_due:
            self._join(sessions, batch)
            return
        self._group, self._batch = iter(sessions), batch
        self.is_due = True
        asyncio.get_running_loop().call_soon(self._flush)

    def write_now(self, session: Session) -> None:
        """Write what this one has to get."""
        self._spread()
        self._write_one(session)

    def forget(self, session: Session) -> None:
        """It is gone: write nothing to it."""
        if self.is_due:
            self._spread()
            self._of_each.pop(session, None)

    def __repr__(self) -> str:
        count = length_hint(self._group) + len(self._of_each)
        return f"<Unwritten to {count} clients>"

    def _join(self, sessions: Iterable[Session], batch: Batch) -> None:
        """Put the batch behind what is there; those who have the same before it have the same with it."""
        self._spread()
        unwritten, joined = self._of_each, dict[Batch, Batch]()
        for session in sessions:
            before = unwritten.get(session)
            if before is None:
                unwritten[session] = batch
                continue
            if before not in joined:
                joined[before] = before.then(batch)
            unwritten[session] = joined[before]

    def _spread(self) -> None:
        """Make of the batch of the group what each of it that is left has to get."""
        self._of_each |= dict.fromkeys(self._group, self._batch)

    def _flush(self) -> None:
        """Write a slice."""
        self._write(islice(self._group, _SLICE), self._batch)
        for session in tuple(islice(self._of_each, _SLICE)):
            self._write_one(session)
        if self._of_each or length_hint(self._group):
            asyncio.get_running_loop().call_soon(self._flush)
        else:
            self.is_due, self._group, self._batch = False, iter(()), _NOTHING

    def _write_one(self, session: Session) -> None:
        batch = self._of_each.pop(session, None)
        if batch is not None:
            self._write((session,), batch)
