"""How a connection ends with its server, where uvicorn says so: it tells all of them at the same moment.

It does not say by which signal. How long it lets them go on is what we know: where that is time enough they leave in
slices, as the hub decides, else they are closed now.
"""

from typing import Final

from pulse_radar.protocol.close_codes import CloseCode, retry_reason
from pulse_radar.server.transport import Listener, Transport

__all__ = ["RETRY_AFTER_SECONDS", "SHUTDOWN_SECONDS", "end"]

# So long a peer may take to read its farewell when the process ends; uvicorn would wait for a stalled one for ever.
SHUTDOWN_SECONDS: Final = 0.5

# Told to whoever comes now: by then another process answers, or this one's successor.
RETRY_AFTER_SECONDS: Final = 1

# A server that restarts is back soon.
_RESTART_RETRY_MS: Final = 500


def end(transport: Transport, listener: Listener, patience_seconds: float | None) -> float | None:
    """Begin the end; answer the seconds after which to cut the peer off, None: its close sees to that.

    `patience_seconds` is what uvicorn waits for connections, None: for ever.
    """
    if patience_seconds is None:
        listener.ending()
        return None
    if patience_seconds > 2 * SHUTDOWN_SECONDS:
        listener.ending(patience_seconds - 2 * SHUTDOWN_SECONDS)
        return patience_seconds - SHUTDOWN_SECONDS
    transport.close(CloseCode.SERVICE_RESTART, retry_reason(_RESTART_RETRY_MS))
    return SHUTDOWN_SECONDS
