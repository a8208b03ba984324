"""The peers by name, and how each is started."""

import sys
from typing import Final

import msgspec

from benchmarks.arena import Peer, compiled
from benchmarks.peers.driving import TOPIC

__all__ = ["FLOOR", "OURS", "PEERS", "PORTABLE", "of_all_topics"]

OURS: Final = "Pulse Radar"
PORTABLE: Final = "Pulse Radar, any ASGI server"
FLOOR: Final = "C: one send(2) a frame"

_OUR_CROWD: Final = (
    *("--path", f"/ws?topics={TOPIC}", "--ready", '"subscribed"'),
    *("--answer", '{"type":"ping"', '{"action":"pong"}'),
)
_UVICORN: Final = (
    *(sys.executable, "-m", "uvicorn", "--port", "{port}", "--loop", "uvloop", "--http", "httptools"),
    *("--ws-per-message-deflate", "false", "--log-level", "warning", "--no-access-log", "--backlog", "4096"),
)


def _all() -> list[Peer]:
    serve = (sys.executable, "-m", "pulse_radar.cli", "serve", "benchmarks.peers.pulse_app:app")
    return [
        Peer(OURS, (*serve, "--port", "{port}"), _OUR_CROWD),
        Peer(
            PORTABLE,
            (*_UVICORN, "--ws-ping-interval", "0", "benchmarks.peers.pulse_app:app"),
            _OUR_CROWD,
        ),
        Peer("FastAPI docs", (*_UVICORN, "benchmarks.peers.fastapi_docs:app")),
        Peer(
            "websockets broadcast",
            (sys.executable, "-m", "benchmarks.peers.websockets_broadcast", "{port}"),
        ),
        Peer(FLOOR, (str(compiled("floor")), "{port}")),
    ]


PEERS: Final = {peer.name: peer for peer in _all()}


def of_all_topics(peer: Peer) -> Peer:
    """The same with clients that follow every topic it has: seven, of ours."""
    crowd = ["/ws" if word.startswith("/ws?") else word for word in peer.crowd]
    if "--ready" in crowd:
        # The last one of which it is told that it is live.
        crowd[crowd.index("--ready") + 1] = '"subscribed","topic":"topic5"'
    return msgspec.structs.replace(peer, crowd=tuple(crowd))
