"""The configuration files of examples/deploy, with the real proxies: as they stand, but for ports and certificates."""

import asyncio
import logging
import shutil
import socket
import ssl
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from pulse_radar import Pulse
from tests.server.serving import PATIENCE, app_with, make_pulse, serving

FILES: Final = Path(__file__).parents[2] / "examples" / "deploy"
NAME: Final = "app.example.com"

# A client with an address of its own: all of 127.0.0.0/8 is this machine.
CLIENT: Final = "127.0.0.2"


def replaced(text: str, **others: str) -> str:
    for written, other in others.items():
        assert text.count(written) == 1, f"{written!r} is not there once"
        text = text.replace(written, other)
    return text


def nginx(directory: Path, upstream: int, port: int) -> list[str]:
    """The command that runs it with our file."""
    site = replaced(
        (FILES / "nginx.conf").read_text(),
        **{
            "server 127.0.0.1:8000": f"server 127.0.0.1:{upstream}",
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "/etc/nginx/tls/app.example.com.crt": str(directory / "cert.pem"),
            "/etc/nginx/tls/app.example.com.key": str(directory / "key.pem"),
        },
    )
    (directory / "site.conf").write_text(site)
    places = "".join(
        f"{kind}_temp_path {directory}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        f"daemon off; pid {directory}/pid; error_log {directory}/error.log; events {{}}\n"
        f"http {{ access_log off; {places} include {directory}/site.conf; }}"
    )
    return [
        "nginx",
        "-p",
        str(directory),
        "-c",
        str(directory / "nginx.conf"),
        "-e",
        str(directory / "error.log"),
    ]


def caddy(directory: Path, upstream: int, port: int) -> list[str]:
    """The same for Caddy."""
    site = replaced(
        (FILES / "Caddyfile").read_text(),
        **{
            "\n{\n": "\n{\n\tadmin off\n\tauto_https off\n\tgrace_period 1s\n\tdefault_bind 127.0.0.1\n",
            "\napp.example.com {": f"\nhttps://{NAME}:{port} {{\n\ttls {directory}/cert.pem {directory}/key.pem",
            "reverse_proxy 127.0.0.1:8000": f"reverse_proxy 127.0.0.1:{upstream}",
        },
    )
    (directory / "Caddyfile").write_text(site)
    return ["caddy", "run", "--config", str(directory / "Caddyfile"), "--adapter", "caddyfile"]


Proxy = Callable[[Path, int, int], list[str]]

PROXIES: Final = [
    pytest.param(
        proxy, marks=pytest.mark.skipif(not shutil.which(proxy.__name__), reason=f"needs {proxy.__name__}")
    )
    for proxy in (nginx, caddy)
]


class Behind:
    """An app behind a proxy, and what reaches it there."""

    def __init__(self, pulse: Pulse, port: int, authority: trustme.CA) -> None:
        self.pulse = pulse
        self.url = f"https://{NAME}:{port}"
        self._port = port
        self._tls = ssl.create_default_context()
        authority.configure_trust(self._tls)

    def follow(self, **headers: str) -> Any:
        return connect(
            f"wss://{NAME}:{self._port}/ws?topics=knowledge",
            ssl=self._tls,
            host="127.0.0.1",
            port=self._port,
            local_addr=(CLIENT, 0),
            additional_headers=headers,
            proxy=None,
        )

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{self._port}",
            headers={"Host": f"{NAME}:{self._port}"},
            transport=_Named(httpx.AsyncHTTPTransport(verify=self._tls, local_address=CLIENT)),
            timeout=PATIENCE,
        )


class _Named(httpx.AsyncBaseTransport):
    """Asks for our name, wherever it connects to."""

    def __init__(self, inner: httpx.AsyncHTTPTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sni_hostname"] = NAME
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@asynccontextmanager
async def behind(proxy: Proxy, directory: Path) -> AsyncIterator[Behind]:
    pulse = make_pulse(
        allowed_hosts=NAME,
        trusted_proxies="127.0.0.1",
        publish_token="a-token-of-the-tests",
        metrics_token="a-token-of-prometheus",
    )
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME)
    certificate.cert_chain_pems[0].write_to_path(directory / "cert.pem")
    certificate.private_key_pem.write_to_path(directory / "key.pem")
    async with serving(app_with(pulse), proxy_headers=False) as server:
        port = free_port()
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(directory)}
        command = proxy(directory, server.port, port)
        log = (directory / "output").open("wb")
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)
        try:
            await listening(port, process, directory)
            yield Behind(pulse, port, authority)
        finally:
            process.terminate()
            await process.wait()
            log.close()


async def listening(port: int, process: asyncio.subprocess.Process, directory: Path) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            assert process.returncode is None, (directory / "output").read_text()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


@pytest.mark.parametrize("proxy", PROXIES)
async def test_events_come_through_both_ways_and_only_to_pages_of_ours(
    proxy: Proxy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with behind(proxy, tmp_path) as app:
        await comes_by_websocket(app)
        await comes_by_stream(app)
        await keeps_others_out(app)
    refused = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert refused
    assert all(CLIENT in line and "198.51.100.9" not in line for line in refused)


async def comes_by_websocket(app: Behind) -> None:
    async with app.follow(Origin=app.url) as socket, asyncio.timeout(PATIENCE):
        while '"subscribed"' not in await socket.recv():
            pass
        await app.pulse.publish("knowledge", "by_websocket")
        while '"by_websocket"' not in await socket.recv():
            pass


async def comes_by_stream(app: Behind) -> None:
    async with (
        app.http() as http,
        http.stream("GET", "/events?topics=knowledge", headers={"Origin": app.url}) as answer,
    ):
        lines = answer.aiter_lines()
        async with asyncio.timeout(PATIENCE):
            while '"subscribed"' not in await anext(lines):
                pass
            # A proxy that collected the answer would keep it until there is more.
            await app.pulse.publish("knowledge", "by_stream")
            while '"by_stream"' not in await anext(lines):
                pass


async def keeps_others_out(app: Behind) -> None:
    lies = {"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Host": "evil.example"}
    for origin in ("https://evil.example", "null", f"https://{NAME}.evil.example"):
        with pytest.raises(InvalidStatus) as refused:
            await app.follow(Origin=origin, **lies)
        assert refused.value.response.status_code == 403
    async with app.http() as http:
        # What a client wrote about itself is thrown away: with it, this would be another host.
        answer = await http.post("/publish", headers=lies)
        assert answer.status_code == 401
        figures = await http.get("/metrics", headers={"Authorization": "Bearer a-token-of-prometheus"})
        assert figures.status_code == 404


def test_what_is_not_run_here_says_what_the_others_say() -> None:
    traefik = tomllib.loads((FILES / "traefik.toml").read_text())["http"]
    nginx_file = (FILES / "nginx.conf").read_text()
    router = traefik["routers"]["pulse-radar"]
    assert router["rule"] == f"Host(`{NAME}`) && !Path(`/metrics`)"
    assert traefik["services"][router["service"]]["loadBalancer"]["servers"] == [
        {"url": "http://127.0.0.1:8000"}
    ]
    [limit] = (traefik["middlewares"][name]["inFlightReq"]["amount"] for name in router["middlewares"])
    assert f"limit_conn pulse_radar {limit};" in nginx_file
