"""The address to serve on: bound before anything else starts, so that a port that is taken is told at once."""

import errno
import socket

from pulse_radar.client.address import is_loopback
from pulse_radar.errors import InvalidSetting, PulseError

__all__ = ["AddressTaken", "bind", "exposure", "is_loopback"]


class AddressTaken(PulseError):
    """Nobody can listen there: another program does, or this user may not."""


def exposure(host: str) -> InvalidSetting:
    """Why an app that asks nobody who they are is not served on this address."""
    return InvalidSetting(
        f"on {host} everybody who can reach this machine could read every event, because the app has no "
        "`authenticate`: give it one, stay on 127.0.0.1, or set PULSE_INSECURE=1 if that is what you want"
    )


def bind(host: str, port: int) -> socket.socket:
    """A bound socket, not listening yet. Raises: AddressTaken, InvalidSetting."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise InvalidSetting(f"host {host!r} (PULSE_HOST) is no address: {error.strerror}") from error
    listener = socket.socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise AddressTaken(_why(error, host, port)) from error
    return listener


def _why(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"port {port} on {host} is taken: choose another with --port, or end the program that has it"
            )
        case errno.EACCES:
            return f"port {port} needs more rights than this user has: choose one from 1024 on with --port"
        case errno.EADDRNOTAVAIL:
            return f"this machine has no address {host}: use 127.0.0.1, or 0.0.0.0 for all of its own"
        case _:
            return f"cannot listen on {host}:{port}: {error.strerror}"
