"""Deaths: of the server, of its guard, of its owner. The port and the events stay."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest
import uvloop

from pulse_radar.brokers.embedded import EmbeddedServer, Role, attach, server_pid
from pulse_radar.brokers.embedded.probe import is_answering
from pulse_radar.brokers.embedded.store import Store
from tests.waiting import eventually

from .processes import (
    freeze,
    is_running,
    owner,
    pid_of,
    server,
    store_event,
    stored_event,
    until_served_by_another,
)


def guard_of(owned: EmbeddedServer) -> int:
    pid = owned.stats().guard_pid
    assert pid is not None
    return pid


async def test_a_killed_server_is_back_on_the_same_port_with_its_events(tmp_path: Path) -> None:
    async with server(tmp_path) as owned:
        await store_event(owned.url, "hello")
        killed = pid_of(tmp_path)
        os.kill(killed, signal.SIGKILL)
        await until_served_by_another(tmp_path, killed)
        url = await attach(tmp_path)
        assert url == owned.url
        assert await stored_event(url, 1) == "hello"
        assert owned.stats().server_deaths == 1


async def test_a_server_killed_again_and_again_comes_back(tmp_path: Path) -> None:
    async with server(tmp_path) as owned:
        for _ in range(4):
            killed = pid_of(tmp_path)
            os.kill(killed, signal.SIGKILL)
            await until_served_by_another(tmp_path, killed)
        assert await attach(tmp_path) == owned.url


async def test_a_stopped_server_does_not_answer_and_is_ended_all_the_same(tmp_path: Path) -> None:
    async with server(tmp_path) as owned:
        stopped = pid_of(tmp_path)
        kept = Store(tmp_path).read()
        assert kept is not None
        await freeze(stopped)
        assert not await is_answering(kept)
        os.kill(stopped, signal.SIGCONT)
        assert await attach(tmp_path) == owned.url
    assert not is_running(stopped)


async def test_the_server_ends_with_a_killed_owner(tmp_path: Path) -> None:
    async with owner(tmp_path) as other:
        assert await other.says() == ["ready", "serving"]
        running = pid_of(tmp_path)
        other.kill()
        await eventually(lambda: not is_running(running))
        await eventually(lambda: not Store(tmp_path).is_locked())


async def test_a_forked_child_of_a_killed_owner_does_not_keep_the_server(tmp_path: Path) -> None:
    async with owner(tmp_path, "fork") as other:
        word, child = await other.says()
        assert (word, await other.says()) == ("forked", ["ready", "serving"])
        running = pid_of(tmp_path)
        other.kill()
        try:
            await eventually(lambda: not is_running(running))
        finally:
            os.kill(int(child), signal.SIGKILL)


async def test_the_next_owner_takes_over_from_a_killed_one(tmp_path: Path) -> None:
    async with owner(tmp_path) as other:
        assert await other.says() == ["ready", "serving"]
        async with server(tmp_path) as survivor:
            assert survivor.stats().role is Role.STANDBY
            await store_event(survivor.url, "hello")
            before = pid_of(tmp_path)
            other.kill()
            await eventually(lambda: survivor.stats().role is Role.SERVING)
            await until_served_by_another(tmp_path, before)
            assert await attach(tmp_path) == survivor.url
            assert await stored_event(survivor.url, 1) == "hello"


async def test_the_next_owner_takes_over_from_one_that_leaves(tmp_path: Path) -> None:
    async with owner(tmp_path) as first, owner(tmp_path) as second:
        roles = [(await process.says())[1] for process in (first, second)]
        assert sorted(roles) == ["serving", "standby"]
        serving, standing_by = (first, second) if roles[0] == "serving" else (second, first)
        before, url = pid_of(tmp_path), await attach(tmp_path)
        assert await serving.leave() == 0
        await until_served_by_another(tmp_path, before)
        assert await attach(tmp_path) == url
        assert await standing_by.leave() == 0
    assert server_pid(tmp_path) is None


async def test_an_owner_that_stands_by_leaves_without_a_trace(tmp_path: Path) -> None:
    async with server(tmp_path) as serving:
        running = pid_of(tmp_path)
        async with server(tmp_path) as standing_by:
            guard = guard_of(standing_by)
        assert not is_running(guard)
        assert pid_of(tmp_path) == running
        assert serving.stats().role is Role.SERVING


async def test_many_first_owners_agree_on_one_server(tmp_path: Path) -> None:
    owners = [server(tmp_path) for _ in range(6)]
    await asyncio.gather(*(each.__aenter__() for each in owners))
    try:
        assert len({each.url for each in owners}) == 1
        roles = sorted(each.stats().role for each in owners)
        assert roles == [Role.SERVING, *[Role.STANDBY] * 5]
    finally:
        await asyncio.gather(*(each.__aexit__(None, None, None) for each in owners))
    assert server_pid(tmp_path) is None


async def test_a_killed_guard_takes_its_server_along_and_both_are_replaced(tmp_path: Path) -> None:
    async with server(tmp_path) as owned:
        guard, running = guard_of(owned), pid_of(tmp_path)
        os.kill(guard, signal.SIGKILL)
        await eventually(lambda: not is_running(running))
        await until_served_by_another(tmp_path, running)
        assert await attach(tmp_path) == owned.url
        assert guard_of(owned) != guard
        assert owned.stats().guard_deaths == 1


async def test_a_killed_guard_that_stood_by_is_replaced(tmp_path: Path) -> None:
    async with server(tmp_path), server(tmp_path) as standing_by:
        guard = guard_of(standing_by)
        os.kill(guard, signal.SIGKILL)
        await eventually(lambda: standing_by.stats().guard_pid not in (None, guard))
        await eventually(lambda: standing_by.stats().role is Role.STANDBY)


async def test_a_guard_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    directory, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    async with server(directory) as owned:
        directory.rename(elsewhere)
        os.kill(guard_of(owned), signal.SIGKILL)
        await eventually(lambda: owned.stats().guard_deaths >= 3)
        elsewhere.rename(directory)
        await eventually(lambda: owned.stats().role is Role.SERVING)
        assert await attach(directory) == owned.url


async def test_ctrl_c_leaves_the_server_to_its_owner(tmp_path: Path) -> None:
    async with owner(tmp_path) as other:
        assert await other.says() == ["ready", "serving"]
        running = pid_of(tmp_path)
        other.interrupt()
        assert await other.says() == ["interrupted"]
        assert await store_event(await attach(tmp_path), "while draining") == 1
        assert pid_of(tmp_path) == running
        assert await other.leave() == 0
    assert not is_running(running)


async def test_a_signal_for_every_process_of_a_service_leaves_a_server_to_drain_with(tmp_path: Path) -> None:
    async with server(tmp_path) as owned:
        guard, running = guard_of(owned), pid_of(tmp_path)
        for pid in (guard, running):
            os.kill(pid, signal.SIGTERM)
        await until_served_by_another(tmp_path, running)
        assert await attach(tmp_path) == owned.url
        assert guard_of(owned) == guard


def test_neither_guard_nor_server_holds_the_port_that_its_owner_listens_on(tmp_path: Path) -> None:
    async def own_and_close(listener: socket.socket) -> None:
        async with server(tmp_path):
            address = listener.getsockname()
            listener.close()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address, timeout=5).close()

    listener = socket.create_server(("127.0.0.1", 0))
    # As servers make it, for their worker processes; uvloop hands it down to every child.
    listener.set_inheritable(True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(own_and_close(listener))
