"""What a connection needs of the process that it is in."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol

from pulse_radar.hub.hub import Hub
from pulse_radar.hub.inputs import Input

__all__ = ["Shell"]


class Shell(Protocol):
    """Who gives the hub facts, and does what it answers."""

    @property
    def hub(self) -> Hub:
        """Only asked what it serves."""

    def tell(self, told: Input) -> None:
        """Give the hub a fact."""

    def forget(self, connection_id: str) -> None:
        """This connection is gone."""

    def ask_for_turn(self, connection_id: str) -> None:
        """This one has room for its next page: let it have one when it is its turn."""

    def hear_in_turn(self, hear: Callable[[], None]) -> None:
        """It said something: call this when it is its turn, which may be now."""

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Do this beside all else."""
