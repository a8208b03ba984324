"""What only a cluster answers: two leaders at once, and refusals that pass."""

import contextlib
from datetime import UTC, datetime

import msgspec
import pytest

from pulse_radar.brokers.nats.jetstream import ApiRefused, check_api_error
from pulse_radar.brokers.nats.requests import Requests
from pulse_radar.brokers.nats.stream_view import view_of
from pulse_radar.brokers.nats.wire_format import Incoming
from pulse_radar.errors import BrokerUnavailable


async def test_of_two_servers_that_both_think_they_lead_the_first_one_is_heard() -> None:
    requests = Requests("_INBOX")
    request = requests.open("$JS.API.STREAM.INFO.PULSE_tasks", lambda _: True, patience_seconds=1.0)
    first, second = (Incoming(request.reply, data=data) for data in (b"first", b"second"))
    for message in (first, second):
        requests.answer(message)
    assert await request.answers() == [first]


@pytest.mark.parametrize(
    ("code", "number", "description"),
    [
        (503, 10008, "JetStream system temporarily unavailable"),
        (500, 10077, "no space left"),
        (400, 10005, "no suitable peers for placement"),
        (409, 10158, "duplicate message id is in process"),
    ],
)
def test_a_refusal_that_passes_is_worth_another_attempt(code: int, number: int, description: str) -> None:
    with pytest.raises(BrokerUnavailable, match=description):
        check_api_error(error(code, number, description))


def test_a_refusal_that_stays_is_none() -> None:
    with pytest.raises(ApiRefused, match="not supported"):
        check_api_error(error(400, 10074, "replicas > 1 not supported in non-clustered mode"))


@pytest.mark.parametrize(
    ("leader", "silent_seconds", "is_believed"),
    [
        ("b", [0.1, 1.9], True),
        ("b", [0.1, 60.0], True),
        ("b", [3.5, 3.5], False),
        ("b", [60.0], False),
        ("b", [], True),
        ("", [0.1, 0.1], False),
    ],
)
def test_a_leader_that_lost_the_others_is_not_believed(
    leader: str, silent_seconds: list[float], is_believed: bool
) -> None:
    """One that was cut off goes on for ten seconds to answer with its old numbers."""
    replicas = [{"name": "x", "active": int(seconds * 1e9)} for seconds in silent_seconds]
    with contextlib.nullcontext() if is_believed else pytest.raises(BrokerUnavailable, match="PULSE_tasks"):
        assert view_of(info({"leader": leader, "replicas": replicas})).sight.extent.last == 9


def test_a_server_without_a_cluster_is_believed() -> None:
    assert view_of(info(None)).sight.extent.last == 9


def test_a_clock_that_was_set_back_does_not_take_back_the_time() -> None:
    """By it a deletion that is forgotten would count as remembered."""
    assert view_of(info(None, now="2025-12-31T23:00:00Z")).looked_at == datetime(2026, 1, 1, tzinfo=UTC)


def info(cluster: object, *, now: str = "2026-01-01T00:00:00Z") -> bytes:
    stored = {"first_ts": "2025-01-01T00:00:00Z", "last_ts": "2026-01-01T00:00:00Z"}
    state = {"first_seq": 5, "last_seq": 9, **stored}
    config = {"name": "PULSE_tasks", "first_seq": 5}
    return msgspec.json.encode(
        {"config": config, "created": "now", "state": state, "cluster": cluster, "ts": now}
    )


def error(code: int, number: int, description: str) -> bytes:
    return msgspec.json.encode(
        {"error": {"code": code, "err_code": number, "description": description}, "seq": 0}
    )
