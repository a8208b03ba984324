"""X-Forwarded-*: what they say of a client, and from whom it is believed. Pure, and then over a real server."""

import logging
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_radar import InvalidSetting
from pulse_radar.cli.serving import ServeConfig
from pulse_radar.server.proxies import TrustedProxies
from tests.server.serving import app_with, make_pulse, serving

PROXIES = TrustedProxies(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])


def seen(
    peer: Any, *headers: tuple[str, str], kind: str = "http", proxies: TrustedProxies = PROXIES
) -> dict[str, Any]:
    """What is seen of a request that came from this peer."""
    scope: dict[str, Any] = {
        "type": kind,
        "scheme": "ws" if kind == "websocket" else "http",
        "client": peer and (peer, 40_000),
        "headers": [
            (b"host", b"inner:8000"),
            *((name.lower().encode(), value.encode()) for name, value in headers),
        ],
    }
    proxies.see_through(scope)
    again = {**scope}
    proxies.see_through(again)
    assert again == scope, "seen through twice it is another"
    return scope


def client_of(peer: Any, *forwarded: str, proxies: TrustedProxies = PROXIES) -> Any:
    client = seen(peer, *(("X-Forwarded-For", value) for value in forwarded), proxies=proxies)["client"]
    return client and client[0]


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ((), "10.0.0.1"),
        (("203.0.113.7",), "203.0.113.7"),
        (("203.0.113.7, 10.1.2.3",), "203.0.113.7"),
        (("203.0.113.7", "10.1.2.3"), "203.0.113.7"),
        # What stands before the client's own address the client has written.
        (("127.0.0.1, 198.51.100.9, 203.0.113.7",), "203.0.113.7"),
        (("203.0.113.7:51234",), "203.0.113.7"),
        (("[2001:db8::7]:51234",), "2001:db8::7"),
        (("2001:db8::7",), "2001:db8::7"),
        (("::ffff:203.0.113.7",), "203.0.113.7"),
        (("10.9.9.9, 10.1.2.3",), "10.9.9.9"),
        (("unknown",), "10.0.0.1"),
        (("203.0.113.7, unknown, 10.1.2.3",), "10.1.2.3"),
        (("<script>, \x00",), "10.0.0.1"),
        ((" , ,",), "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_that_no_proxy_of_ours_is(forwarded: tuple[str, ...], client: str) -> None:
    assert client_of("10.0.0.1", *forwarded) == client


@pytest.mark.parametrize("peer", ["203.0.113.1", "11.0.0.1", "::1", "testclient", "127.0.0.2"])
def test_whoever_is_not_trusted_is_the_client_whatever_it_says(peer: str) -> None:
    said = [("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "other")]
    request = seen(peer, *said)
    assert (request["client"][0], request["scheme"], request["headers"][0]) == (
        peer,
        "http",
        (b"host", b"inner:8000"),
    )


def test_nobody_is_trusted_unless_named() -> None:
    assert client_of("127.0.0.1", "203.0.113.7", proxies=TrustedProxies([])) == "127.0.0.1"
    assert client_of(None, "203.0.113.7", proxies=TrustedProxies(["0.0.0.0/0"])) is None
    assert client_of(None, "203.0.113.7", proxies=TrustedProxies(["unix"])) == "203.0.113.7"


@pytest.mark.parametrize(
    ("kind", "proto", "scheme"),
    [
        ("http", "https", "https"),
        ("websocket", "HTTPS", "wss"),
        ("websocket", "http", "ws"),
        ("http", "http, https", "https"),
        ("http", "gopher", "http"),
        ("http", "", "http"),
    ],
)
def test_the_scheme_is_that_of_the_nearest_proxy(kind: str, proto: str, scheme: str) -> None:
    assert seen("10.0.0.1", ("X-Forwarded-Proto", proto), kind=kind)["scheme"] == scheme


def test_the_host_is_that_of_the_nearest_proxy() -> None:
    headers = seen("10.0.0.1", ("X-Forwarded-Host", "evil.example, app.example.com"))["headers"]
    assert [value for name, value in headers if name == b"host"] == [b"app.example.com"]


@pytest.mark.parametrize("text", ["nginx", "10.0.0.1/8", "10.0.0.0/33", "*", "127.0.0.1:80"])
def test_what_is_no_network_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(InvalidSetting, match="trusted_proxies"):
        TrustedProxies([text])


@given(
    st.lists(st.ip_addresses().map(str) | st.text(st.characters(codec="latin-1"), max_size=20), max_size=6)
)
def test_a_client_can_never_be_taken_for_one_that_it_wrote_itself(written: list[str]) -> None:
    # The proxy appends the address that it saw, whatever is there already.
    forwarded = ", ".join([*(text.replace(",", "") for text in written), "203.0.113.7"])
    scope: dict[str, Any] = {"type": "http", "scheme": "http", "client": ("10.0.0.1", 1)}
    scope["headers"] = [(b"x-forwarded-for", forwarded.encode("latin-1"))]
    PROXIES.see_through(scope)
    assert scope["client"] == ("203.0.113.7", 0)


async def test_the_log_of_a_refusal_names_the_client_behind_the_proxy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    headers = {"Host": "evil.example", "X-Forwarded-For": "203.0.113.7"}
    for trusted in ("", "127.0.0.1"):
        app = app_with(make_pulse(trusted_proxies=trusted, publish_token="a-token-of-the-tests"))
        async with serving(app, proxy_headers=False) as server, httpx.AsyncClient() as http:
            await http.post(f"http://127.0.0.1:{server.port}/publish", headers=headers)
    direct, behind = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert "127.0.0.1" in direct
    assert "203.0.113.7" not in direct
    assert "203.0.113.7" in behind


async def test_the_host_that_a_trusted_proxy_was_asked_for_is_the_one_that_counts() -> None:
    outcomes = []
    for trusted in ("", "127.0.0.1"):
        pulse = make_pulse(
            trusted_proxies=trusted, allowed_hosts="app.example.com", publish_token="a-token-of-the-tests"
        )
        async with serving(app_with(pulse), proxy_headers=False) as server, httpx.AsyncClient() as http:
            headers = {"X-Forwarded-Host": "app.example.com", "Origin": "https://app.example.com"}
            answer = await http.post(f"http://127.0.0.1:{server.port}/publish", headers=headers)
            outcomes.append(answer.status_code)
    assert outcomes == [403, 401]


@pytest.mark.parametrize(("trusted", "client"), [("", "127.0.0.1"), ("127.0.0.1", "203.0.113.7")])
async def test_serve_shows_the_whole_app_its_clients_through_the_proxies(
    trusted: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_by_app: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen_by_app.append(scope["client"][0])

    monkeypatch.setenv("PULSE_TRUSTED_PROXIES", trusted)
    config = ServeConfig(app, proxy_headers=False, log_config=None, interface="asgi3")
    config.load()
    scope = {"type": "http", "client": ("127.0.0.1", 1), "headers": [(b"x-forwarded-for", b"203.0.113.7")]}
    await config.loaded_app(scope, None, None)
    # The scope that uvicorn writes its log of requests from.
    assert (seen_by_app, scope["client"][0]) == ([client], client)
