"""Everything that a test of somebody's app needs: TaskIQ's InMemoryBroker, a Pulse in memory, one line."""

import asyncio
import logging
import pickle
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from unittest import mock

import httpx
import pytest
from fastapi import FastAPI
from msgspec.structs import replace
from taskiq import (
    InMemoryBroker,
    SimpleRetryMiddleware,
    SmartRetryMiddleware,
    TaskiqDepends,
    TaskiqMiddleware,
)

from pulse_radar import InvalidSetting, Pulse
from pulse_radar.errors import BrokerUnavailable
from pulse_radar.jobs import JobProgress, Jobs, PulseMiddleware, Stopped, TaskiqRequeue
from pulse_radar.jobs.events import event_of
from pulse_radar.jobs.journal import Journal
from pulse_radar.jobs.life import Job, Moment, pick_up
from pulse_radar.jobs.teller import Teller
from pulse_radar.testing import connect
from pulse_radar.testing.app_client import AppClient

PATIENCE = 10.0


class Shop:
    """An app with jobs."""

    def __init__(self, *others: TaskiqMiddleware, **options: Any) -> None:
        self.pulse = Pulse("memory://")
        self.broker = InMemoryBroker()
        self.broker.add_middlewares(*others, PulseMiddleware(self.pulse, **options))
        self.jobs = Jobs(self.pulse, TaskiqRequeue(self.broker))
        self.app = FastAPI(lifespan=self.pulse.lifespan)
        self.app.include_router(self.pulse.router)
        self.app.include_router(self.jobs.router)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[AppClient, httpx.AsyncClient]]:
        transport = httpx.ASGITransport(self.app)
        async with (
            connect(self.app, topics=["monitoring"]) as page,
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
        ):
            await self.broker.startup()
            try:
                yield page, http
            finally:
                await self.broker.shutdown()


async def told(page: AppClient, last: str) -> list[Any]:
    """The events up to the first of this name."""
    events: list[Any] = []
    while not events or events[-1].name != last:
        events.append(await page.next(timeout=PATIENCE))
    return events


def names(events: list[Any]) -> list[str]:
    return [event.name.removeprefix("job_") for event in events]


def states(event: Any) -> list[str]:
    """The timeline that an event shows of its attempt."""
    return [moment["state"] for moment in event.data["transitions"]]


async def test_a_job_is_told_from_its_queue_to_its_end() -> None:
    shop = Shop()

    @shop.broker.task("double")
    async def double(number: int, progress: JobProgress = TaskiqDepends()) -> int:
        await progress.update(1, total=2, message="half of it")
        await asyncio.sleep(0.05)
        return 2 * number

    async with shop.open() as (page, _):
        job = await double.kiq(21)
        done = (await told(page, "job_completed"))[-1]
        assert (await job.wait_result()).return_value == 42
    assert done.key == job.task_id
    assert states(done) == ["queued", "started", "progress", "completed"]
    assert done.data["name"] == "double"
    assert done.data["attempt"] == 1
    assert done.data["worker"].count(":") == 2
    assert done.data["duration_seconds"] >= 0.05
    assert (done.data["progress"]["done"], done.data["progress"]["total"]) == (1, 2)
    # Neither what it was called with nor what it answered is anybody's business, unless one says so.
    assert (done.data["arguments"], done.data["result"]) == (None, None)


async def test_arguments_and_results_are_told_when_asked_for_without_what_is_secret() -> None:
    shop = Shop(arguments=True, results=True)

    @shop.broker.task("login")
    async def login(name: str, password: str, *, options: dict[str, Any]) -> dict[str, str]:
        return {"hello": name}

    async with shop.open() as (page, http):
        await login.kiq("ada", "hunter2", options={"api_token": "x", "deep": [{"Secret": 1}]})
        done = (await told(page, "job_completed"))[-1]
        answer = await http.post(f"/jobs/{done.key}/retry")
    assert done.data["arguments"] == {
        "args": ["ada", "***"],
        "kwargs": {"options": {"api_token": "***", "deep": [{"Secret": "***"}]}},
        "withheld": "some of them are secret",
    }
    assert done.data["result"] == {"hello": "ada"}
    assert "hunter2" not in str(done)
    assert answer.status_code == 409
    assert "some of them are secret" in answer.json()["error"]["message"]


