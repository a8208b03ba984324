"""The wheel and the sdist in empty environments: all of it works without the repository and without Node."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0

# Neither our checkout nor its Node.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}


def uv(*arguments: str | Path) -> None:
    command = shutil.which("uv") or ROOT / ".tools" / "bin" / "uv"
    subprocess.run([command, *arguments], check=True, cwd=ROOT, timeout=600)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of this checkout, and the wheel that is made of that sdist."""
    assert (ROOT / "web/dashboard/dist/index.html").is_file(), "make web/dashboard/dist/.built builds it"
    out = tmp_path_factory.mktemp("built")
    uv("build", "--quiet", "--out-dir", out)
    return out


def installed(package: Path, directory: Path, extra: str = "") -> Path:
    """The commands of a new environment in which there is nothing else."""
    environment = directory / "environment"
    uv("venv", "--quiet", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    uv("pip", "install", "--quiet", "--python", python, f"{package}{extra}")
    return python.parent


def until(asked: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not asked():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def demo(commands: Path, directory: Path) -> Iterator[str]:
    """`pulse-radar demo`; where it is."""
    log = directory / "demo.log"
    command = [str(commands / "pulse-radar"), "demo", "--no-browser", "--port", "0", "--pace", "500"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=directory, env=ENVIRONMENT)
    try:
        until(lambda: "is up" in log.read_text() or process.poll() is not None)
        found = re.search(r"http://\S+", log.read_text())
        assert found, log.read_text()
        yield found[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert log.read_text().endswith("All of it has ended.\n")
    finally:
        process.kill()
        process.wait()


def test_the_demo_of_the_wheel_shows_its_page_and_its_numbers_move(built: Path, tmp_path: Path) -> None:
    [wheel] = built.glob("*.whl")
    commands = installed(wheel, tmp_path, "[radar]")
    with demo(commands, tmp_path) as url, httpx.Client(base_url=url) as client:
        page = client.get("/")
        assert page.status_code == 200
        for asset in re.findall(r'(?:src|href)="\./(assets/[^"]+)"', page.text):
            assert client.get(f"/{asset}").status_code == 200
        assert 'type="module"' in page.text
        with client.stream("GET", "/events?topics=messages", timeout=PATIENCE) as live:
            assert any("ingestion_progress" in line for line in live.iter_lines())
        for what in ("messages", "atoms", "topics"):
            until(lambda what=what: client.get(f"/api/{what}").json()["items"] != [])  # type: ignore[misc]


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_the_library_of_either_serves_an_app_with_nothing_but_what_it_needs(
    built: Path, tmp_path: Path, kind: str
) -> None:
    [package] = built.glob(kind)
    commands = installed(package, tmp_path)
    code = (
        "from fastapi import FastAPI\n"
        "from pulse_radar import Event, Pulse, Publisher\n"
        "pulse = Pulse()\n"
        "app = FastAPI(lifespan=pulse.lifespan)\n"
        "app.include_router(pulse.router)\n"
    )
    ran = [str(commands / "python"), "-c", code]
    assert subprocess.run(ran, cwd=tmp_path, env=ENVIRONMENT, timeout=PATIENCE, check=False).returncode == 0
    said = subprocess.run(
        [commands / "pulse-radar", "demo"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        timeout=PATIENCE,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (said.returncode, said.stdout) == (1, "")
    assert 'pip install "pulse-radar[radar]"' in said.stderr
