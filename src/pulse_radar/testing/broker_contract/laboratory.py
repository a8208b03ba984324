"""What the contract suite needs of a broker's author: brokers on one storage, and ways to hurt it."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from enum import Enum, auto
from typing import TYPE_CHECKING

import pytest

from pulse_radar.brokers.base import Broker

if TYPE_CHECKING:
    # Its driver is an extra, which brokers without processes do not need.
    from pulse_radar.testing.tail_process import TailProcess

__all__ = ["Fault", "Laboratory"]


class Fault(Enum):
    """What can happen to a broker. A broker to which it cannot happen does not list it."""

    KILLED = auto()  # its server dies by SIGKILL and comes back
    LINK = auto()  # the network between it and its server breaks
    TRIMMED = auto()  # somebody removes the oldest events
    RECREATED = auto()  # somebody deletes a topic's stream
    SET_BACK = auto()  # a backup is restored: the newest events and their numbers are forgotten
    FOREIGN = auto()  # somebody stores what is no event
    PROCESSES = auto()  # several processes follow it, and are stopped and continued


class Laboratory(ABC):
    """One fresh storage, any number of brokers on it, and its accidents."""

    faults: frozenset[Fault] = frozenset()

    def needs(self, *faults: Fault) -> None:
        """Skip the test, visibly, where such a thing cannot happen."""
        missing = ", ".join(fault.name.lower() for fault in faults if fault not in self.faults)
        if missing:
            pytest.skip(f"this broker cannot be: {missing}")

    @abstractmethod
    def broker(self, *, duplicate_window_seconds: float = 120.0) -> AbstractAsyncContextManager[Broker]:
        """A broker as another process would have it: same storage, connection of its own.

        With Fault.LINK its link is the one that breaks.
        """

    # Fault.KILLED

    async def kill_server(self) -> None:
        raise NotImplementedError

    async def start_server(self) -> None:
        raise NotImplementedError

    # Fault.LINK

    def cut_link(self) -> None:
        """Reset all connections, and refuse new ones."""
        raise NotImplementedError

    def stall_link(self) -> None:
        """Nothing arrives any more on either side, and nobody is told."""
        raise NotImplementedError

    def swallow_answers(self) -> None:
        """The server hears, and is not heard."""
        raise NotImplementedError

    def mend_link(self) -> None:
        raise NotImplementedError

    # Fault.TRIMMED

    async def trim(self, topic: str, keep: int) -> None:
        """Remove all but the newest events; with `keep` 0 this purges the topic."""
        raise NotImplementedError

    # Fault.RECREATED

    async def delete(self, topic: str) -> None:
        raise NotImplementedError

    # Fault.SET_BACK

    async def back_up(self) -> None:
        """Keep a copy of the whole storage. The server is restarted."""
        raise NotImplementedError

    async def restore(self) -> None:
        """Put the copy in its place. The server is restarted."""
        raise NotImplementedError

    # Fault.FOREIGN

    async def store_foreign(self, topic: str, body: bytes, *, key: str | None = None) -> int:
        """Store bytes under a topic as a stranger would, and return their number; the key is any text."""
        raise NotImplementedError

    # Fault.PROCESSES

    def tail_process(self, topic: str, after: int) -> "TailProcess":
        """A process of its own that follows the topic; used as an async context manager."""
        raise NotImplementedError
