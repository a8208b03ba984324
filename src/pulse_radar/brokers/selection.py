"""From `PULSE_BROKER` to a broker; a driver is imported only when it is asked for."""

from urllib.parse import urlsplit

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.memory import MemoryBroker
from pulse_radar.errors import BrokerRefused, InvalidSetting
from pulse_radar.settings import Settings

__all__ = ["select_broker"]


def select_broker(settings: Settings, *, is_owner: bool) -> Broker:
    """The broker that the settings name, not connected yet.

    `is_owner`: this process creates topics and may run an embedded server; a publisher only attaches.
    Raises: InvalidSetting, for a URL of no broker. BrokerRefused, where this process cannot use it.
    """
    match urlsplit(settings.broker).scheme:
        case "memory" if is_owner:
            return MemoryBroker()
        case "memory":
            raise BrokerRefused(
                "memory:// lives inside one API process, and a publisher of its own would speak to nobody: "
                "set PULSE_BROKER to embedded:// (on this machine) or nats://…"
            )
        case _:
            raise InvalidSetting(
                f"broker {settings.broker!r} (PULSE_BROKER) is none: "
                "use memory://, embedded:// or nats://host:4222"
            )
