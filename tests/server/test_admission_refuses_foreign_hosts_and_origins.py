"""Host and Origin, pure: who is let in and how a refusal says to allow it."""

import pytest

from pulse_radar import InvalidSetting
from pulse_radar.server.admission import Admission

LOCAL = ("localhost", "127.0.0.1", "[::1]")


def admission(*, hosts: tuple[str, ...] = LOCAL, origins: tuple[str, ...] = ()) -> Admission:
    return Admission(allowed_hosts=hosts, allowed_origins=origins)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]", "[::1]:8000"])
def test_a_client_without_origin_is_let_in_under_an_allowed_host(host: str) -> None:
    assert admission().refusal({"host": host}) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8000",
        "",
        "[::2]",
        "host:bad",
        "@localhost:x",
    ],
)
def test_another_host_is_refused_and_told_what_to_set(host: str) -> None:
    refusal = admission().refusal({"host": host})
    assert refusal is not None
    assert "PULSE_ALLOWED_HOSTS" in refusal


def test_a_request_without_host_is_refused() -> None:
    assert admission().refusal({}) is not None


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("http://127.0.0.1", "127.0.0.1"),
        ("http://127.0.0.1:80", "127.0.0.1"),
        ("https://[::1]:8443", "[::1]:8443"),
        ("HTTP://LocalHost:8000", "localhost:8000"),
    ],
)
def test_a_page_of_the_same_origin_is_let_in(origin: str, host: str) -> None:
    assert admission().refusal({"host": host, "origin": origin}) is None


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_a_page_without_tls_is_foreign_where_we_have_it(scheme: str) -> None:
    """Whoever is on the way writes such a page as he likes."""
    host = "app.example.com"
    ours = admission(hosts=(host,))
    assert ours.refusal({"host": host, "origin": f"https://{host}"}, scheme=scheme) is None
    assert ours.refusal({"host": host, "origin": f"http://{host}"}, scheme=scheme) is not None
    allowing = admission(hosts=(host,), origins=(f"http://{host}",))
    assert allowing.refusal({"host": host, "origin": f"http://{host}"}, scheme=scheme) is None


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://localhost:9000", "http://localhost.evil.example:8000"]
)
def test_a_page_of_another_origin_is_refused_and_told_what_to_set(origin: str) -> None:
    refusal = admission().refusal({"host": "localhost:8000", "origin": origin})
    assert refusal is not None
    assert "PULSE_ALLOWED_ORIGINS" in refusal


@pytest.mark.parametrize("origin", ["null", "app.example.com", "https://", "*"])
def test_an_allowed_origin_that_is_none_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(InvalidSetting, match="PULSE_ALLOWED_ORIGINS.*https://app.example.com"):
        admission(origins=(origin,))


def test_an_allowed_origin_is_let_in_with_its_scheme_and_port_only() -> None:
    door = admission(hosts=("api.example.com",), origins=("https://app.example.com",))
    host = {"host": "api.example.com"}
    assert door.refusal({**host, "origin": "https://app.example.com"}) is None
    assert door.refusal({**host, "origin": "https://app.example.com:443"}) is None
    assert door.refusal({**host, "origin": "http://app.example.com"}) is not None
    assert door.refusal({**host, "origin": "https://app.example.com:8443"}) is not None


def test_the_scheme_that_a_proxy_speaks_does_not_make_an_origin_foreign() -> None:
    door = admission(hosts=("radar.example.com",))
    assert door.refusal({"host": "radar.example.com", "origin": "https://radar.example.com"}) is None


def test_a_star_allows_every_host_but_no_foreign_origin() -> None:
    door = admission(hosts=("*",))
    assert door.refusal({"host": "anything.example"}) is None
    assert door.refusal({"host": "anything.example", "origin": "http://evil.example"}) is not None


@pytest.mark.parametrize(
    "host",
    ["https://app.example.com", "app.example.com:8000", "*.example.com", "::1", "münchen.example", "a b", ""],
)
def test_an_allowed_host_under_which_nobody_would_be_let_in_is_refused_at_the_start(host: str) -> None:
    with pytest.raises(InvalidSetting, match="PULSE_ALLOWED_HOSTS"):
        admission(hosts=(host,))


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "file://",
        "http://",
        "http://localhost:port",
        "",
        "localhost:8000",
        "chrome-extension://abcdef",
    ],
)
def test_an_origin_that_is_nobodys_is_refused_and_not_told_to_be_allowed(origin: str) -> None:
    refusal = admission().refusal({"host": "localhost:8000", "origin": origin})
    assert refusal is not None
    assert "cannot be allowed" in refusal
