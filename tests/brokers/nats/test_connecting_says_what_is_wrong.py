"""A person who cannot connect reads why, and within seconds."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pulse_radar import Publisher, Pulse, SyncPublisher
from pulse_radar.brokers.nats import Credentials, NatsBroker
from pulse_radar.errors import BrokerRefused, BrokerUnavailable, InvalidSetting
from pulse_radar.testing.nats_server import NatsServer, free_port


@asynccontextmanager
async def pretender(greeting: bytes, answer: bytes = b"") -> AsyncIterator[str]:
    """Something that listens where a NATS server should; yields its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await reader.read(1)
        writer.write(answer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def connect(broker: NatsBroker) -> None:
    async with asyncio.timeout(10), broker:
        pass


def info(**fields: object) -> bytes:
    return f"INFO {json.dumps({'version': '2.15.1', 'max_payload': 1048576, **fields})}\r\n".encode()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "localhost:4222",
        "http://host",
        "nats://",
        "nats://:4222",
        "nats://host:99999",
        "nats://a:1,b",
    ],
)
def test_a_url_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting, match="nats://host:port"):
        NatsBroker(url)


def test_a_password_is_never_repeated() -> None:
    broker = NatsBroker("nats://me:secret@host")
    assert "secret" not in repr(broker)
    assert "host:4222" in repr(broker)
    with pytest.raises(InvalidSetting) as refused:
        NatsBroker("http://me:secret@host")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("namespace", ["live", "websocket", "Upper", "a.b", "1st", "a" * 33])
def test_a_namespace_that_cannot_be_one_is_refused(namespace: str) -> None:
    with pytest.raises(InvalidSetting, match="namespace"):
        NatsBroker("nats://host", namespace=namespace)


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(InvalidSetting, match="inbox"):
        NatsBroker("nats://host", inbox_prefix="a b")
    with pytest.raises(InvalidSetting, match="time-outs"):
        NatsBroker("nats://host", request_timeout_seconds=0)
    with pytest.raises(InvalidSetting, match="duplicate window"):
        NatsBroker("nats://host", duplicate_window_seconds=0)


def test_credentials_that_are_none_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    creds = tmp_path / "my.creds"
    with monkeypatch.context() as without_nkeys:
        without_nkeys.setattr("importlib.util.find_spec", lambda _name: None)
        with pytest.raises(InvalidSetting, match="nkeys"):
            NatsBroker("nats://host", credentials=Credentials(file=creds))
    with pytest.raises(InvalidSetting, match="cannot read"):
        NatsBroker("nats://host", credentials=Credentials(file=creds))
    creds.write_text("nothing of the kind")
    with pytest.raises(InvalidSetting, match="not a credentials file"):
        NatsBroker("nats://host", credentials=Credentials(file=creds))


async def test_nobody_listens() -> None:
    with pytest.raises(BrokerUnavailable, match="no connection to 127.0.0.1"):
        await connect(NatsBroker(f"nats://127.0.0.1:{free_port()}"))


async def test_a_host_that_does_not_exist() -> None:
    with pytest.raises(BrokerUnavailable, match="no connection to nowhere.invalid:4222"):
        await connect(NatsBroker("nats://nowhere.invalid"))


async def test_somebody_listens_and_says_nothing() -> None:
    async with pretender(b"") as url:
        with pytest.raises(BrokerUnavailable, match=r"within 0\.3 s"):
            await connect(NatsBroker(url, connect_timeout_seconds=0.3))


async def test_somebody_listens_who_is_no_nats_server() -> None:
    async with pretender(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        with pytest.raises(BrokerUnavailable, match="not a NATS server"):
            await connect(NatsBroker(url))


async def test_a_server_that_is_too_old() -> None:
    async with pretender(info(version="2.9.10"), b"PONG\r\n") as url:
        with pytest.raises(BrokerRefused, match=r"2\.9\.10.* too old.* 2\.11"):
            await connect(NatsBroker(url))


async def test_a_server_of_a_version_nobody_can_read() -> None:
    async with pretender(info(version="nightly"), b"PONG\r\n") as url:
        with pytest.raises(BrokerRefused, match="nightly"):
            await connect(NatsBroker(url))


async def test_a_server_without_jetstream(tmp_path: Path) -> None:
    async with NatsServer(tmp_path, settings="jetstream: false") as server:
        for publisher_or_app in (Publisher(server.url), Pulse(server.url)):
            with pytest.raises(BrokerRefused, match=rf"127\.0\.0\.1:{server.port} has JetStream off: .* -js"):
                async with asyncio.timeout(10), publisher_or_app:
                    pass
        with pytest.raises(BrokerRefused, match="JetStream off"):
            await asyncio.to_thread(SyncPublisher(server.url).publish, "knowledge", "atom_created")


async def test_a_server_whose_neighbour_has_jetstream(tmp_path: Path) -> None:
    port = free_port()
    cluster = f'cluster {{ name: "c", listen: "127.0.0.1:{port}"; routes: ["nats://127.0.0.1:{port}"] }}'
    leaf = f'jetstream: false\ncluster {{ name: "c", listen: "127.0.0.1:-1", routes: ["nats://127.0.0.1:{port}"] }}'
    async with (
        NatsServer(tmp_path / "has", settings=f'server_name: "has"\n{cluster}'),
        NatsServer(tmp_path / "has_not", settings=f'server_name: "has_not"\n{leaf}') as server,
    ):
        broker = NatsBroker(server.url)
        async with asyncio.timeout(30):
            while True:
                try:
                    await connect(broker)
                except BrokerRefused:
                    # Until they have found each other.
                    await asyncio.sleep(0.1)
                else:
                    break


async def test_a_secure_connection_that_fails() -> None:
    async with pretender(info(tls_required=True), b"this is no handshake\r\n") as url:
        with pytest.raises(BrokerRefused, match="no secure connection"):
            await connect(NatsBroker(url))


async def test_credentials_that_the_server_refuses(tmp_path: Path) -> None:
    async with NatsServer(tmp_path, settings='authorization { token: "right" }') as server:
        await connect(NatsBroker(server.url, credentials=Credentials(token="right")))
        for broker in (
            NatsBroker(server.url),
            NatsBroker(server.url, credentials=Credentials(token="wrong")),
        ):
            with pytest.raises(BrokerRefused, match="refuses our credentials"):
                await connect(broker)


async def test_the_second_server_of_a_list_is_tried(server: NatsServer) -> None:
    broker = NatsBroker(f"nats://127.0.0.1:{free_port()},{server.url}")
    async with broker:
        assert broker.is_connected
        assert broker.stats().connections == 1
        assert "connected, 0 requests" in repr(broker)
    assert not broker.is_connected
