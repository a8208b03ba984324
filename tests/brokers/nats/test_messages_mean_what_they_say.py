"""What a stored message is, depending on the kind of its topic."""

import msgspec
import pytest

from pulse_radar.brokers.nats.messages import Copy, entry_of, event_id_of, headers_of
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.wire_format import Incoming
from pulse_radar.protocol.codec import decode_server
from pulse_radar.protocol.frames import EventFrame, GapReason
from pulse_radar.stream.entry import Entry, Gap, StoredEvent
from pulse_radar.testing.broker_contract import draft
from pulse_radar.testing.broker_contract.state import deletion

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EVENT = b'{"event":"moved","data":{"x":1}}'


def meant(
    body: bytes,
    *,
    key: str | None = "a",
    is_state: bool = True,
    headers: dict[str, str] | None = None,
    shows_traceparent: bool = False,
) -> Entry:
    subject = "websocket.jobs" if key is None else f"websocket.jobs.{key}"
    stored = {**(headers or {}), "Nats-Sequence": "7", "Nats-Subject": subject}
    message = Incoming("live.jobs", data=body, headers=stored)
    return entry_of(Naming(), "jobs", message, is_state=is_state, shows_traceparent=shows_traceparent)


def frame_of(entry: Entry) -> EventFrame:
    assert isinstance(entry, StoredEvent)
    frame = decode_server(entry.text)
    assert isinstance(frame, EventFrame)
    assert frame.deleted is entry.is_deletion
    return frame


@pytest.mark.parametrize("is_state", [True, False])
def test_an_event_is_one(is_state: bool) -> None:
    frame = frame_of(meant(EVENT, is_state=is_state, headers={"Nats-Msg-Id": "id", "Nats-TTL": "5s"}))
    assert (frame.name, frame.data, frame.key, frame.id, frame.deleted) == (
        "moved",
        {"x": 1},
        "a",
        "id",
        False,
    )


@pytest.mark.parametrize("foreign", ["", "é", "a b", "\udcff", "x" * 129])
def test_an_id_that_is_none_is_left_out(foreign: str) -> None:
    assert frame_of(meant(EVENT, headers={"Nats-Msg-Id": foreign})).id is None


@pytest.mark.parametrize("headers", [{"Nats-Marker-Reason": "MaxAge"}, {"KV-Operation": "PURGE"}])
@pytest.mark.parametrize("body", [b"", EVENT])
def test_what_the_server_takes_for_a_deletion_is_one_in_a_state(
    headers: dict[str, str], body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    frame = frame_of(meant(body, headers=headers))
    assert (frame.name, frame.data, frame.key, frame.deleted) == ("deleted", {}, "a", True)
    assert caplog.text == ""


def test_what_is_no_event_ends_the_value_of_its_key_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert frame_of(meant(b"\xff")).deleted
    assert "jobs/a: event 7 cannot be read" in caplog.text


@pytest.mark.parametrize("key", ["ключ!", None])
def test_what_is_no_event_of_a_legal_key_ends_nothing(key: str | None) -> None:
    assert meant(b"\xff", key=key) == Gap(7, 7, GapReason.UNREADABLE)


def test_in_a_log_nothing_is_deleted() -> None:
    headers = {"KV-Operation": "PURGE"}
    assert not frame_of(meant(EVENT, is_state=False, headers=headers)).deleted
    assert meant(b"", is_state=False, headers=headers) == Gap(7, 7, GapReason.UNREADABLE)


def test_a_deletion_ends_with_the_memory_of_its_topic_and_an_event_with_its_own() -> None:
    gone = deletion("jobs", "id", key="a")
    assert headers_of(gone, 5, deletions_kept_seconds=600.0) == {
        "Nats-Msg-Id": "id",
        "Nats-Expected-Last-Subject-Sequence": "5",
        "KV-Operation": "PURGE",
        "Nats-TTL": "600s",
    }
    brief = msgspec.structs.replace(draft("jobs", "id", key="a"), ttl_seconds=1.2)
    assert headers_of(brief, None) == {"Nats-Msg-Id": "id", "Nats-TTL": "2s"}


def test_a_copy_by_the_leader_is_read_as_the_message_itself() -> None:
    block = b"NATS/1.0\r\nNats-Msg-Id: id\r\nNats-Sequence: 99\r\nX: a: b\r\n\r\n"
    copy = Copy("websocket.jobs.a", 7, block, EVENT)
    assert event_id_of(copy) == "id"
    assert copy.headers["X"] == "a: b"
    assert entry_of(Naming(), "jobs", copy, is_state=True) == meant(EVENT, headers={"Nats-Msg-Id": "id"})
    assert Copy("websocket.jobs.a", 7).headers == {"Nats-Sequence": "7", "Nats-Subject": "websocket.jobs.a"}


def test_the_trace_of_an_event_is_known_and_shown_to_clients_only_where_that_is_asked_for() -> None:
    for is_shown in (False, True):
        entry = meant(EVENT, headers={"traceparent": TRACEPARENT}, shows_traceparent=is_shown)
        assert isinstance(entry, StoredEvent)
        assert entry.traceparent == TRACEPARENT
        assert frame_of(entry).traceparent == (TRACEPARENT if is_shown else None)


@pytest.mark.parametrize(
    "foreign", ["", "é", TRACEPARENT.upper(), TRACEPARENT + "-", f"00-{'0' * 32}{TRACEPARENT[35:]}"]
)
def test_a_trace_that_is_none_is_left_out(foreign: str) -> None:
    entry = meant(EVENT, headers={"traceparent": foreign}, shows_traceparent=True)
    assert isinstance(entry, StoredEvent)
    assert (entry.traceparent, frame_of(entry).traceparent) == (None, None)
