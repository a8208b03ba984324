"""Entering and leaving: what runs, what is kept, what is left."""

import asyncio
import gc
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pulse_radar.brokers.embedded import EmbeddedServer, EmbeddedSettings, Role, lifeline, server_pid
from pulse_radar.brokers.embedded.store import Store
from pulse_radar.errors import BrokerRefused, UsageError
from tests.waiting import eventually

from .processes import freeze, is_running, pid_of, server, store_event, stored_event


async def test_a_server_answers_inside_the_block_and_nothing_runs_after_it(tmp_path: Path) -> None:
    async with server(tmp_path) as owned:
        inside = owned.stats()
        assert await store_event(owned.url, "hello") == 1
    assert inside.role is Role.SERVING
    assert inside.guard_pid is not None
    assert inside.server_pid is not None
    assert not is_running(inside.guard_pid)
    assert not is_running(inside.server_pid)
    assert owned.stats().role is Role.STOPPED


async def test_events_and_address_survive_a_restart(tmp_path: Path) -> None:
    async with server(tmp_path) as first:
        await store_event(first.url, "hello")
    async with server(tmp_path) as second:
        assert second.url == first.url
        assert await stored_event(second.url, 1) == "hello"


async def test_the_directory_is_private_and_ignored_by_git(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    async with server(directory):
        modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in (directory, *directory.rglob("*"))}
    assert modes[directory] == 0o700
    assert (directory / ".gitignore").read_text() == "*\n"
    assert [path for path, mode in modes.items() if mode & 0o077 and path.name != "nats-server.log"] == []


def test_a_relative_directory_is_resolved_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    relative = EmbeddedServer(EmbeddedSettings(directory=Path("here/.pulse")))
    monkeypatch.chdir("/")
    assert relative.directory == tmp_path.resolve() / "here" / ".pulse"


@pytest.mark.parametrize(
    "name",
    [
        "with spaces",
        "ünïcödé-дані-数据",
        "'quotes' \"and\" #{braces}",
        "new\nline",
        "/".join(["long" * 45] * 4),
    ],
    ids=["spaces", "unicode", "quotes", "newline", "long"],
)
async def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    async with server(directory) as owned:
        await store_event(owned.url, "hello")
        assert server_pid(directory) is not None


async def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a directory")
    with pytest.raises(BrokerRefused, match=r"data directory .*/data cannot be used"):
        await server(tmp_path / "data").__aenter__()


async def test_descriptors_do_not_leak(tmp_path: Path) -> None:
    def descriptors() -> int:
        gc.collect()
        return sum(1 for _ in Path("/dev/fd").iterdir())

    async with server(tmp_path):
        pass
    before = descriptors()
    for _ in range(3):
        async with server(tmp_path):
            pass
    await eventually(lambda: descriptors() == before)


async def test_entering_twice_is_a_mistake(tmp_path: Path) -> None:
    owned = server(tmp_path)
    with pytest.raises(UsageError, match="not entered"):
        assert owned.url
    async with owned:
        with pytest.raises(UsageError, match="entered already"):
            await owned.__aenter__()


async def test_the_address_is_secret_wherever_the_owner_is_shown(tmp_path: Path) -> None:
    async with server(tmp_path) as owned:
        token = owned.url.removeprefix("nats://").partition("@")[0]
        assert repr(owned) == f"<EmbeddedServer serving {owned.directory} port {owned.port}>"
        assert token not in repr(owned) + repr(owned.stats())
        assert token not in Store(tmp_path).log_tail()


@pytest.mark.parametrize("moment", [0.0, 0.01, 0.03, 0.05, 0.08])
async def test_cancelled_while_starting_leaves_nothing(tmp_path: Path, moment: float) -> None:
    entering = asyncio.create_task(server(tmp_path).__aenter__())
    await asyncio.sleep(moment)
    entering.cancel()
    with suppress(asyncio.CancelledError):
        async with asyncio.timeout(4):  # less than a server that heeds no SIGTERM takes
            await (await entering).__aexit__(None, None, None)
    assert server_pid(tmp_path) is None
    assert not Store(tmp_path).is_locked()


async def test_cancelled_while_leaving_still_leaves_nothing(tmp_path: Path) -> None:
    owned = await server(tmp_path).__aenter__()
    running = pid_of(tmp_path)
    leaving = asyncio.create_task(owned.__aexit__(None, None, None))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert not is_running(running)


async def test_a_guard_that_hangs_is_killed_with_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifeline, "GUARD_MARGIN_SECONDS", 0.1)
    owned = await EmbeddedServer(EmbeddedSettings(directory=tmp_path, stop_seconds=0.1)).__aenter__()
    guard, running = owned.stats().guard_pid, pid_of(tmp_path)
    assert guard is not None
    await freeze(guard)
    await owned.__aexit__(None, None, None)
    assert not is_running(guard)
    await eventually(lambda: not is_running(running))


async def test_a_server_that_heeds_no_request_to_stop_is_killed(tmp_path: Path) -> None:
    owned = await EmbeddedServer(EmbeddedSettings(directory=tmp_path, stop_seconds=0.1)).__aenter__()
    running = pid_of(tmp_path)
    await freeze(running)
    await owned.__aexit__(None, None, None)
    assert not is_running(running)


def test_it_works_in_a_thread_without_signals(tmp_path: Path) -> None:
    async def use() -> int:
        async with server(tmp_path) as owned:
            return await store_event(owned.url, "hello")

    async def main() -> int:
        return await asyncio.to_thread(asyncio.run, use())

    assert asyncio.run(main()) == 1


async def test_a_defect_costs_one_guard_and_not_the_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start, defects = lifeline.Lifeline.start, [ZeroDivisionError("a defect")]

    async def start_at_the_second_attempt(*given: Any, **named: Any) -> lifeline.Lifeline:
        if defects:
            raise defects.pop()
        return await start(*given, **named)

    monkeypatch.setattr(lifeline.Lifeline, "start", start_at_the_second_attempt)
    async with server(tmp_path) as owned:
        assert owned.stats().guard_deaths == 1
    assert "a defect" in caplog.text