async def test_a_failure_is_told_with_its_type_and_text() -> None:
    shop = Shop()

    @shop.broker.task("fail")
    async def fail() -> None:
        raise ValueError("no " * 5_000)

    async with shop.open() as (page, _):
        await fail.kiq()
        failed = (await told(page, "job_failed"))[-1]
    assert failed.data["error_type"] == "ValueError"
    assert len(failed.data["error"]) == 2_000


@pytest.mark.parametrize("is_registered_first", [True, False])
@pytest.mark.parametrize(
    "retry", [SimpleRetryMiddleware(), SmartRetryMiddleware(default_delay=0.01)], ids=["simple", "smart"]
)
async def test_a_retry_is_no_failure(retry: TaskiqMiddleware, is_registered_first: bool) -> None:
    shop = Shop(*([retry] if is_registered_first else []))
    if not is_registered_first:
        shop.broker.add_middlewares(retry)
    attempts: list[int] = []

    @shop.broker.task("flaky", retry_on_error=True, max_retries=5)
    async def flaky(progress: JobProgress = TaskiqDepends()) -> None:
        attempts.append(progress.attempt)
        await asyncio.sleep(0.02)
        if len(attempts) < 3:
            raise ConnectionError("not yet")

    async with shop.open() as (page, _):
        await flaky.kiq()
        events = await told(page, "job_completed")
    assert attempts == [1, 2, 3]
    assert "failed" not in names(events)
    assert events[-1].data["attempt"] == 3
    # A retry is taken up so fast that the end of the attempt before is no news any more, or just in time.
    assert {event.data["error_type"] for event in events if event.name == "job_retrying"} <= {
        "ConnectionError",
        None,
    }


async def test_a_time_out_is_a_failure() -> None:
    shop = Shop()

    @shop.broker.task("slow", timeout=0.05)
    async def slow() -> None:
        await asyncio.sleep(60)

    async with shop.open() as (page, _):
        await slow.kiq()
        assert (await told(page, "job_failed"))[-1].data["error_type"] == "TimeoutError"


async def test_progress_is_told_ten_times_a_second_and_the_last_one_always() -> None:
    shop = Shop()

    @shop.broker.task("count")
    async def count(progress: JobProgress = TaskiqDepends()) -> None:
        began = time.monotonic()
        done = 0
        while time.monotonic() - began < 0.55:
            done += 1
            await progress.update(done, total=1_000_000)
        await progress.update(-1, message="the last")

    async with shop.open() as (page, _):
        await count.kiq()
        events = await told(page, "job_completed")
    moved = [event.data["progress"] for event in events if event.name == "job_progress"]
    assert 2 <= len(moved) <= 8
    last = events[-1].data["progress"]
    assert (last["done"], last["total"], last["message"]) == (-1, 1_000_000, "the last")
    # All but that one keep their distance; the clock of an event is read a little later than that of its pace.
    assert all(two["number"] > one["number"] for one, two in pairwise(moved))


async def test_a_job_in_a_thread_tells_its_progress_too() -> None:
    shop = Shop()

    @shop.broker.task("count")
    def count(progress: JobProgress = TaskiqDepends()) -> None:
        for done in range(20):
            progress.update(done, total=20)
            time.sleep(0.01)

    async with shop.open() as (page, _):
        await count.kiq()
        events = await told(page, "job_completed")
    assert events[-1].data["progress"]["done"] == 19
    assert names(events)[-2:] == ["progress", "completed"]


@pytest.mark.parametrize("labels", [{}, {"timeout": 300}], ids=["without", "within a time-out"])
async def test_cancelling_really_ends_a_job_in_the_event_loop_and_it_is_not_retried(
    labels: dict[str, Any],
) -> None:
    shop = Shop(SimpleRetryMiddleware(default_retry_label=True))
    seen: list[str] = []

    @shop.broker.task("sleep", retry_on_error=True, **labels)
    async def sleep() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            seen.append(str(error))
            raise

    async with shop.open() as (page, http):
        job = await sleep.kiq()
        await page.next("job_started")
        answer = await http.post(f"/jobs/{job.task_id}/cancel", json={"reason": "wrong file"})
        assert (answer.status_code, answer.json()["state"]) == (202, "cancelling")
        events = await told(page, "job_cancelled")
        again = await http.post(f"/jobs/{job.task_id}/cancel")
        assert (again.status_code, again.json()["state"]) == (202, "cancelled")
        # It is acknowledged, and its place is free.
        assert (await job.wait_result(timeout=PATIENCE)).is_err
    assert seen == ["wrong file"]
    assert states(events[-1]) == ["queued", "started", "cancelling", "cancelled"]
    assert events[-1].data["reason"] == "wrong file"


