"""The server side of `embedded://`: a real nats-server, owned as a child process, its data in one directory.

An owner (`serve`, `demo`, an API process) enters `EmbeddedServer`; several owners share one server and
survive each other. Everybody else calls `attach`. Both answer an address for a NATS client.
"""

from pulse_radar.brokers.embedded.attach import attach
from pulse_radar.brokers.embedded.keeper import Role
from pulse_radar.brokers.embedded.record import server_pid
from pulse_radar.brokers.embedded.server import EmbeddedServer, EmbeddedStats
from pulse_radar.brokers.embedded.settings import DEFAULT_DIRECTORY, EmbeddedSettings

__all__ = [
    "DEFAULT_DIRECTORY",
    "EmbeddedServer",
    "EmbeddedSettings",
    "EmbeddedStats",
    "Role",
    "attach",
    "server_pid",
]
