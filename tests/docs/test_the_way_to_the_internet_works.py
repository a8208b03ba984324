"""docs/guides/internet.md, followed to the letter but for ports and secrets: its app, its settings, two services."""

import asyncio
import configparser
import itertools
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from pulse_radar.testing.nats_server import free_port
from tests.auth.issuer import Issuer, issuing
from tests.cli import runs

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "internet.md").read_text()
FILES: dict[str, str] = dict(
    re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', GUIDE, re.MULTILINE | re.DOTALL)
)
HOST = "app.example.com"


def settings(directory: Path) -> dict[str, str]:
    """Those of the guide, with secrets as long as they are there."""
    lines = dict(line.split("=", 1) for line in FILES["radar.env"].splitlines())
    return lines | {
        "PULSE_DATA_DIR": str(directory / "data"),
        "PULSE_TICKET_SECRET": "ab" * 32,
        "PULSE_METRICS_TOKEN": "cd" * 32,
    }


def command(port: int) -> list[str]:
    """What the service runs, without the program's path."""
    service = configparser.RawConfigParser()
    service.read_string(FILES["radar@.service"])
    program, *arguments = shlex.split(service["Service"]["ExecStart"].replace("%i", str(port)))
    assert Path(program).name == "pulse-radar"
    return arguments


def questions() -> Iterator[tuple[str, list[str], int]]:
    """The path of each, the options of curl, and what a process answers."""
    for line in re.findall(r"^curl .*$", GUIDE, re.MULTILINE):
        asked, said = line.split("  # ")
        words = shlex.split(asked)
        address = next(word for word in words if word.startswith(f"https://{HOST}"))
        answers = re.findall(r"\d{3}", said)
        yield address.removeprefix(f"https://{HOST}"), words, int(answers[-1])


def request(path: str, words: list[str]) -> httpx.Request:
    headers = [word.split(": ", 1) for before, word in itertools.pairwise(words) if before == "-H"]
    return httpx.Request(
        "POST" if "POST" in words else "GET",
        f"http://{HOST}{path}",
        headers=dict(headers),
        content="{}" if "-d" in words else None,
    )


@pytest.mark.timeout(180)
async def test_it_is_served_to_those_whom_the_issuer_names_and_to_nobody_else(tmp_path: Path) -> None:
    async with issuing() as issuer:
        (tmp_path / "app.py").write_text(
            FILES["app.py"].replace("https://id.example.com/jwks.json", issuer.url)
        )
        ports = free_port(), free_port()
        with ExitStack() as stack:
            for port in ports:
                stack.enter_context(runs.running(tmp_path, *command(port), env=settings(tmp_path)))
            for port in ports:
                await asyncio.to_thread(runs.until_served, port, "/ready")
            await nobody_is_in_without_a_token(ports[0])
            await an_event_of_one_process_is_read_at_the_other(issuer, *ports)


async def nobody_is_in_without_a_token(port: int) -> None:
    asked = list(questions())
    assert len(asked) == 5
    async with httpx.AsyncClient(mounts={"all://": httpx.AsyncHTTPTransport()}) as http:
        for path, words, status in asked:
            wanted = request(path, words)
            wanted.url = wanted.url.copy_with(host="127.0.0.1", port=port)
            assert (await http.send(wanted)).status_code == status, path


async def an_event_of_one_process_is_read_at_the_other(issuer: Issuer, one: int, other: int) -> None:
    token = {"Authorization": f"Bearer {issuer.token(publish=['knowledge'])}"}
    address = f"ws://{HOST}/ws?topics=knowledge"
    async with connect(address, host="127.0.0.1", port=other, proxy=None, additional_headers=token) as reader:
        while json.loads(await reader.recv())["type"] != "subscription":
            pass
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{one}") as http:
            content = {"topic": "knowledge", "event": "found", "data": {"title": "first"}}
            answer = await http.post("/publish", headers={**token, "Host": HOST}, json=content)
        assert answer.status_code == 201
        assert json.loads(await reader.recv())["data"] == {"title": "first"}
