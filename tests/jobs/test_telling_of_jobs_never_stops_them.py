"""The middleware never raises into a job and never keeps it waiting; what nobody hears of is counted, and said once."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from taskiq import AckableMessage, InMemoryBroker, TaskiqMessage, TaskiqMiddleware, TaskiqResult

from pulse_radar import Pulse, Settings
from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.memory import MemoryBroker
from pulse_radar.errors import BrokerUnavailable, NotPermitted, OutcomeUnknown
from pulse_radar.jobs import PulseMiddleware
from pulse_radar.jobs.events import JOB_EVENTS, monitoring_topic
from pulse_radar.jobs.journal import Journal
from pulse_radar.jobs.teller import Teller
from pulse_radar.publishing import Position
from pulse_radar.testing.nats_server import NatsServer, free_port
from tests.jobs.station import station

PATIENCE = 10.0


def message(task_id: str = "job", **labels: Any) -> TaskiqMessage:
    return TaskiqMessage(task_id=task_id, task_name="work", labels=labels, args=[], kwargs={})


def result(error: BaseException | None = None) -> TaskiqResult[None]:
    return TaskiqResult(is_err=error is not None, return_value=None, execution_time=0.1, error=error)


def middleware_of(settings: Any, **options: Any) -> tuple[InMemoryBroker, PulseMiddleware]:
    broker = InMemoryBroker()
    made = PulseMiddleware(settings, **options)
    broker.add_middlewares(made)

    @broker.task("work")
    async def work(*_args: Any) -> str:
        return "done"

    return broker, made


async def run_through(life: PulseMiddleware, one: TaskiqMessage, error: BaseException | None = None) -> None:
    """As TaskIQ calls it: of each job in an asyncio task of its own."""

    async def job() -> None:
        life.post_send(life.pre_send(one))
        await life.pre_execute(one)
        life.post_execute(one, result(error))

    await asyncio.create_task(job())


async def ran_and_acknowledged(broker: InMemoryBroker, **labels: Any) -> bool:
    """Whether a job runs, and is acknowledged."""
    acknowledged = asyncio.Event()
    one = broker.formatter.dumps(message(**labels))
    async with asyncio.timeout(PATIENCE):
        await broker.receiver.callback(AckableMessage(data=one.message, ack=acknowledged.set))
    ran = not (await broker.result_backend.get_result("job")).is_err
    return ran and acknowledged.is_set()


async def test_a_job_runs_while_the_broker_is_away_and_what_nobody_hears_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "pulse_radar.jobs")
    broker, life = middleware_of(Settings.load(broker=f"nats://127.0.0.1:{free_port()}"))
    await broker.startup()
    began_at = time.monotonic()
    for number in range(3_000):
        await run_through(life, message(str(number)))
    assert time.monotonic() - began_at < PATIENCE
    # Of each that it is queued, started and completed; and so many wait.
    stats = life.stats()
    assert stats.waiting + stats.lost == 9_000
    assert 3_000 < stats.waiting <= 4_096
    assert len([record for record in caplog.records if "nobody will hear" in record.getMessage()]) == 1
    assert await ran_and_acknowledged(broker)
    # Nor does the worker's end wait for it longer than a little.
    began_at = time.monotonic()
    await broker.shutdown()
    assert time.monotonic() - began_at < PATIENCE
    assert life.stats().lost == 9_002


async def test_a_job_runs_while_the_broker_hangs_and_only_the_first_waits_a_moment(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        broker, life = middleware_of(at.server.url)
        await broker.startup()
        await run_through(life, message("first"))
        await at.record.until("first", "job_completed")
        at.server.freeze()
        try:
            began_at = time.monotonic()
            for number in range(200):
                await run_through(life, message(str(number)))
            # A moment for each of them would be ten seconds.
            assert time.monotonic() - began_at < 5.0
            assert await ran_and_acknowledged(broker)
        finally:
            at.server.thaw()
        await at.record.until("199", "job_completed")
        await broker.shutdown()
        assert life.stats().lost == 0


class Hangs(Pulse):
    """A Pulse on which a publish does not come back, or comes to nothing."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__("memory://")
        self.declare(monitoring_topic(), JOB_EVENTS)
        self._error = error

    async def publish_draft(self, draft: Draft, *, expect_last: int | None = None) -> Position:
        if self._error is not None:
            raise self._error
        await asyncio.sleep(3_600)
        raise AssertionError("nobody waits so long")


