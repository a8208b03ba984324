"""The broker of a single process, and the reference for all others: history in memory, no server."""

from pulse_radar.brokers.memory.broker import MemoryBroker

__all__ = ["MemoryBroker"]
