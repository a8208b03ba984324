"""The WebSocket protocol class for uvicorn: it lets go of a connection that an endpoint of ours wants for itself.

Taken by `uvicorn --ws pulse_radar.server.uvicorn_protocol:PulseWebSocketProtocol`; `pulse-radar serve` has it
built in. It carries every WebSocket of the server, until it is known whose it is.
"""

import asyncio
import logging
from typing import Any, Final, cast
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.protocols.utils import (
    ClientDisconnected,
    get_client_addr,
    get_local_addr,
    get_path_with_query_string,
    get_remote_addr,
    is_ssl,
)
from uvicorn.server import ServerState

from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.server.cutoff import CLOSE_SECONDS, Cutoff
from pulse_radar.server.deflate import AGREED, is_offered
from pulse_radar.server.ending import SHUTDOWN_SECONDS
from pulse_radar.server.lean_websocket import LeanWebSocket
from pulse_radar.server.opening_handshake import OpeningHandshake
from pulse_radar.server.sockets import SocketPlace
from pulse_radar.server.transport import EXTENSION
from pulse_radar.server.uvicorn_ordinary import MOST_EARLY_BYTES, OrdinaryWebSocket
from pulse_radar.server.websocket_frames import close_frame

__all__ = ["PulseWebSocketProtocol"]

# uvicorn's own, where people look for what it says.
_log: Final = logging.getLogger("uvicorn.error")

_EXTENSIONS: Final = b"sec-websocket-extensions"
_SUBPROTOCOL: Final = b"sec-websocket-protocol"

# A connection ended without a close frame (RFC 6455, section 7.4.1).
_ABNORMAL: Final = 1006


