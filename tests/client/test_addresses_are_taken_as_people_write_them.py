"""The address of a server, in all the ways that people write it."""

import pytest

from pulse_radar.client.address import Address, is_loopback
from pulse_radar.errors import InvalidSetting


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ws://127.0.0.1:8000/ws", "ws://127.0.0.1:8000/ws"),
        ("localhost:8000", "ws://localhost:8000/ws"),
        ("http://localhost:8000/", "ws://localhost:8000/ws"),
        ("https://radar.example.org", "wss://radar.example.org/ws"),
        ("wss://radar.example.org/live/ws", "wss://radar.example.org/live/ws"),
        ("http://radar.example.org/live/", "ws://radar.example.org/live/ws"),
        ("http://[::1]:8000", "ws://[::1]:8000/ws"),
    ],
)
def test_an_address_is_understood(written: str, meant: str) -> None:
    assert str(Address.parse(written)) == meant


@pytest.mark.parametrize(
    "written", ["", "ftp://x", "ws://", "http://x:port", "ws://x/ws?topics=a", "ws://me@x"]
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(InvalidSetting, match="PULSE_URL"):
        Address.parse(written)


def test_a_query_is_added_where_there_is_one() -> None:
    assert Address.parse("localhost:80").with_query("topics=a") == "ws://localhost:80/ws?topics=a"
    assert Address.parse("localhost:80").with_query("") == "ws://localhost:80/ws"


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("radar.example.org", False),
    ],
)
def test_only_addresses_of_this_machine_are_loopback(host: str, is_ours: bool) -> None:
    assert is_loopback(host) is is_ours
