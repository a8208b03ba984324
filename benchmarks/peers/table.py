"""The peers by name, and how each is started."""

import shutil
import sys
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.arena import Peer
from benchmarks.peers.driving import TOPIC
from benchmarks.processes import LOAD_CORE
from benchmarks.readers import compiled, of_ours

__all__ = ["FLOOR", "OURS", "PEERS", "PORTABLE", "of_all_topics"]

OURS: Final = "Pulse Radar"
PORTABLE: Final = "Pulse Radar, any ASGI server"
FLOOR: Final = "C, one send a frame"

_OUR_CROWD: Final = of_ours(TOPIC)
_UVICORN: Final = (
    *(sys.executable, "-m", "uvicorn", "--port", "{port}", "--loop", "uvloop", "--http", "httptools"),
    *("--ws-per-message-deflate", "false", "--log-level", "warning", "--no-access-log", "--backlog", "4096"),
)
_OUR_CLASSES: Final = (
    *("--ws", "pulse_radar.server.uvicorn_protocol:PulseWebSocketProtocol"),
    *("--http", "pulse_radar.server.uvicorn_http:PulseHttpProtocol"),
)
_SOCKET_IO_CROWD: Final = (
    *("--path", "/socket.io/?EIO=4&transport=websocket", "--say", "40", "--ready", "40{"),
    *("--answer", "2", "3"),
)


_CENTRIFUGO_CROWD: Final = (
    *("--path", "/connection/websocket", "--say", '{"id":1,"connect":{}}'),
    *(
        "--say",
        f'{{"id":2,"subscribe":{{"channel":"{TOPIC}"}}}}',
        "--ready",
        '"id":2',
        "--answer",
        "{}",
        "{}",
    ),
)

# Where `make bench` puts what it builds.
_TOOLS: Final = Path(__file__).parents[2] / ".tools" / "bin"


def _all() -> list[Peer]:
    node = Path(__file__).parent / "node" / "socketio.mjs"
    own = (sys.executable, "-m")
    return [
        Peer(OURS, (*_UVICORN, *_OUR_CLASSES, "benchmarks.peers.pulse_app:app"), _OUR_CROWD),
        Peer(PORTABLE, (*_UVICORN, "--ws-ping-interval", "0", "benchmarks.peers.pulse_app:app"), _OUR_CROWD),
        Peer("FastAPI docs", (*_UVICORN, "benchmarks.peers.fastapi_docs:app")),
        Peer("websockets", (*own, "benchmarks.peers.websockets_broadcast", "{port}")),
        Peer(
            "Litestar Channels",
            (*_UVICORN, "benchmarks.peers.litestar_channels:app"),
            ("--path", f"/ws/{TOPIC}"),
        ),
        Peer("python-socketio", (*_UVICORN, "benchmarks.peers.socketio_asgi:app"), _SOCKET_IO_CROWD),
        Peer(
            "Socket.IO on Node", ("node", str(node), "{port}"), _SOCKET_IO_CROWD, {"NODE_ENV": "production"}
        ),
        Peer(
            "uWebSockets (socketify)",
            (*own, "benchmarks.peers.uwebsockets", "{port}"),
            ("--path", "/ws", "--say", TOPIC, "--ready", "subscribed"),
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
    return [Peer("Centrifugo", command, _CENTRIFUGO_CROWD)]


PEERS: Final = {peer.name: peer for peer in _all()}


def of_all_topics(peer: Peer) -> Peer:
    """The same with clients that follow every topic it has: seven, of ours."""
    if peer.name not in {OURS, PORTABLE}:
        return peer
    crowd = ["/ws" if word.startswith("/ws?") else word for word in peer.crowd]
    # The last one of which it is told that it is live.
    crowd[crowd.index("--ready") + 1] = '"subscribed","topic":"topic5"'
    return msgspec.structs.replace(peer, crowd=tuple(crowd))
