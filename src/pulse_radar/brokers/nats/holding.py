"""How many messages a state topic's stream must hold for what we were told of it to be true."""

from collections.abc import Iterable

from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Gap, StoredEvent

__all__ = ["Holding"]


class Holding:
    """The keys that are live, as far as they were told, and the deletions that may still be remembered."""

    def __init__(self) -> None:
        self._live: set[str] = set()
        # Of each deleted key the number of its deletion.
        self._deletions: dict[str, int] = {}

    def take(self, entries: Iterable[Entry]) -> None:
        """These are told."""
        for entry in entries:
            match entry:
                case StoredEvent(sequence, key, _, is_deletion) if key is not None:
                    self._deletions.pop(key, None)
                    if is_deletion:
                        self._live.discard(key)
                        self._deletions[key] = sequence
                    else:
                        self._live.add(key)
                case Gap(reason=GapReason.RESET):
                    self._live.clear()
                    self._deletions.clear()

    def least(self, first: int) -> int:
        """So many messages at least, if no deletion from `first` on is forgotten."""
        self._deletions = {key: number for key, number in self._deletions.items() if number >= first}
        return len(self._live) + len(self._deletions)

    def __repr__(self) -> str:
        return f"<Holding {len(self._live)} keys, {len(self._deletions)} deletions>"
