"""The data directory: what it keeps, and how it heals."""

import asyncio
import socket
from pathlib import Path

import pytest

from pulse_radar.brokers.embedded import EmbeddedSettings, Role
from pulse_radar.brokers.embedded import kept as kept_module
from pulse_radar.brokers.embedded.config import LOG_FILE
from pulse_radar.brokers.embedded.kept import PORTS, Kept, choose
from pulse_radar.brokers.embedded.store import STATE_FILE, Store
from pulse_radar.errors import BrokerRefused, BrokerUnavailable, InvalidSetting

from .processes import server

BROKEN = [b"", b"{", b'{"port":20000}', b'{"port":70000,"token":"00"}', b"\xff\xfe\x00", b"null"]


def test_what_was_chosen_is_kept(tmp_path: Path) -> None:
    kept = Store(tmp_path).keep()
    assert kept is not None
    assert kept.port in PORTS
    assert Store(tmp_path).keep() == kept
    assert Store(tmp_path).read() == kept


def test_what_is_shown_of_it_is_no_secret(tmp_path: Path) -> None:
    kept = Kept(port=20_000, token="ab" * 24)
    assert repr(kept) == "<Kept port 20000>"
    assert repr(Store(tmp_path)) == f"<Store {tmp_path.resolve()}>"


def test_two_directories_differ_in_token_and_name(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = Store(tmp_path / "a").keep(), Store(tmp_path / "b").keep()
    assert one is not None
    assert other is not None
    assert one.token != other.token
    assert one.server_name != other.server_name


def test_a_token_that_could_break_out_of_the_address_or_the_configuration_is_no_token() -> None:
    for token in ("", "short", 'a" }\n', "x@evil:1/" + "0" * 40):
        with pytest.raises(ValueError, match="hexadecimal"):
            Kept(port=20_000, token=token)


def test_a_port_that_is_in_use_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(kept_module, "PORTS", range(port, port + 1))
        with pytest.raises(BrokerRefused, match="no free port found"):
            choose()


def test_the_state_is_written_whole_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.make()
    kept = store.keep()
    assert kept is not None
    store.configure(kept, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "nats-server.conf", STATE_FILE]


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_state_is_chosen_anew_while_nobody_serves(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATE_FILE).write_bytes(content)
    store = Store(tmp_path)
    assert store.read() is None
    assert store.keep() is not None


async def test_a_broken_state_is_left_alone_while_a_server_runs(tmp_path: Path) -> None:
    async with server(tmp_path):
        (tmp_path / STATE_FILE).write_bytes(b"")
        with pytest.raises(BrokerUnavailable, match=r"state\.json is missing or broken while a server runs"):
            await server(tmp_path, start_seconds=0.3).__aenter__()
        assert (tmp_path / STATE_FILE).read_bytes() == b""


async def test_owners_that_meet_at_a_broken_state_agree(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_bytes(b"{")
    owners = [server(tmp_path) for _ in range(4)]
    await asyncio.gather(*(each.__aenter__() for each in owners))
    try:
        assert len({each.url for each in owners}) == 1
    finally:
        await asyncio.gather(*(each.__aexit__(None, None, None) for each in owners))


async def test_a_missing_state_is_not_chosen_anew_while_a_server_runs(tmp_path: Path) -> None:
    async with server(tmp_path):
        (tmp_path / STATE_FILE).unlink()
        assert Store(tmp_path).keep() is None
    assert Store(tmp_path).keep() is not None


async def test_a_directory_in_place_of_the_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).mkdir()
    with pytest.raises(BrokerRefused, match="Is a directory"):
        await server(tmp_path).__aenter__()


def test_the_lock_is_seen_from_outside_only_while_it_is_held(tmp_path: Path) -> None:
    assert not Store(tmp_path).is_locked()

    async def look() -> bool:
        async with server(tmp_path) as owned:
            assert owned.stats().role is Role.SERVING
            return Store(tmp_path).is_locked()

    assert asyncio.run(look())
    assert not Store(tmp_path).is_locked()


@pytest.mark.parametrize(("seconds", "text"), [(0.0, "always"), (0.5, "500ms"), (120.0, "120000ms")])
def test_the_sync_interval_is_written_as_the_server_reads_it(
    tmp_path: Path, seconds: float, text: str
) -> None:
    store = Store(tmp_path)
    kept = store.keep()
    assert kept is not None
    store.configure(kept, seconds)
    assert f"sync_interval: {text}\n" in (tmp_path / "nats-server.conf").read_text()


def test_the_tail_of_a_long_log_begins_with_a_whole_line(tmp_path: Path) -> None:
    (tmp_path / LOG_FILE).write_text("".join(f"line {number}\n" for number in range(1_000)))
    tail = Store(tmp_path).log_tail().splitlines()
    assert tail[0].startswith("line ")
    assert tail[-1] == "line 999"


def test_a_missing_log_is_said(tmp_path: Path) -> None:
    assert Store(tmp_path).log_tail() == "(nats-server.log: No such file or directory)"


@pytest.mark.parametrize("seconds", [-1.0, 0.0001, 1e9, float("nan")])
def test_a_sync_interval_that_cannot_work_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidSetting, match="sync_interval"):
        EmbeddedSettings(sync_interval_seconds=seconds)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf"), float("nan")])
def test_bounds_that_cannot_work_are_refused(seconds: float) -> None:
    with pytest.raises(InvalidSetting, match="start_seconds"):
        EmbeddedSettings(start_seconds=seconds)
    with pytest.raises(InvalidSetting, match="stop_seconds"):
        EmbeddedSettings(stop_seconds=seconds)


def test_a_directory_with_a_zero_byte_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="zero byte"):
        EmbeddedSettings(directory=Path("a\0b"))
