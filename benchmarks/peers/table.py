"""The peers by name, and how each is started."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from benchmarks.arena import Peer
from benchmarks.peers.crowds import centrifugo, floor, ours, socket_io, uwebsockets
from benchmarks.peers.driving import TOPIC
from benchmarks.processes import LOAD_CORE
from benchmarks.readers import Kind, compiled

__all__ = ["CENTRIFUGO", "FLOOR", "OURS", "PEERS", "following"]

OURS: Final = "Pulse Radar"
CENTRIFUGO: Final = "Centrifugo"
FLOOR: Final = "C, one send a frame"

_UVICORN: Final = (
    *(sys.executable, "-m", "uvicorn", "--port", "{port}", "--loop", "uvloop", "--http", "httptools"),
    *("--ws-per-message-deflate", "false", "--log-level", "warning", "--no-access-log", "--backlog", "4096"),
)
_OUR_CLASSES: Final = (
    *("--ws", "pulse_radar.server.uvicorn_protocol:PulseWebSocketProtocol"),
    *("--http", "pulse_radar.server.uvicorn_http:PulseHttpProtocol"),
)

# Not uvicorn's own, which is off.
_COMPRESSION: Final = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"

# Where `make bench` puts what it builds.
_TOOLS: Final = Path(__file__).parents[2] / ".tools" / "bin"


def _all() -> list[Peer]:
    node = Path(__file__).parent / "node" / "socketio.mjs"
    own = (sys.executable, "-m")
    our_app = "benchmarks.peers.pulse_app:app"
    portable = (*_UVICORN, "--ws-ping-interval", "0", our_app)
    return [
        Peer(OURS, (*_UVICORN, *_OUR_CLASSES, our_app), (ours(TOPIC),), ours),
        Peer(
            "Pulse Radar, compressing",
            (*_UVICORN, *_OUR_CLASSES, our_app),
            (replace(ours(TOPIC), header=_COMPRESSION),),
            environment={"PULSE_COMPRESSION": "1"},
        ),
        Peer("Pulse Radar, any ASGI server", portable, (ours(TOPIC),), ours),
        Peer("FastAPI docs", (*_UVICORN, "benchmarks.peers.fastapi_docs:app")),
        Peer("websockets", (*own, "benchmarks.peers.websockets_broadcast", "{port}")),
        Peer(
            "Litestar Channels",
            (*_UVICORN, "benchmarks.peers.litestar_channels:app"),
            (Kind(f"/ws/{TOPIC}"),),
        ),
        Peer(
            "python-socketio",
            (*_UVICORN, "benchmarks.peers.socketio_asgi:app"),
            (socket_io(),),
            socket_io,
        ),
        Peer(
            "Socket.IO on Node",
            ("node", str(node), "{port}"),
            (socket_io(),),
            socket_io,
            {"NODE_ENV": "production"},
        ),
        Peer(
            "uWebSockets (socketify)",
            (*own, "benchmarks.peers.uwebsockets", "{port}"),
            (uwebsockets(TOPIC),),
            uwebsockets,
        ),
        *_centrifugo(),
        Peer(FLOOR, (str(compiled("floor")), "{port}"), following=floor),
    ]


def _centrifugo() -> list[Peer]:
    """It is there where it is installed, or where Go is, which builds it."""
    program = shutil.which("centrifugo") or shutil.which("centrifugo", path=str(_TOOLS))
    if program is None:
        return []
    command = (sys.executable, "-m", "benchmarks.peers.centrifugo", program, "{port}", str(LOAD_CORE))
    return [Peer(CENTRIFUGO, command, (centrifugo(TOPIC),), centrifugo)]


PEERS: Final = {peer.name: peer for peer in _all()}


def following(peer: Peer, *kinds: Sequence[str]) -> Peer:
    """The same with clients of so many kinds, each with its topics; where it has none, as it is."""
    if peer.following is None:
        return peer
    return replace(peer, kinds=tuple(peer.following(*topics) for topics in kinds))