async def test_cancelling_ends_a_job_in_a_thread_at_its_next_progress() -> None:
    shop = Shop()
    ends: list[BaseException] = []

    @shop.broker.task("work")
    def work(progress: JobProgress = TaskiqDepends()) -> None:
        try:
            while True:
                try:
                    progress.update(1)
                    time.sleep(0.01)
                except Exception as error:  # noqa: BLE001
                    ends.append(error)  # a job that takes every failure lightly
        except Stopped as stopped:
            ends.append(stopped)
            raise

    async with shop.open() as (page, http):
        job = await work.kiq()
        await page.next("job_started")
        await http.post(f"/jobs/{job.task_id}/cancel")
        assert states((await told(page, "job_cancelled"))[-1])[-1] == "cancelled"
    assert [type(end) for end in ends] == [Stopped]


async def test_a_job_that_is_cancelled_before_it_begins_is_never_run() -> None:
    shop = Shop()
    ran: list[int] = []

    @shop.broker.task("work")
    def in_thread(number: int) -> None:
        ran.append(number)

    @shop.broker.task("work-async")
    async def in_loop(number: int) -> None:
        ran.append(number)

    tasks: list[Any] = [in_thread, in_loop]
    async with shop.open() as (page, http):
        for task in tasks:
            job = task.kicker().with_task_id(f"waits-{task.task_name}")
            kick = shop.broker.kick
            held: list[Any] = []

            async def hold(message: Any, held: list[Any] = held) -> None:
                held.append(message)

            shop.broker.kick = hold  # type: ignore[method-assign]
            kicked = await job.kiq(1)
            shop.broker.kick = kick  # type: ignore[method-assign]
            assert (await page.next("job_queued")).key == kicked.task_id
            answer = await http.post(f"/jobs/{kicked.task_id}/cancel", json={"reason": "not needed"})
            assert answer.json()["state"] == "cancelled"
            cancelled = (await told(page, "job_cancelled"))[-1]
            await shop.broker.kick(held[0])
            assert states(cancelled) == ["queued", "cancelled"]
            assert cancelled.data["reason"] == "not needed"
            await shop.broker.wait_all()
    assert ran == []


@pytest.mark.parametrize("before", [("queued",), ("started", "retrying"), ("started", "lost", "retrying")])
async def test_a_job_that_waits_has_ended_when_it_is_cancelled(before: tuple[Any, ...]) -> None:
    pulse = Pulse("memory://")
    jobs = Jobs(pulse)
    moments = tuple(
        Moment(state, datetime(2026, 1, 1, 12, at, tzinfo=UTC)) for at, state in enumerate(before)
    )
    waiting = Job(task_id="waits", name="work", moments=moments)
    async with pulse:
        await pulse.publish(event_of(waiting))
        cancelled = await jobs.cancel("waits", "not needed")
        assert (cancelled.state, cancelled.reason) == ("cancelled", "not needed")
        assert await jobs.find("waits") == cancelled
    # Whoever takes up what is in the queue does not begin.
    attempt = waiting.attempt + (waiting.state == "retrying")
    taken = Job(
        task_id="waits", name="work", attempt=attempt, moments=(Moment("started", datetime.now(UTC)),)
    )
    assert pick_up(cancelled, taken).is_refused