@pytest.mark.parametrize(
    "error", [None, OutcomeUnknown("id", "who knows"), ZeroDivisionError("a defect of ours")]
)
async def test_a_job_runs_while_publishing_hangs_or_fails(error: Exception | None) -> None:
    async with Hangs(error) as pulse:
        broker, life = middleware_of(pulse)
        await broker.startup()
        began_at = time.monotonic()
        assert await ran_and_acknowledged(broker)
        assert time.monotonic() - began_at < PATIENCE
        await broker.shutdown()
        assert life.stats().lost >= 1


@asynccontextmanager
async def told_to(pulse: Pulse, **options: Any) -> AsyncIterator[tuple[InMemoryBroker, PulseMiddleware]]:
    async with pulse:
        broker, life = middleware_of(pulse, **options)
        await broker.startup()
        try:
            yield broker, life
        finally:
            await broker.shutdown()


def serving() -> Pulse:
    pulse = Pulse("memory://")
    pulse.declare(monitoring_topic(), JOB_EVENTS)
    return pulse


async def newest(pulse: Pulse, task_id: str) -> Any:
    from pulse_radar.jobs.journal import Journal

    async with asyncio.timeout(PATIENCE):
        while True:
            job = (await Journal(pulse, pulse.broker).look(task_id)).job
            if job is not None and job.is_over:
                return job
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("args", "withheld"),
    [
        (["x" * 2_000_000], "they have 2000009 bytes of JSON, and at most 4096 are told"),
        ([float("nan")], "they are not JSON: data is nan"),
        ([2**60], "they are not JSON: data is an integer beyond 2^53"),
        ([{1: "a"}], "they are not JSON: data"),
    ],
)
async def test_arguments_that_cannot_travel_are_left_out(args: list[Any], withheld: str) -> None:
    pulse = serving()
    async with told_to(pulse, arguments=True, results=True) as (broker, life):
        task = broker.find_task("work")
        assert task is not None
        job = await task.kiq(*args)
        assert (await job.wait_result(timeout=PATIENCE)).return_value == "done"
        arguments = (await newest(pulse, job.task_id)).arguments
        assert arguments.args == ()
        assert arguments.withheld.startswith(withheld)
        assert life.stats().lost == 0


async def test_a_function_that_redacts_and_raises_stops_nothing() -> None:
    def redact(name: str, value: object) -> Any:
        raise LookupError(name)

    pulse = serving()
    async with told_to(pulse, arguments=True, redact=redact) as (broker, _):
        task = broker.find_task("work")
        assert task is not None
        job = await task.kiq("secret")
        assert not (await job.wait_result(timeout=PATIENCE)).is_err
        assert (
            await newest(pulse, job.task_id)
        ).arguments.withheld == "they could not be redacted: LookupError"


async def test_labels_and_ids_that_somebody_else_wrote_stop_nothing() -> None:
    pulse = serving()
    async with told_to(pulse) as (broker, life):
        labels = {"_retries": "many", "pulse_queued_at": "yesterday", "pulse_attempt": None}
        assert await ran_and_acknowledged(broker, **labels)
        assert (await newest(pulse, "job")).attempt == 1
        await run_through(life, message("no key at all!"))
        await broker.shutdown()
        # Its queueing, its start, its end.
        assert life.stats().lost == 3


async def test_a_job_whose_id_is_no_key_keeps_no_other_from_being_looked_at() -> None:
    pulse = Pulse("memory://")
    pulse.declare(monitoring_topic(), JOB_EVENTS)

    @asynccontextmanager
    async def source() -> AsyncIterator[Journal]:
        yield Journal(pulse, pulse.broker)

    async with pulse:
        teller = Teller(source)
        connected = asyncio.Event()
        teller.when_connected(lambda _journal: connected.set())
        teller.start()
        await connected.wait()
        assert await teller.look("report.daily") is None
        assert await teller.look("report") is not None
        await teller.stop()


async def test_a_topic_that_nobody_declared_stops_nothing() -> None:
    async with told_to(Pulse("memory://")) as (broker, _):
        assert await ran_and_acknowledged(broker)


