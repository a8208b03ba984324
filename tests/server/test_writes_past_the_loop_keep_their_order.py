"""A write goes to the socket itself while nothing waits in the loop's buffer: what that must not change."""

import asyncio
import contextlib
import datetime
import os
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect

from pulse_radar.server.batch import Batch
from pulse_radar.server.lean_websocket import LeanWebSocket
from tests.server.serving import app_with, make_pulse, serving
from tests.waiting import eventually

COUNT = 4_000


class Handshaken(asyncio.Protocol):
    """Hands each connection over at once, as if its handshake were done."""

    def __init__(self, taken: list[LeanWebSocket]) -> None:
        self._taken = taken

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are transports without being named so.
        sender: asyncio.Transport = transport  # type: ignore[assignment]
        sender.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        self._taken.append(LeanWebSocket(sender, set(), None))


@contextlib.asynccontextmanager
async def a_pair() -> AsyncIterator[tuple[LeanWebSocket, asyncio.StreamReader, asyncio.StreamWriter]]:
    """One of ours whose peer takes little at a time, and that peer."""
    taken: list[LeanWebSocket] = []
    server = await asyncio.get_running_loop().create_server(lambda: Handshaken(taken), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4_096)
        await eventually(lambda: bool(taken))
        try:
            yield taken[0], reader, writer
        finally:
            writer.close()


async def write_all_while_it_is_read() -> tuple[bytes, bytes, set[bool]]:
    """What was written and what came; and whether, before a write, nothing waited in the loop's buffer."""
    batches = [Batch([b"%06d" % number + b"x" * (number % 700)]) for number in range(COUNT)]
    waited: set[bool] = set()
    async with a_pair() as (lean, reader, _):
        wanted = b"".join(batch.wire for batch in batches)
        reading = asyncio.create_task(reader.readexactly(len(wanted)))
        for number, batch in enumerate(batches):
            waited.add(lean.unsent_bytes > 0)
            lean.write(batch)
            if number % 50 == 0:
                # Time for some of it, and every now and then for all.
                await asyncio.sleep(0.005 if number % 500 == 0 else 0)
        return wanted, await reading, waited


@pytest.mark.parametrize("is_uvloop", [False, True], ids=["asyncio", "uvloop"])
def test_what_the_system_does_not_take_at_once_stays_in_its_place(is_uvloop: bool) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if is_uvloop else None) as runner:
        written, read, waited = runner.run(write_all_while_it_is_read())
    assert read == written
    assert waited == {True, False}


async def test_after_a_close_nothing_is_written() -> None:
    async with a_pair() as (lean, reader, _):
        lean.write(Batch([b"before"]))
        lean.close(1000)
        assert lean.write(Batch([b"after"])) == 0
        assert await reader.readexactly(8 + 4) == b"\x81\x06before\x88\x02\x03\xe8"


async def test_the_number_of_a_socket_that_is_gone_is_not_written_to() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        async with a_pair() as (lean, _, writer):
            lean.write(Batch([b"before"]))
            writer.transport.abort()
            await eventually(lambda: lean._has_ended)
            await asyncio.sleep(0)
            # The next one that is opened gets it.
            os.dup2(ours.fileno(), lean._fileno)
            assert lean.write(Batch([b"to nobody"])) == 0
            os.close(lean._fileno)
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)


async def test_a_peer_that_is_gone_is_found_by_a_write() -> None:
    async with a_pair() as (lean, _, writer):
        lean.write(Batch([b"before"]))
        # The loop does not hear of it.
        lean._transport.pause_reading()
        writer.transport.abort()
        await asyncio.sleep(0)
        lean.write(Batch([b"x" * 100]))
        lean.write(Batch([b"x" * 100]))
        await eventually(lambda: lean._has_ended)


async def test_under_tls_the_loop_writes_alone(tmp_path: Path) -> None:
    key, certificate = self_signed(tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))
    pulse = make_pulse()
    async with serving(app_with(pulse), ssl_keyfile=key, ssl_certfile=certificate) as server:
        url = f"wss://localhost:{server.port}/ws?topics=knowledge"
        async with connect(url, ssl=trusting, host="127.0.0.1", proxy=None) as client:
            [lean] = server.server_state.connections
            assert isinstance(lean, LeanWebSocket)
            assert lean._fileno == -1
            await eventually(lambda: pulse.stats().hub.subscriptions_live == 1)
            for number in range(3):
                await pulse.publish("knowledge", "atom_created", {"number": number})
            texts = [str(await client.recv()) for _ in range(5)]
    assert [text.count('"number"') for text in texts] == [0, 0, 1, 1, 1]


def self_signed(folder: Path) -> tuple[Path, Path]:
    """The key and the certificate of localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "key.pem", folder / "certificate.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths[0].write_bytes(secret)
    paths[1].write_bytes(certificate.public_bytes(pem))
    return paths
