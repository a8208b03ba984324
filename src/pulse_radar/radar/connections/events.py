"""What an API process tells of those who are connected to it."""

from pydantic import BaseModel

from pulse_radar.events import Event

__all__ = ["SHOWN", "ConnectionShown", "ConnectionsSeen"]

# Of a process with many thousands the rest is counted: every page that looks gets all of this.
SHOWN = 100


class ConnectionShown(BaseModel):
    """A connection. Units: `behind` events that it catches up on, `unsent_bytes` what waits for its network."""

    id: str
    who: str
    topics: list[str]
    open_seconds: float
    behind: int
    unsent_bytes: int


class ConnectionsSeen(Event, topic="connections", key="process"):
    """Who is connected to a process: the slowest hundred, and how many there are in all."""

    process: str
    total: int
    shown: list[ConnectionShown]
