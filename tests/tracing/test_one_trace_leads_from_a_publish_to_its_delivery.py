"""A worker and an API process, each with an SDK of its own, and a real server between them: whose child is whose."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pulse_radar.testing.nats_server import NatsServer, free_port
from tests.server.processes import process
from tests.server.serving import Client
from tests.tracing.collecting import Span

WAYS = ("publisher", "sync", "outbox")
PATIENCE = 60.0
TOKEN = "0123456789abcdef"
ASKED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Traced:
    """What both processes traced, and what a client of the API was sent."""

    def __init__(self, worker: list[Span], api: dict[str, Any], frames: list[dict[str, Any]]) -> None:
        self.worker = worker
        self.spans: list[Span] = api["spans"]
        self.lags: dict[str, int] = api["lags"]
        self.frames = frames

    def sent(self, key: str) -> Span:
        [span] = [s for s in [*self.worker, *self.spans] if is_of(s, "PRODUCER", key)]
        return span

    def delivered(self, key: str) -> Span:
        """Fails unless there is exactly one."""
        [span] = [s for s in self.spans if is_of(s, "CONSUMER", key)]
        return span


def is_of(span: Span, kind: str, key: str) -> bool:
    attributes = span["attributes"]
    assert isinstance(attributes, dict)
    return span["kind"] == kind and attributes.get("pulse.key") == key


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULSE_SHOW_TRACEPARENT", "1")
        patch.setenv("PULSE_PUBLISH_TOKEN", TOKEN)
        yield asyncio.run(trace(tmp_path_factory.mktemp("traces")))


async def trace(directory: Path) -> Traced:
    async with NatsServer(directory / "nats") as nats:
        serve = ("pulse_radar.cli", "serve", "tests.tracing.api:app")
        async with process(*serve, port=free_port(), broker=nats.url) as api:
            await api.until_up()
            async with Client(api.port, "?topics=knowledge") as one, Client(api.port) as other:
                await one.until("subscription")
                await other.until("subscription")
                spans = await worked(nats.url, directory / "outbox.sqlite")
                await asked(api.http)
                frames = [await event_of(one) for _ in range(len(WAYS) + 3)]
                return Traced(spans, await traced_by(api.http), frames)


async def event_of(client: Client) -> dict[str, Any]:
    while True:
        frame = await client.next()
        if "event" in frame:
            return frame


async def worked(broker: str, database: Path) -> list[Span]:
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.tracing.worker", str(database)),
        env={**os.environ, "PULSE_BROKER": broker},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await worker.communicate()
    assert worker.returncode == 0
    spans: list[Span] = json.loads(told)
    return spans


async def asked(http: httpx.AsyncClient) -> None:
    (await http.post("/atoms/route")).raise_for_status()
    headers = {"authorization": f"Bearer {TOKEN}", "traceparent": ASKED}
    body = {"topic": "knowledge", "event": "atom_created", "key": "asked"}
    (await http.post("/publish", headers=headers, json=body)).raise_for_status()


async def traced_by(http: httpx.AsyncClient) -> dict[str, Any]:
    """When the last of it is there: a job's end comes after what was published by hand."""
    async with asyncio.timeout(PATIENCE):
        while True:
            told: dict[str, Any] = (await http.get("/traced")).json()
            names = [span["name"] for span in told["spans"] if span["kind"] == "CONSUMER"]
            if names.count("process knowledge") == len(WAYS) + 3 and "process monitoring" in names:
                return told
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("way", [*WAYS, "route"])
def test_whoever_publishes_has_a_child_that_sends_and_that_one_a_child_that_delivers(
    traced: Traced, way: str
) -> None:
    [root] = [span for span in [*traced.worker, *traced.spans] if span["name"] == way]
    sent, delivered = traced.sent(way), traced.delivered(way)
    assert sent["name"] == "send knowledge"
    assert sent["parent"] == root["id"]
    assert delivered["name"] == "process knowledge"
    assert delivered["parent"] == sent["id"]
    assert root["trace"] == sent["trace"] == delivered["trace"]


def test_what_is_published_outside_of_any_span_begins_a_trace(traced: Traced) -> None:
    sent, delivered = traced.sent("nobody"), traced.delivered("nobody")
    assert sent["parent"] is None
    assert (delivered["parent"], delivered["trace"]) == (sent["id"], sent["trace"])


def test_a_request_to_publish_hands_on_the_trace_of_whoever_asks(traced: Traced) -> None:
    sent, delivered = traced.sent("asked"), traced.delivered("asked")
    # FastAPI may have a span of its own in between.
    assert sent["parent"] is not None
    assert sent["trace"] == delivered["trace"] == ASKED.split("-")[1]


def test_the_life_of_a_job_is_told_in_the_trace_of_whoever_queued_it(traced: Traced) -> None:
    [root] = [span for span in traced.worker if span["name"] == "job"]
    sent = {span["id"] for span in traced.worker if span["name"] == "send monitoring"}
    delivered = [span for span in traced.spans if span["name"] == "process monitoring"]
    assert {span["trace"] for span in delivered} == {root["trace"]}
    assert {span["parent"] for span in delivered} <= sent


def test_an_event_has_one_span_in_a_process_however_many_read_it(traced: Traced) -> None:
    delivered = traced.delivered("publisher")["attributes"]
    assert isinstance(delivered, dict)
    [frame] = [frame for frame in traced.frames if frame["key"] == "publisher"]
    assert delivered["messaging.destination.name"] == "knowledge"
    assert delivered["pulse.sequence"] == frame["_seq"]


def test_a_client_is_shown_the_span_that_sent_its_event(traced: Traced) -> None:
    shown = {frame["key"]: frame["traceparent"].split("-")[1:3] for frame in traced.frames}
    keys = [*WAYS, "nobody", "route", "asked"]
    assert shown == {key: [traced.sent(key)["trace"], traced.sent(key)["id"]] for key in keys}


def test_the_lag_of_each_event_is_measured_once(traced: Traced) -> None:
    assert traced.lags["knowledge"] == len(traced.frames)
