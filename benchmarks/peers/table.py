"""The peers by name, and how each is started."""

import shutil
import sys
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.arena import Peer
from benchmarks.peers.crowds import centrifugo, ours, socket_io, uwebsockets
from benchmarks.peers.driving import TOPIC, TOPICS
from benchmarks.processes import LOAD_CORE
from benchmarks.readers import compiled

__all__ = ["FLOOR", "OURS", "PEERS", "PORTABLE", "of_all_topics"]

OURS: Final = "Pulse Radar"
PORTABLE: Final = "Pulse Radar, any ASGI server"
FLOOR: Final = "C, one send a frame"

_UVICORN: Final = (
    *(sys.executable, "-m", "uvicorn", "--port", "{port}", "--loop", "uvloop", "--http", "httptools"),
    *("--ws-per-message-deflate", "false", "--log-level", "warning", "--no-access-log", "--backlog", "4096"),
)
_OUR_CLASSES: Final = (
    *("--ws", "pulse_radar.server.uvicorn_protocol:PulseWebSocketProtocol"),
    *("--http", "pulse_radar.server.uvicorn_http:PulseHttpProtocol"),
)

# Where `make bench` puts what it builds.
_TOOLS: Final = Path(__file__).parents[2] / ".tools" / "bin"


def _all() -> list[Peer]:
    node = Path(__file__).parent / "node" / "socketio.mjs"
    own = (sys.executable, "-m")
    return [
        Peer(OURS, (*_UVICORN, *_OUR_CLASSES, "benchmarks.peers.pulse_app:app"), ours(TOPIC)),
        Peer(PORTABLE, (*_UVICORN, "--ws-ping-interval", "0", "benchmarks.peers.pulse_app:app"), ours(TOPIC)),
        Peer("FastAPI docs", (*_UVICORN, "benchmarks.peers.fastapi_docs:app")),
        Peer("websockets", (*own, "benchmarks.peers.websockets_broadcast", "{port}")),
        Peer(
            "Litestar Channels",
            (*_UVICORN, "benchmarks.peers.litestar_channels:app"),
            ("--path", f"/ws/{TOPIC}"),
        ),
        Peer("python-socketio", (*_UVICORN, "benchmarks.peers.socketio_asgi:app"), socket_io()),
        Peer("Socket.IO on Node", ("node", str(node), "{port}"), socket_io(), {"NODE_ENV": "production"}),
        Peer(
            "uWebSockets (socketify)",
            (*own, "benchmarks.peers.uwebsockets", "{port}"),
            uwebsockets(TOPIC),
        ),
        *_centrifugo(),
        Peer(FLOOR, (str(compiled("floor")), "{port}")),
    ]


def _centrifugo() -> list[Peer]:
    """It is there where it is installed, or where Go is, which builds it."""
    program = shutil.which("centrifugo") or shutil.which("centrifugo", path=str(_TOOLS))
    if program is None:
        return []
    command = (sys.executable, "-m", "benchmarks.peers.centrifugo", program, "{port}", str(LOAD_CORE))
    return [Peer("Centrifugo", command, centrifugo(TOPIC))]


PEERS: Final = {peer.name: peer for peer in _all()}


def of_all_topics(peer: Peer) -> Peer:
    """The same with clients that follow every topic it has: seven, of ours."""
    return msgspec.structs.replace(peer, crowd=ours(*TOPICS)) if peer.name in {OURS, PORTABLE} else peer
