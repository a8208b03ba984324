"""The README's code, run as it stands."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from pulse_radar import Event, Pulse
from tests.server.serving import Client, serving

README = (Path(__file__).parent.parent / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


async def test_the_five_lines_make_an_app_live() -> None:
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


def test_the_five_lines_are_five() -> None:
    statements = ast.parse(blocks("python")[0]).body
    lines = [s for s in statements if not isinstance(s, ast.AsyncFunctionDef | ast.ImportFrom)]
    publish = 1
    assert len(lines) + publish == 5


def test_the_app_is_tested_as_the_readme_says(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(blocks("python")[0])
    (tmp_path / "test_app.py").write_text(next(block for block in blocks("python") if "TestClient" in block))
    ran = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, capture_output=True, text=True)
    assert "1 passed" in ran.stdout, ran.stdout


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