@pytest.fixture
def _without_a_log() -> Iterator[None]:
    """The queue's own log has each text whole, and the report of a test is UTF-8."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("_without_a_log")
async def test_texts_of_any_length_and_with_anything_in_them_are_told_as_far_as_they_may_be() -> None:
    shop = Shop(results=True)
    long, odd = "r" * 1_000_000, "no utf-8: \udcff"

    @shop.broker.task("work")
    async def work(text: str, ending: str, progress: JobProgress = TaskiqDepends()) -> str:
        await progress.update(1, message=text)
        if ending == "cancelled":
            await asyncio.sleep(60)
        if ending == "failed":
            raise ValueError(text)
        return text

    async with shop.open() as (page, http):
        for text in (long, odd):
            for ending in ("completed", "failed", "cancelled"):
                job = await work.kiq(text, ending)
                if ending == "cancelled":
                    await page.next("job_progress")
                    await shop.jobs.cancel(job.task_id, text)
                end = (await told(page, f"job_{ending}"))[-1]
                said = {"completed": "result", "failed": "error", "cancelled": "reason"}[ending]
                for heard in (end.data[said], end.data["progress"]["message"]):
                    assert heard == "no utf-8: ?" or set(heard) == {"r"}
                    assert len(heard) <= 5_000
        job = await work.kiq("", "cancelled")
        await page.next("job_progress")
        assert (await http.post(f"/jobs/{job.task_id}/cancel", json={"reason": long})).status_code == 202
        assert (await told(page, "job_cancelled"))[-1].data["reason"] == "r" * 2_000


async def test_a_failed_job_runs_again_with_what_it_was_called_with() -> None:
    shop = Shop(arguments=True)
    calls: list[tuple[int, str]] = []

    @shop.broker.task("work")
    async def work(number: int, *, word: str) -> None:
        calls.append((number, word))
        await asyncio.sleep(0.02)
        if len(calls) == 1:
            raise ValueError("no")

    async with shop.open() as (page, http):
        job = await work.kiq(7, word="seven")
        await page.next("job_failed")
        answer = await http.post(f"/jobs/{job.task_id}/retry")
        assert (answer.status_code, answer.json()["data"]["attempt"]) == (202, 2)
        done = (await told(page, "job_completed"))[-1]
        too_soon = await http.post("/jobs/nobody/retry")
    assert calls == [(7, "seven")] * 2
    assert (done.data["attempt"], states(done)) == (2, ["queued", "started", "completed"])
    assert too_soon.status_code == 404


async def test_what_cannot_be_done_to_a_job_is_said_clearly() -> None:
    shop = Shop()
    goes_on = asyncio.Event()

    @shop.broker.task("work")
    async def work() -> None:
        await goes_on.wait()

    async with shop.open() as (page, http):
        job = await work.kiq()
        await page.next("job_started")
        running = await http.post(f"/jobs/{job.task_id}/retry")
        goes_on.set()
        await page.next("job_completed")
        over = await http.post(f"/jobs/{job.task_id}/cancel")
        unkept = await http.post(f"/jobs/{job.task_id}/retry")
        unknown = await http.post("/jobs/nobody/cancel")
        foreign = await http.post(f"/jobs/{job.task_id}/cancel", headers={"origin": "https://evil.example"})
        one = await http.get(f"/jobs/{job.task_id}")
        page_of_jobs = await http.get("/jobs")
    assert (running.status_code, running.json()["error"]["code"]) == (409, "state")
    assert (over.status_code, "completed already" in over.text) == (409, True)
    assert (unkept.status_code, "PulseMiddleware(arguments=True)" in unkept.text) == (409, True)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_job")
    assert (foreign.status_code, "evil.example" in foreign.text) == (403, True)
    assert (one.json()["state"], one.json()["data"]["name"]) == ("completed", "work")
    [listed] = page_of_jobs.json()["jobs"]
    assert listed["task_id"] == job.task_id
    assert page_of_jobs.json()["next"] is None
    assert page_of_jobs.json()["lastSeq"].startswith("monitoring:")


async def test_a_broker_that_does_not_answer_is_said_clearly() -> None:
    shop = Shop()
    away = BrokerUnavailable("it does not answer")
    async with shop.open() as (_, http):
        with (
            mock.patch.object(shop.pulse.broker, "read", side_effect=away),
            mock.patch.object(shop.pulse.broker, "newest", side_effect=away),
        ):
            answers = [await http.get("/jobs"), await http.get("/jobs/a"), await http.post("/jobs/a/cancel")]
    assert [answer.status_code for answer in answers] == [503] * 3


async def test_the_app_decides_who_may_look_at_jobs_and_who_may_stop_them() -> None:
    asked: list[tuple[object, str, str, str | None]] = []

    def authorize(who: object, action: str, topic: str, key: str | None) -> bool:
        asked.append((who, action, topic, key))
        return action == "read"

    pulse = Pulse("memory://", authenticate=lambda c: c.headers.get("x-name"), authorize=authorize)
    jobs = Jobs(pulse)
    app = FastAPI(lifespan=pulse.lifespan)
    app.include_router(jobs.router)
    async with (
        pulse.lifespan(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http,
    ):
        nobody = await http.post("/jobs/a/cancel")
        somebody = await http.post("/jobs/a/cancel", headers={"x-name": "ada"})
        reader = await http.get("/jobs/a", headers={"x-name": "ada"})
    assert (nobody.status_code, somebody.status_code, reader.status_code) == (401, 403, 404)
    assert asked == [("ada", "admin", "monitoring", "a"), ("ada", "read", "monitoring", "a")]


async def test_a_job_that_does_not_heed_its_cancelling_is_done_when_it_is_done() -> None:
    shop = Shop()

    @shop.broker.task("stubborn")
    async def stubborn() -> int:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.02)
        task = asyncio.current_task()
        return -1 if task is None else task.cancelling()

    async with shop.open() as (page, http):
        job = await stubborn.kiq()
        await page.next("job_started")
        await http.post(f"/jobs/{job.task_id}/cancel")
        done = (await told(page, "job_completed"))[-1]
        assert not (await job.wait_result(timeout=PATIENCE)).is_err
    assert states(done) == ["queued", "started", "cancelling", "completed"]


async def test_a_job_that_runs_in_the_midst_of_another_is_told_apart_from_it() -> None:
    shop = Shop()
    shop.broker.await_inplace = True

    @shop.broker.task("inner")
    async def inner(progress: JobProgress = TaskiqDepends()) -> None:
        await progress.update(1)

    @shop.broker.task("outer")
    async def outer(progress: JobProgress = TaskiqDepends()) -> None:
        await inner.kicker().with_task_id("inner").kiq()
        await progress.update(2)

    async with shop.open() as (_, http):
        await outer.kicker().with_task_id("outer").kiq()
        await shop.broker.wait_all()
        await shop.broker.shutdown()
        for name, done in (("inner", 1), ("outer", 2)):
            job = (await http.get(f"/jobs/{name}")).json()
            assert (job["state"], job["data"]["progress"]["done"]) == ("completed", done)


def test_progress_without_a_job_says_nothing_and_travels_into_other_processes() -> None:
    progress = JobProgress()
    progress.update(1, total=2)
    assert (progress.attempt, progress.is_stopping, progress.reason) == (1, False, None)
    pickle.loads(pickle.dumps(progress)).update(2)


def test_a_log_of_jobs_is_refused() -> None:
    pulse = Pulse("memory://")
    pulse.topic("monitoring")
    with pytest.raises(InvalidSetting, match="declared as a log"):
        Jobs(pulse)


async def test_a_job_that_was_given_up_and_is_heard_of_again_is_another_attempt() -> None:
    shop = Shop()
    goes_on = asyncio.Event()

    @shop.broker.task("work")
    async def work(progress: JobProgress = TaskiqDepends()) -> None:
        await goes_on.wait()
        await progress.update(1)
        await asyncio.sleep(0.05)

    async with shop.open() as (page, _):
        job = await work.kiq()
        await page.next("job_started")
        journal = Journal(shop.pulse, shop.pulse.broker)
        seen = await journal.look(job.task_id)
        assert seen.job is not None
        lost = replace(seen.job, moments=(Moment("lost", datetime.now(UTC), "watch"),))
        assert await journal.write(seen.job.joined(lost), seen) is not None
        goes_on.set()
        events = await told(page, "job_completed")
    assert names(events)[:2] == ["lost", "progress"]
    assert (events[-1].data["attempt"], states(events[-1])) == (2, ["started", "progress", "completed"])


async def test_a_cancelled_job_that_began_all_the_same_is_stopped_as_soon_as_that_is_known() -> None:
    shop = Shop()
    began = asyncio.Event()

    @shop.broker.task("work")
    async def work() -> None:
        began.set()
        await asyncio.sleep(60)

    async with shop.open() as (page, http):
        kick, held = shop.broker.kick, asyncio.Queue[Any]()
        shop.broker.kick = held.put  # type: ignore[method-assign,assignment]
        job = await work.kiq()
        await page.next("job_queued")
        await http.post(f"/jobs/{job.task_id}/cancel", json={"reason": "not needed"})
        # As while the broker is away: there is no look before the job begins.
        with mock.patch.object(Teller, "look", return_value=None):
            await page.next("job_cancelled")
            await kick(held.get_nowait())
            await began.wait()
        cancelled = (await told(page, "job_cancelled"))[-1]
        assert (await job.wait_result(timeout=PATIENCE)).is_err
    assert cancelled.data["attempt"] == 2
    assert states(cancelled) == ["started", "cancelling", "cancelled"]
    assert cancelled.data["reason"] == "not needed"
