"""examples/containers: its commands, variables and health checks as processes of this machine."""

import asyncio
import json
import re
import shutil
import signal
from pathlib import Path

import httpx
import pytest

from tests.deploy.containers import CONTAINERS, Machine, documents, event_of, ports, until

pytestmark = pytest.mark.timeout(240)

[COMPOSE] = documents(CONTAINERS / "compose.yaml")
SERVICES = COMPOSE["services"]
DOCKERFILE = (CONTAINERS / "Dockerfile").read_text()


def of_the_image(instruction: str) -> list[str]:
    found = re.search(rf"^{instruction} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert found
    command: list[str] = json.loads(found[1])
    return command


def checked(service: str) -> list[str]:
    kind, *command = SERVICES[service]["healthcheck"]["test"]
    assert kind == "CMD"
    return list(command)


def test_everything_that_is_copied_or_mounted_is_there() -> None:
    copied = re.findall(r"^COPY (.*) \./$", DOCKERFILE, re.MULTILINE)[0].split()
    mounted = [v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", ()) if v.startswith("./")]
    assert copied
    assert mounted
    for name in copied + mounted:
        assert (CONTAINERS / name).is_file()


async def test_a_worker_is_seen_by_whoever_asks_the_proxy(tmp_path: Path) -> None:
    nats, monitor, api, public = ports(4)
    here = "127.0.0.1"
    machine = Machine(
        tmp_path,
        {
            "/etc/nats/nats.conf": str(tmp_path / "nats.conf"),
            "/data": str(tmp_path / "data"),
            "nats:4222": f"{here}:{nats}",
            "0.0.0.0": here,
            ":4222": f":{nats}",
            "8222": monitor,
            "dynamic a api 8000": f"to {here}:{api}",
            "8000": api,
            "8080": public,
            "172.16.0.0/12": here,
        },
    )
    machine.file("nats.conf", (CONTAINERS / "nats.conf").read_text())
    environment = SERVICES["api"]["environment"]
    async with machine.running(["nats-server", *SERVICES["nats"]["command"]]) as server:
        await until(server, lambda: machine.succeeds(checked("nats")))
        async with machine.running(of_the_image("CMD"), environment) as serving:
            await until(serving, lambda: machine.succeeds(checked("api")))
            async with machine.running(
                SERVICES["worker"]["command"], SERVICES["worker"]["environment"]
            ) as worker:
                headers = {"host": "localhost"}
                assert '"event":"progress"' in await event_of(f"http://{here}:{api}", "imports", headers)
                await through_the_proxy(machine, f"http://localhost:{public}")
                worker.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(worker.wait(), 60) == 0
            serving.send_signal(signal.SIGTERM)
            # When it has let its clients go it ends by the signal, as uvicorn does.
            assert await asyncio.wait_for(serving.wait(), 60) == -signal.SIGTERM


async def through_the_proxy(machine: Machine, url: str) -> None:
    caddy = shutil.which("caddy")
    if caddy is None:
        return
    config = machine.file(
        "Caddyfile",
        (CONTAINERS / "Caddyfile").read_text().replace("{\n\tservers", "{\n\tadmin off\n\tservers"),
    )
    command = [caddy, "run", "--config", str(config), "--adapter", "caddyfile"]
    async with machine.running(command, {"HOME": machine.directory}) as proxy:

        async def shows_the_page() -> bool:
            try:
                async with httpx.AsyncClient(base_url=url) as http:
                    return (await http.get("/")).status_code == 200
            except httpx.TransportError:
                return False

        await until(proxy, shows_the_page)
        assert '"event":"progress"' in await event_of(url, "imports")
