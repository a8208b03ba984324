"""The README's code, run as it stands."""

import asyncio
import re
import subprocess
import sys
import textwrap
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from pulse_radar import Event, Pulse
from pulse_radar.testing import connect
from tests.server.serving import Client, serving

README = (Path(__file__).parent.parent / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def block_with(word: str, language: str = "python") -> str:
    return next(block for block in blocks(language) if word in block)


async def test_the_first_lines_make_an_app_live() -> None:
    names: dict[str, Any] = {}
    exec(blocks("python")[0], names)
    app, pulse = names["app"], names["pulse"]
    assert isinstance(app, FastAPI)
    assert isinstance(pulse, Pulse)
    async with (
        serving(app) as server,
        Client(server.port, "?topics=knowledge") as client,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http,
    ):
        await client.until("subscription")
        await http.post("/atoms/first")
        assert (await client.next())["data"] == {"title": "first"}


def test_what_the_readme_names_can_be_imported() -> None:
    for module, name in re.findall(r"`(pulse_radar\.testing\.\w+)\.(\w+)`", README):
        assert name in import_module(module).__all__


@pytest.mark.parametrize("client", ["TestClient", "pulse_radar.testing"])
def test_the_app_is_tested_as_the_readme_says(tmp_path: Path, client: str) -> None:
    (tmp_path / "app.py").write_text(blocks("python")[0])
    (tmp_path / "test_app.py").write_text(block_with(client))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rP", "-p", "no:asyncio"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "1 passed" in ran.stdout, ran.stdout
    assert "WARNING" not in ran.stdout, ran.stdout


async def test_an_event_is_committed_with_a_row_as_the_readme_says(tmp_path: Path) -> None:
    names: dict[str, Any] = {
        "pulse": Pulse("memory://"),
        "engine": create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'orders.db'}"),
        "AsyncSession": AsyncSession,
        "asynccontextmanager": asynccontextmanager,
    }
    exec(ORDERS, names)
    names["pulse"].topic("orders")
    exec(block_with("pulse_radar.outbox"), names)
    async with names["engine"].begin() as connection:
        await connection.run_sync(names["Base"].metadata.create_all)
    app = FastAPI(lifespan=names["lifespan"])
    app.include_router(names["pulse"].router)
    async with connect(app, ["orders"]) as page:
        await names["place"](names["Order"](id=7))
        assert (await page.next("order_placed")).data == {"id": 7}
    await names["engine"].dispose()


# What a reader has.
ORDERS = """
from sqlalchemy.orm import DeclarativeBase, mapped_column, Mapped

class Base(DeclarativeBase):
    pass

class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


async def test_another_program_follows_as_the_readme_says(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(blocks("python")[0], names)
    async with serving(names["app"]) as server:
        block = block_with("pulse_radar.connect").replace(":8000", f":{server.port}")
        exec(f"async def follow():\n{textwrap.indent(block, '    ')}", names)
        following = asyncio.create_task(names["follow"]())
        said = ""
        async with asyncio.timeout(20):
            while "first" not in said:
                # Until it has entered nothing is there for it.
                await names["pulse"].publish("knowledge", "atom_created", {"title": "first"})
                await asyncio.sleep(0.05)
                said += capsys.readouterr().out
        following.cancel()
        await asyncio.wait([following])


def test_types_are_written_as_the_readme_says(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(blocks("python")[0])
    commands = [line.split("#")[0] for line in block_with("codegen", "sh").splitlines()]
    assert len(commands) == 3
    for command in commands:
        ran = subprocess.run(
            [sys.executable, "-m", "pulse_radar.cli", *command.split()[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
    assert {path.name for path in tmp_path.iterdir()} >= {"events.ts", "asyncapi.json"}


def test_the_typed_event_is_named_on_the_wire_as_the_comment_says() -> None:
    declaration = blocks("python")[1].split("async with")[0]
    names: dict[str, Any] = {"__name__": "readme"}
    exec(declaration, names)
    event = names["AtomCreated"]
    assert issubclass(event, Event)
    assert (event.TOPIC, event.NAME, event.KEY_FIELD) == ("knowledge", "atom_created", "id")


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_every_link_leads_somewhere(target: str) -> None:
    assert (Path(__file__).parent.parent / target).exists()


def test_the_lines_for_json_web_tokens_make_a_pulse_that_asks_who_is_there() -> None:
    names: dict[str, Any] = {"Pulse": Pulse}
    exec(block_with("Jwt("), names)
    assert names["pulse"].authenticates
