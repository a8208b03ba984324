"""Knowing the server's process, and ending one whose guard is gone where the system does not."""

import asyncio
import fcntl
import os
import signal
import sysconfig
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pulse_radar.brokers.embedded import Role, attach, server_pid
from pulse_radar.brokers.embedded.guard import CONFIG_FILE, RECORD_FILE
from pulse_radar.brokers.embedded.record import _parent_by_ps, end_orphan
from pulse_radar.brokers.embedded.store import Store
from tests.waiting import eventually

from .processes import is_running, pid_of, server


async def ended_pid() -> int:
    """The number of a process that is gone."""
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    return process.pid


@asynccontextmanager
async def orphan(directory: Path) -> AsyncIterator[int]:
    """A server that holds the lock, as one that outlived its guard does where PR_SET_PDEATHSIG is unknown."""
    store = Store(directory)
    kept = store.keep()
    assert kept is not None
    store.configure(kept, 0)
    lock = os.open(directory, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    binary = Path(sysconfig.get_path("scripts")) / "nats-server"
    process = await asyncio.create_subprocess_exec(binary, "-c", CONFIG_FILE, cwd=directory, pass_fds=[lock])
    os.close(lock)
    (directory / RECORD_FILE).write_text(f"{process.pid} {await ended_pid()}\n")
    try:
        yield process.pid
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_an_orphan_is_ended_and_its_place_taken(tmp_path: Path) -> None:
    async with orphan(tmp_path) as pid:
        url = await attach(tmp_path)
        async with server(tmp_path) as owned:
            await eventually(lambda: owned.stats().role is Role.SERVING)
            assert owned.url == url
            assert not is_running(pid)
            assert pid_of(tmp_path) != pid


async def test_a_server_with_a_guard_is_no_orphan(tmp_path: Path) -> None:
    async with server(tmp_path):
        assert end_orphan(tmp_path) is None
        assert is_running(pid_of(tmp_path))


async def test_another_process_with_the_recorded_number_is_left_alone(tmp_path: Path) -> None:
    bystander = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        (tmp_path / RECORD_FILE).write_text(f"{bystander.pid} 1\n")
        assert server_pid(tmp_path) is None
        assert end_orphan(tmp_path) is None
        assert is_running(bystander.pid)
    finally:
        bystander.kill()
        await bystander.wait()


@pytest.mark.parametrize("text", ["", "\n", "1", "x y", "1 2 3", "\x00", "é"])
def test_a_record_that_cannot_be_read_names_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD_FILE).write_text(text)
    assert server_pid(tmp_path) is None


async def test_the_record_goes_with_the_server(tmp_path: Path) -> None:
    async with server(tmp_path):
        assert (tmp_path / RECORD_FILE).exists()
    assert not (tmp_path / RECORD_FILE).exists()


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="needs ps")
async def test_ps_tells_the_parent_of_a_process_older_than_the_record() -> None:
    child = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        assert _parent_by_ps(child.pid, time.time()) == os.getpid()
        assert _parent_by_ps(child.pid, time.time() - 60) is None
    finally:
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
    assert _parent_by_ps(child.pid, time.time()) is None