class PulseWebSocketProtocol(asyncio.Protocol):
    """A WebSocket while the application looks at it; the `Upgrade` of an endpoint that takes it from the scope.

    One that nobody takes becomes an `OrdinaryWebSocket` as soon as the application says anything.
    """

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        self._config = config
        self._server_state = server_state
        # uvicorn's list of what it ends and waits for, by whatever protocol.
        self._connections: set[Any] = server_state.connections
        self._app_state = app_state
        self._cutoff = Cutoff()
        # Of the socket among those of the server, until it is let in; None where nobody counts them.
        self.place: SocketPlace | None = None
        self._transport: asyncio.Transport
        # The request, and what its client says before it may.
        self._head = self._early = b""
        self._handshake: OpeningHandshake
        # What the application sees; empty where it is not asked.
        self._scope: dict[str, Any] = {}
        self._is_connect_told = False
        # An endpoint of ours will take it over, and compresses.
        self._is_held = False
        self._deflates = False
        # What our endpoint accepted it with, while nobody has said anything else; uvicorn knows nothing of it.
        self._accepted: Any = None
        # Whoever uvicorn carries it with, where nobody takes it over.
        self._ordinary: OrdinaryWebSocket | None = None
        # It is gone, or somebody else's.
        self._is_over = asyncio.Event()

    # What an endpoint of ours uses.

    def hold(self, *, deflate: bool) -> None:
        self._is_held = True
        self._deflates = deflate and is_offered(self._handshake.texts(_EXTENSIONS))
        if not self._is_over.is_set():
            self._transport.pause_reading()

    def hand_over(self) -> LeanWebSocket:
        if self._accepted is None:
            # The endpoint accepted it, and a middleware told us something else, before that or after.
            raise ClientDisconnected
        self._log_accepted()
        lean = LeanWebSocket(
            self._transport,
            self._connections,
            self._config.timeout_graceful_shutdown,
            answer=self._answer(),
            early=self._early,
            deflates=self._deflates,
            place=self.place,
        )
        if self._is_over.is_set():
            lean.connection_lost(None)
        self._end()
        return lean

    # What uvicorn and the event loop call.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are transports without being named so.
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._head:
            # It has to wait for our answer.
            self._early += data
            if len(self._early) > MOST_EARLY_BYTES:
                self._transport.pause_reading()
            return
        self._head = data
        loop = asyncio.get_running_loop()
        handshake = OpeningHandshake.read(data)
        if handshake is None:
            # Not now: whoever called makes us the transport's protocol when we return.
            loop.call_soon(self._leave_to_uvicorn)
            return
        self._handshake, self._scope = handshake, self._new_scope(handshake)
        task = loop.create_task(self._run())
        task.add_done_callback(self._server_state.tasks.discard)
        self._server_state.tasks.add(task)

    def eof_received(self) -> None:
        # The loop closes the transport now, and that waits for what is unsent.
        self._cutoff.after(CLOSE_SECONDS, self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        if self.place is not None:
            self.place.give_back()

    def shutdown(self) -> None:
        if self._accepted is None:
            ordinary = self._leave_to_uvicorn()
            assert ordinary is not None, "uvicorn ends what it counts, and what is over it does not"
            ordinary.shutdown()
            return
        self._transport.write(self._answer() + close_frame(CloseCode.SERVICE_RESTART))
        self._transport.close()
        self._cutoff.after(SHUTDOWN_SECONDS, self._transport)

    # What the application does with it.

    async def _run(self) -> None:
        try:
            await self._config.loaded_app(self._scope, self._receive, self._send)
        except BaseException as error:  # noqa: BLE001 (the application's: whatever it raises)
            self._ran(error)
        else:
            self._ran(None)

    def _ran(self, error: BaseException | None) -> None:
        # Not in the frame that raised it: they would know each other, as the scope and we do. So all of it goes without
        # the garbage collector.
        self._scope["extensions"].pop(EXTENSION, None)
        ordinary = self._leave_to_uvicorn()
        if ordinary is not None:
            ordinary.ran(error)
        elif error is not None and not isinstance(error, ClientDisconnected):
            _log.error("Exception in ASGI application\n", exc_info=error)

    async def _receive(self) -> Any:
        if not self._is_connect_told:
            self._is_connect_told = True
            return {"type": "websocket.connect"}
        # Before it is accepted there is nothing but its end.
        await self._is_over.wait()
        if self._ordinary is not None:
            return await self._ordinary.receive()
        return {"type": "websocket.disconnect", "code": _ABNORMAL}

    async def _send(self, message: Any) -> None:
        if self._is_held and message["type"] == "websocket.accept" and not self._is_over.is_set():
            self._accepted = message
            return
        ordinary = self._leave_to_uvicorn()
        if ordinary is None:
            raise ClientDisconnected
        if self._accepted is not None:
            # Our endpoint accepted it, and a middleware goes on by itself.
            accepted, self._accepted = self._accepted, None
            await ordinary.send(accepted)
        await ordinary.send(message)

    # How.

    def _new_scope(self, handshake: OpeningHandshake) -> dict[str, Any]:
        root = self._config.root_path
        return {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if is_ssl(self._transport) else "ws",
            "server": get_local_addr(self._transport),
            "client": get_remote_addr(self._transport),
            "root_path": root,
            "path": root + unquote(handshake.path.decode()),
            "raw_path": root.encode() + handshake.path,
            "query_string": handshake.query,
            "headers": handshake.headers,
            "subprotocols": handshake.listed(_SUBPROTOCOL),
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}, EXTENSION: self},
        }

    def _log_accepted(self) -> None:
        if _log.isEnabledFor(logging.INFO):
            address = get_path_with_query_string(cast(Any, self._scope))
            _log.info('%s - "WebSocket %s" [accepted]', get_client_addr(cast(Any, self._scope)), address)

    def _answer(self) -> bytes:
        """To the handshake that is accepted: whoever takes it over writes that before all else."""
        accepted = self._accepted
        headers = [*self._server_state.default_headers, *accepted.get("headers", ())]
        if accepted.get("subprotocol"):
            headers.append((_SUBPROTOCOL, accepted["subprotocol"].encode()))
        if self._deflates:
            headers.append((_EXTENSIONS, AGREED.encode()))
        return self._handshake.answer(headers)

    def _leave_to_uvicorn(self) -> OrdinaryWebSocket | None:
        """Have uvicorn carry it from now on; what carries it then, None where it is gone, or an endpoint's."""
        if not self._is_over.is_set():
            self._ordinary = self._new_ordinary()
            if self._scope:
                self._ordinary.go_on(self._scope, self._head, self._early)
            else:
                # It is no handshake as we know them: uvicorn says what it thinks of it.
                self._ordinary.begin(self._head, self._early)
        return self._ordinary

    def _new_ordinary(self) -> OrdinaryWebSocket:
        self._end()
        ordinary = OrdinaryWebSocket(self._config, self._server_state, self._app_state, place=self.place)
        ordinary.connection_made(self._transport)
        self._transport.set_protocol(ordinary)
        self._transport.resume_reading()
        return ordinary

    def _end(self) -> None:
        self._is_over.set()
        self._connections.discard(self)
        self._cutoff.over()
