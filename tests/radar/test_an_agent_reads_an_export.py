"""An agent of the dashboard reads an export: a real worker asks a server that speaks its provider's HTTP."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from cryptography.fernet import Fernet

from pulse_radar.radar.app import create_app
from pulse_radar.radar.ingestion.agent import open_agent
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store import open_store
from pulse_radar.radar.uploads import uploads_of
from pulse_radar.testing.app_lifespan import running
from tests.radar.knowledge.messages import message
from tests.radar.knowledge.provider.local_provider import (
    KEY,
    LocalProvider,
    Reply,
    completion,
    http,
    local_provider,
)
from tests.radar.station import Station, Worker, station
from tests.radar.test_each_message_is_ingested_once import expected_atoms

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNT = 200
TITLE = "The agent found this"


SECRET_KEY = Fernet.generate_key().decode()


class House:
    """The application, by its routes, with a worker beside it; the same for all tests."""

    def __init__(self, at: Station, client: httpx.AsyncClient, worker: Worker) -> None:
        self.at = at
        self.client = client
        self.worker = worker

    async def keep_agent(self, base_url: str, **more: Any) -> str:
        """A new agent at a new provider; its id."""
        kept = {"name": "Own", "base_url": base_url, "model": "small", "api_key": KEY}
        provider = (await self.client.post("/api/providers", json=kept)).raise_for_status().json()
        agent = {"name": "Archivist", "instructions": "Only what matters.", "provider_id": provider["id"]}
        made = await self.client.post("/api/agents", json=agent | more)
        return str(made.raise_for_status().json()["id"])

    async def upload(self, path: Path, agent: str) -> httpx.Response:
        content = await asyncio.to_thread(path.read_bytes)
        return await self.client.post("/api/ingestions", params={"agent": agent}, content=content)

    async def ingest(self, path: Path, agent: str) -> str:
        """The id of its job."""
        return str((await self.upload(path, agent)).raise_for_status().json()["id"])

    async def completed(self, job_id: str, **wanted: object) -> dict[str, Any]:
        """What is told last of an ingestion."""
        told = await self.at.until("messages", job_id, "ingestion_progress", status="completed", **wanted)
        await self.at.until("monitoring", job_id, "job_completed")
        return told

    async def found(self, ids: set[str]) -> list[dict[str, Any]]:
        """The atoms of these chats, as they were told."""
        told = [e["data"] for e in await self.at.events("knowledge") if e["event"] == "atom_created"]
        return [atom for atom in told if atom["chat_id"] in ids]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        allow_our_server(monkeypatch)
        async with station(tmp_path_factory.mktemp("agents")) as at, Worker(at) as worker:
            app = create_app(at.settings)
            transport = httpx.ASGITransport(app)
            async with (
                running(app),
                httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
            ):
                yield House(at, client, worker)


def allow_our_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("PULSE_ALLOW_PRIVATE_PROVIDERS", "1")


@asynccontextmanager
async def provider_that(*replies: Reply) -> AsyncIterator[LocalProvider]:
    async with local_provider(*replies) as provider:
        provider.url = provider.url.replace("provider.example", "127.0.0.1")
        yield provider


def asked_by(provider: LocalProvider) -> int:
    """About how many messages."""
    asked = (msgspec.json.decode(question["messages"][1]["content"]) for question in provider.questions)
    return sum(map(len, asked))


def a_claim_each(texts: list[str]) -> bytes:
    """One in each message."""
    found = ({"message": n, "kind": "claim", "title": TITLE, "confidence": 0.9} for n in range(len(texts)))
    return completion(*found)


def chats_of(atoms: dict[str, int]) -> set[str]:
    return {atom.split(":")[1] for atom in atoms}


async def test_what_an_agent_finds_becomes_atoms_and_its_key_goes_to_its_provider_only(house: House) -> None:
    export = house.at.export(COUNT, seed=1)
    default = await asyncio.to_thread(expected_atoms, export)
    async with provider_that(a_claim_each) as provider:
        agent = await house.keep_agent(provider.url, model="large")
        done = await house.completed(await house.ingest(export, agent))
        assert (done["added"], done["fallbacks"], done["fallback_reason"]) == (COUNT, 0, None)
        found = await house.found(chats_of(default))
        claims = [atom for atom in found if atom["kind"] == "claim"]
        assert {atom["title"] for atom in claims} == {TITLE}
        assert asked_by(provider) == len(claims) > 0
        # Links are seen and not guessed.
        assert {a["id"] for a in found if a["kind"] == "link"} == {a for a in default if ":link:" in a}
        assert {question["model"] for question in provider.questions} == {"large"}
        assert all("Only what matters." in q["messages"][0]["content"] for q in provider.questions)
        assert all(f"bearer {KEY}" in head.lower() for head in provider.headers)
        # Whoever reads it again does not pay again.
        questions = len(provider.questions)
        await house.completed(await house.ingest(export, "Archivist"), skipped=COUNT)
        assert len(provider.questions) == questions
    told = [await house.at.events(topic) for topic in house.at.records]
    log = await asyncio.to_thread(house.worker.log.read_text)
    assert KEY not in f"{told} {log}"


async def test_a_provider_that_refuses_fails_the_job_and_nothing_is_missing_once_it_is_mended(
    house: House,
) -> None:
    is_mended = False

    def reply(texts: list[str]) -> bytes:
        return a_claim_each(texts) if is_mended else http(401, f'{{"error": "bad key {KEY}"}}'.encode())

    before = len((await house.at.stored())[0])
    async with provider_that(reply) as provider:
        agent = await house.keep_agent(provider.url)
        job_id = await house.ingest(house.at.export(COUNT, seed=2), agent)
        failed = await house.at.until("monitoring", job_id, "job_failed")
        assert failed["error_type"] == "AgentFailed"
        assert "it answered with status 401. Nothing is lost: run the job again" in failed["error"]
        told = await house.at.until("messages", job_id, "ingestion_progress", status="failed")
        assert (told["done"], told["error"]) == (0, failed["error"])
        assert len((await house.at.stored())[0]) == before
        is_mended = True
        (await house.client.post(f"/jobs/{job_id}/retry")).raise_for_status()
        done = await house.completed(job_id)
    assert (done["added"], done["fallbacks"]) == (COUNT, 0)
    assert len((await house.at.stored())[0]) == before + COUNT
    assert KEY not in await asyncio.to_thread(house.worker.log.read_text)
    assert list(uploads_of(house.at.settings).glob("*")) == []


async def test_answers_that_are_no_good_leave_their_messages_to_the_default_extraction(house: House) -> None:
    export = house.at.export(COUNT, seed=3)
    default = await asyncio.to_thread(expected_atoms, export)
    async with provider_that(lambda _: http(200, b'{"choices": []}')) as provider:
        job_id = await house.ingest(export, await house.keep_agent(provider.url))
        done = await house.completed(job_id)
        assert done["fallbacks"] == asked_by(provider) > 0
    assert done["fallback_reason"] == "it answered something that is no chat completion"
    listed = (await house.client.get("/api/ingestions")).json()["items"]
    [row] = [one for one in listed if one["id"] == job_id]
    assert (row["fallbacks"], row["fallback_reason"]) == (done["fallbacks"], done["fallback_reason"])
    assert {atom["id"] for atom in await house.found(chats_of(default))} == set(default)


async def test_a_name_that_came_to_mean_an_address_inside_is_not_asked(house: House) -> None:
    async with provider_that(a_claim_each) as provider:
        agent = await house.keep_agent(provider.url.replace("127.0.0.1", "localhost"))
        # It was let in when it was kept; whoever asks it looks again.
        settings = RadarSettings.load(secret_key=SECRET_KEY, allow_private_providers=False)
        async with (
            open_store(house.at.settings, settings) as store,
            open_agent(agent, store, settings) as extractor,
        ):
            extraction = await extractor.extract([message("a secret of ours")])
        assert provider.headers == []
    [fallback] = extraction.fallbacks
    assert fallback.is_lasting
    assert "which is no public address" in fallback.reason


async def test_an_agent_that_cannot_read_is_refused_before_anything_is_kept(house: House) -> None:
    export = house.at.export(20, seed=4)
    place = "http://127.0.0.1:9/v1"
    await house.keep_agent(place, name="off", is_enabled=False)
    await house.keep_agent(place, name="alone", provider_id=None)
    await house.keep_agent(place, name="twin")
    await house.keep_agent(place, name="twin")
    reasons = {
        "off": "the agent 'off' is off",
        "alone": "the agent 'alone' has no provider",
        "twin": "there are several agents called 'twin'",
        "nobody": "there is no agent called 'nobody'",
    }
    for name, reason in reasons.items():
        refused = await house.upload(export, name)
        assert (refused.status_code, refused.json()["detail"]) == (422, reason)
    assert list(uploads_of(house.at.settings).glob("*")) == []


async def test_a_worker_that_is_killed_while_an_agent_reads_loses_nothing_and_asks_little_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_our_server(monkeypatch)
    before = len((await house.at.stored())[0])
    async with provider_that(a_claim_each) as provider, Worker(house.at):
        job_id = await house.ingest(house.at.export(COUNT * 3, seed=5), await house.keep_agent(provider.url))
        # The other one is still starting.
        await house.at.until_done(job_id, 80)
        await house.worker.end(signal.SIGKILL)
        done = await house.completed(job_id)
        assert (done["added"], done["skipped"]) == (COUNT * 3, 0)
        messages, atoms = await house.at.stored()
        assert len(set(messages)) == len(messages) == before + COUNT * 3
        told = await house.at.events("knowledge")
        assert len(atoms) == len({e["key"] for e in told if e["event"] == "atom_created"})
