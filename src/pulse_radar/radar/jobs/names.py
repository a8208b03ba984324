"""What the jobs are called on the NATS server; a namespace keeps several systems apart."""

from typing import Any, Final, Self

import msgspec

from pulse_radar.brokers.embedded import attach
from pulse_radar.brokers.nats import Credentials
from pulse_radar.errors import BrokerRefused
from pulse_radar.settings import Settings

__all__ = ["INGEST_EXPORT", "JobNames", "nats_access", "nats_url"]

# The job that ingests an export; its first argument is the path.
INGEST_EXPORT: Final = "ingest_export"


class JobNames(msgspec.Struct, frozen=True):
    """Names that no topic can have: a topic's stream begins with `PULSE_`, its subjects with `websocket`."""

    stream: str
    subject: str
    workers: str

    @classmethod
    def under(cls, namespace: str) -> Self:
        upper = f"{namespace.upper()}_" if namespace else ""
        lower = f"{namespace}." if namespace else ""
        return cls(f"{upper}PULSE-JOBS", f"{lower}pulse.jobs", f"{upper}PULSE-WORKERS")


async def nats_url(settings: Settings) -> str:
    """Where the server of these settings is; it may hold a secret. Raises: BrokerUnavailable, BrokerRefused."""
    if settings.broker.startswith("embedded:"):
        return await attach(settings.data_dir)
    if settings.broker.startswith("memory:"):
        raise BrokerRefused(
            "jobs need a broker that several processes share, and memory:// is inside one: "
            "set PULSE_BROKER to embedded:// (on this machine) or nats://host:4222"
        )
    return settings.broker


def nats_access(settings: Settings) -> dict[str, Any]:
    """What else the client library needs to be let in there. Raises: InvalidSetting."""
    if settings.broker.startswith("embedded:"):
        return {}
    return Credentials.of(settings).options | {"inbox_prefix": settings.nats_inbox_prefix}
