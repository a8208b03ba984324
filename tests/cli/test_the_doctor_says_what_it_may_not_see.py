"""`pulse-radar doctor` as each user of examples/nats: what is well, and what these credentials may not look at."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from pulse_radar import Pulse
from tests.brokers.nats.example_server import example_server
from tests.cli.runs import Ran
from tests.cli.test_the_doctor_says_what_to_do import APP, Diagnosis

USERS = ("api", "worker", "publisher")


@pytest.fixture(scope="module")
def diagnoses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Diagnosis]:
    """Of one system that is well, by who asks."""
    return asyncio.run(diagnosed(tmp_path_factory.mktemp("doctor")))


async def diagnosed(directory: Path) -> dict[str, Diagnosis]:
    (directory / "patient.py").write_text(APP)
    async with example_server(directory) as server:
        pulse = Pulse(settings=server.settings("api"))
        pulse.topic("knowledge", retain=5_000)
        pulse.topic("metrics", kind="state", ttl="1m")
        async with pulse:
            asked = (examined(directory, server.environment(user)) for user in USERS)
            return dict(zip(USERS, await asyncio.gather(*asked), strict=True))


async def examined(directory: Path, environment: dict[str, str]) -> Diagnosis:
    doctor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pulse_radar.cli", "doctor", "--json", "patient:pulse"),
        cwd=directory,
        # As many files as any machine allows.
        env={**os.environ, "PULSE_MAX_CONNECTIONS": "1000", **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await doctor.communicate()
    assert doctor.returncode is not None
    return Diagnosis(Ran(doctor.returncode, told.decode(), ""))


def test_an_api_process_sees_that_all_is_well_but_not_the_account(diagnoses: dict[str, Diagnosis]) -> None:
    of_api = diagnoses["api"]
    assert (of_api.code, of_api.bad) == (0, {})
    assert [said.split(":")[0] for said in of_api.of("streams", "ok")] == ["knowledge", "metrics"]
    assert "published and delivered" in of_api.of("delivery", "ok")[0]
    assert of_api.of("clock", "ok")
    [unseen] = of_api.of("limits", "skipped")
    assert "may not ask" in unseen
    assert "nats account info" in unseen


def test_a_worker_is_told_that_it_may_not_listen(diagnoses: dict[str, Diagnosis]) -> None:
    of_worker = diagnoses["worker"]
    assert (of_worker.code, of_worker.bad) == (1, {"delivery": "failed"})
    [said] = of_worker.of("delivery", "failed")
    assert "subscribe to live.>" in said
    assert "Who needs which right" in said


def test_a_publisher_is_told_what_it_could_not_look_at(diagnoses: dict[str, Diagnosis]) -> None:
    of_publisher = diagnoses["publisher"]
    assert (of_publisher.code, of_publisher.bad) == (0, {})
    [unseen] = of_publisher.of("streams", "skipped")
    assert unseen.startswith("metrics: ")
    assert "credentials of an API process" in unseen
    assert of_publisher.of("delivery", "skipped")
    assert of_publisher.of("clock", "skipped")