async def test_what_happened_while_the_broker_was_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        broker, life = middleware_of(Settings.load(broker=at.server.url, publish_deadline=0.2))
        await broker.startup()
        await at.server.kill()
        await run_through(life, message())
        await asyncio.sleep(0.5)
        await at.server.start()
        told = await at.record.until("job", "job_completed")
        assert [moment["state"] for moment in told["transitions"]] == ["queued", "started", "completed"]
        await broker.shutdown()
        assert life.stats().lost == 0


async def test_a_broker_that_stays_away_is_said_once_until_its_trouble_changes(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulse_radar.jobs.teller._RECONNECT_SECONDS", 0.001)
    caplog.set_level(logging.INFO, "pulse_radar.jobs")
    troubles = iter([BrokerUnavailable("nobody there")] * 3 + [NotPermitted("not you")] * 3)
    are_over = asyncio.Event()

    @asynccontextmanager
    async def away() -> AsyncIterator[Journal]:
        trouble = next(troubles, None)
        if trouble is None:
            are_over.set()
            await asyncio.Event().wait()
        else:
            raise trouble
        yield Journal(Pulse(), MemoryBroker())

    teller = Teller(away)
    teller.start()
    async with asyncio.timeout(PATIENCE):
        await are_over.wait()
    await teller.stop()
    said = [record.getMessage().rpartition(": ")[2] for record in caplog.records]
    assert said == ["nobody there", "not you"]


async def test_what_was_noted_is_told_when_the_worker_stops(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        broker, life = middleware_of(at.server.url)
        await broker.startup()
        for number in range(50):
            await run_through(life, message(str(number)))
        await broker.shutdown()
        assert life.stats().lost == 0
        for number in range(50):
            await at.record.until(str(number), "job_completed")


async def test_two_attempts_in_one_process_keep_their_own_ends(tmp_path: Path) -> None:
    async with NatsServer(tmp_path / "nats") as server:
        pulse = Pulse(server.url)
        pulse.declare(monitoring_topic(), JOB_EVENTS)
        async with told_to(pulse) as (_, life):

            async def attempt(retries: int, then: asyncio.Event, after: asyncio.Event) -> None:
                one = message(_retries=retries)
                await life.pre_execute(one)
                then.set()
                await after.wait()
                # A retry has counted up in the labels meanwhile.
                one.labels["_retries"] = 7
                life.post_execute(one, result(ValueError(f"of {retries}")))

            began, ended = asyncio.Event(), asyncio.Event()
            first = asyncio.create_task(attempt(0, began, ended))
            await began.wait()
            await asyncio.gather(first, attempt(1, ended, began))
            job = await newest(pulse, "job")
            assert (job.attempt, job.ending.error) == (2, "of 1")


async def test_a_persons_log_has_a_line_for_the_beginning_and_the_end_of_an_attempt(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "pulse_radar.jobs")
    _, life = middleware_of(Settings.load(broker=f"nats://127.0.0.1:{free_port()}"))
    await run_through(life, message("done"))
    await run_through(life, message("broken", _retries=1), ValueError("no such file"))
    lines = [re.sub(r"\d\.\d s", "0.1 s", record.getMessage()) for record in caplog.records]
    assert lines == [
        "work done started",
        "work done completed after 0.1 s",
        "work broken started (attempt 2)",
        "work broken failed after 0.1 s: no such file (attempt 2)",
    ]
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "INFO", "ERROR"]
    # Where it was raised TaskIQ says; where that was told to be quiet, we do.
    assert caplog.records[-1].exc_info is None
    taskiq_log = logging.getLogger("taskiq")
    level = taskiq_log.level
    taskiq_log.setLevel(logging.CRITICAL)
    await run_through(life, message("broken"), ValueError("no such file"))
    taskiq_log.setLevel(level)
    assert caplog.records[-1].exc_info is not None


async def test_a_hook_of_somebody_else_that_raises_leaves_no_job_behind() -> None:
    class Raises(TaskiqMiddleware):
        def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
            raise LookupError("theirs")

    async with told_to(serving()) as (broker, life):
        broker.add_middlewares(Raises())
        one = broker.formatter.dumps(message())
        job = asyncio.create_task(broker.receiver.callback(one.message))
        with pytest.raises(LookupError):
            await job
        await asyncio.sleep(0)
        assert "0 at work" in repr(life)
