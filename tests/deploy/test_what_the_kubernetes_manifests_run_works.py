"""examples/kubernetes: the commands, variables and probes of its pods as processes of this machine."""

import contextlib
import shutil
import subprocess
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.containers import CONTAINERS, EXAMPLES, Machine, documents, event_of, ports, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KUBERNETES = EXAMPLES / "kubernetes"
MANIFESTS = {
    (each["kind"], each["metadata"]["name"]): each
    for file in sorted(KUBERNETES.glob("*.yaml"))
    for each in documents(file)
}
HERE = "127.0.0.1"


def container(kind: str, name: str) -> dict[str, Any]:
    [only] = MANIFESTS[kind, name]["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def environment(of: dict[str, Any]) -> dict[str, str]:
    """What its pods are given; a secret is some text or other."""
    given: dict[str, str] = {}
    for source in of.get("envFrom", ()):
        given |= MANIFESTS["ConfigMap", source["configMapRef"]["name"]]["data"]
    return given | {each["name"]: each.get("value", "0123456789abcdef") for each in of.get("env", ())}


def probed(of: dict[str, Any], probe: str, port: str) -> Any:
    """Whether its probe succeeds."""
    path = of[probe]["httpGet"]["path"]

    async def ask() -> bool:
        with contextlib.suppress(httpx.TransportError):
            async with httpx.AsyncClient() as http:
                return (await http.get(f"http://{HERE}:{port}{path}")).status_code < 400
        return False

    return ask


async def test_three_servers_two_api_processes_and_a_worker_find_each_other(tmp_path: Path) -> None:
    clients, routes, monitors, apis = ports(3), ports(3), ports(3), ports(2)
    nats, api, worker = (
        container("StatefulSet", "nats"),
        container("Deployment", "api"),
        container("Deployment", "worker"),
    )
    config = MANIFESTS["ConfigMap", "nats"]["data"]["nats.conf"]
    names = {f"nats-{n}.nats:4222": f"{HERE}:{clients[n]}" for n in range(3)}
    names |= {f"nats-{n}.nats:6222": f"{HERE}:{routes[n]}" for n in range(3)}

    def pod(name: str, more: dict[str, str]) -> Machine:
        (tmp_path / name).mkdir()
        return Machine(tmp_path / name, names | {"10.0.0.0/8": "127.0.0.0/8", "0.0.0.0": HERE} | more)

    async with contextlib.AsyncExitStack() as stack:
        servers: list[Process] = []
        for n in range(3):
            own = {
                f"{HERE}:{port}": f"{HERE}:{ours[n]}"
                for port, ours in ((4222, clients), (6222, routes), (8222, monitors))
            }
            folders = {"/data": str(tmp_path / f"nats-{n}")}
            machine = pod(f"nats-{n}", own | folders | {"/etc/nats": str(tmp_path / f"nats-{n}")})
            machine.file("nats.conf", config)
            running = machine.running(nats["command"], {"POD_NAME": f"nats-{n}"}, folder=tmp_path)
            servers.append(await stack.enter_async_context(running))
        for server, port in zip(servers, monitors, strict=True):
            probes = ("startupProbe", "readinessProbe", "livenessProbe")
            await until(server, *(probed(nats, probe, port) for probe in probes))
        for port in apis:
            machine = pod(f"api-{port}", {"8000": port})
            process = await stack.enter_async_context(machine.running(api["command"], environment(api)))
            await until(process, probed(api, "readinessProbe", port), probed(api, "livenessProbe", port))
        await stack.enter_async_context(pod("worker", {}).running(worker["command"], environment(worker)))
        for port in apis:
            assert '"event":"progress"' in await event_of(
                f"http://{HERE}:{port}", "imports", {"host": "app.example.com"}
            )
        command = nats["lifecycle"]["preStop"]["exec"]["command"]
        leaving = Machine(tmp_path, {"/data": str(tmp_path / "nats-2")})
        assert await leaving.succeeds(command)


def test_every_name_that_is_referred_to_is_there() -> None:
    for (kind, _), manifest in MANIFESTS.items():
        if kind in ("Service", "PodDisruptionBudget"):
            selector = manifest["spec"]["selector"]
            labels = selector.get("matchLabels", selector)
            assert any(
                other["spec"]["template"]["metadata"]["labels"] == labels
                for (of, _), other in MANIFESTS.items()
                if of in ("Deployment", "StatefulSet")
            )
    path = MANIFESTS["Ingress", "api"]["spec"]["rules"][0]["http"]["paths"][0]
    assert ("Service", path["backend"]["service"]["name"]) in MANIFESTS


@pytest.mark.parametrize(
    "command",
    [
        ["kubernetes-validate", "--strict", *map(str, sorted(KUBERNETES.glob("*.yaml")))],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(CONTAINERS / "compose.yaml")],
    ],
)
def test_they_are_what_kubernetes_and_compose_take(command: list[str]) -> None:
    uv = shutil.which("uv") or EXAMPLES.parent / ".tools" / "bin" / "uv"
    ran = subprocess.run(
        [uv, "tool", "run", *command], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
