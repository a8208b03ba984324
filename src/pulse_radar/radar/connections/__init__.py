"""Who is connected to which API process: told by each of its own, and sent away on request."""

from pulse_radar.radar.connections.desk import Desk
from pulse_radar.radar.connections.events import ConnectionShown, ConnectionsSeen
from pulse_radar.radar.connections.routes import connections_router

__all__ = ["ConnectionShown", "ConnectionsSeen", "Desk", "connections_router"]
