"""A server that runs: whether events come through it, and whether it can do what only our protocol classes can."""

import asyncio
import json
from collections.abc import AsyncIterator
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from pulse_radar.cli.checks.finding import Finding, doubt, fine, trouble
from pulse_radar.errors import InvalidSetting

__all__ = ["check_server"]

_CHECK: Final = "server"
_PATIENCE_SECONDS: Final = 5.0


async def check_server(url: str) -> AsyncIterator[Finding]:
    """`url`: where its routes are, http://host:port and their prefix. Raises: InvalidSetting."""
    base = url.rstrip("/")
    if urlsplit(base).scheme not in {"http", "https"}:
        raise InvalidSetting(f"--url is {url!r}: it begins with http:// or https://")
    try:
        ready, health = await _get(f"{base}/ready"), await _get(f"{base}/health")
    except OSError as error:
        yield trouble(
            _CHECK,
            f"nobody answers at {base}: {getattr(error, 'reason', error)}",
            "start it, or see whether the address is right",
        )
        return
    if "status" not in ready or "status" not in health:
        yield trouble(
            _CHECK,
            f"{base} has no /ready and /health of Pulse Radar",
            "app.include_router(pulse.router); with a prefix, give --url with it",
        )
        return
    yield _readiness(ready, health)
    yield _http_protocol(health)
    yield await _websocket_protocol(base)


def _readiness(ready: dict[str, Any], health: dict[str, Any]) -> Finding:
    if ready["status"] == "ready":
        age, connections = ready.get("deliveryAge"), health.get("connections")
        if ready.get("behind"):
            return doubt(
                _CHECK,
                f"ready, but not for {', '.join(ready['behind'])}: it began anew, and is not whole here yet",
                "see whether its stream has a leader (`nats stream report`); its clients wait, others do not",
            )
        return fine(_CHECK, f"ready, {connections} connections, the last event came through {age} s ago")
    return trouble(
        _CHECK,
        f"{ready['status']}: {ready.get('reason')}",
        "its log says more; `failed` comes back by a restart only, `unready` when the broker is there again",
    )


def _http_protocol(health: dict[str, Any]) -> Finding:
    if health.get("protocol") == "pulse-radar":
        return fine(_CHECK, "its HTTP protocol class is ours")
    return doubt(
        _CHECK,
        "its HTTP protocol class is not ours: a stalled stream of events holds up its end, and a client that drips "
        "its request stays for ever",
        "use `pulse-radar serve`, or uvicorn --http pulse_radar.server.uvicorn_http:PulseHttpProtocol; and set a "
        "deadline for headers in the proxy (examples/deploy)",
    )


async def _websocket_protocol(base: str) -> Finding:
    try:
        # It offers to compress in a window that ours never takes, and uvicorn's own does unless it is told not to.
        async with connect(
            f"ws{base.removeprefix('http')}/ws",
            proxy=None,
            open_timeout=_PATIENCE_SECONDS,
            compression=None,
            extensions=[ClientPerMessageDeflateFactory(server_max_window_bits=12)],
        ) as socket:
            is_foreign = bool(socket.protocol.extensions)
    except (OSError, InvalidHandshake, WebSocketException, TimeoutError) as error:
        return trouble(
            _CHECK,
            f"no WebSocket is opened at {base}/ws: {error}",
            "403: the Host is not among PULSE_ALLOWED_HOSTS; else a proxy in between does not pass Upgrade on "
            "(examples/deploy)",
        )
    if not is_foreign:
        return fine(_CHECK, "WebSockets are opened, as by our protocol class")
    return doubt(
        _CHECK,
        "WebSockets are opened by another protocol class than ours: a stalled client cannot be cut off, and each costs "
        "ten times the memory",
        "use `pulse-radar serve`, or uvicorn --ws pulse_radar.server.uvicorn_protocol:PulseWebSocketProtocol",
    )


async def _get(url: str) -> dict[str, Any]:
    """The JSON object at this address, whatever its status; an empty one for anything else. Raises: OSError."""

    def ask() -> bytes:
        try:
            # The proxy of the environment is for other machines.
            with build_opener(ProxyHandler({})).open(url, timeout=_PATIENCE_SECONDS) as answer:
                return bytes(answer.read())
        except HTTPError as error:
            return error.read()
        except HTTPException as error:
            raise OSError(f"what answers is no HTTP server: {error!r}") from error

    try:
        found = json.loads(await asyncio.to_thread(ask))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
