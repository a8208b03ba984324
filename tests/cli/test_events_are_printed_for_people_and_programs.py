"""The lines that `tail` prints."""

import pytest

from pulse_radar.cli.printing import NobodyReads, print_json, print_plain
from pulse_radar.protocol.codec import decode_server
from pulse_radar.protocol.frames import EventFrame, GapFrame, GapReason, SnapshotFrame, Subscribed
from pulse_radar.protocol.grammar import Feed


def test_a_person_sees_when_where_what_and_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    print_plain(EventFrame("metrics", "load_measured", {"load": 1}, 7, "host-1", None, 1_703_750_400_123))
    line = capsys.readouterr().out
    assert line.endswith('metrics/host-1 load_measured {"load":1}\n')
    assert line[8:12] == ".123"


def test_an_event_without_a_time_is_shown_without_one(capsys: pytest.CaptureFixture[str]) -> None:
    print_plain(EventFrame("tasks", "task_changed", "\x1b[31m", 7))
    assert capsys.readouterr().out == '--:--:--.--- tasks task_changed "\\u001b[31m"\n'


def test_a_person_is_warned_of_a_gap(capsys: pytest.CaptureFixture[str]) -> None:
    print_plain(GapFrame(Feed("tasks"), 3, 9, GapReason.EXPIRED))
    print_plain(GapFrame(Feed("tasks"), None, 9, GapReason.RESET))
    assert capsys.readouterr().out.splitlines() == [
        "tasks: 3 to 9 are missing (expired)",
        "tasks: up to 9 are missing (reset)",
    ]


def test_a_person_is_told_where_a_state_begins_anew(capsys: pytest.CaptureFixture[str]) -> None:
    print_plain(SnapshotFrame(Feed("metrics")))
    print_plain(Subscribed(Feed("metrics"), 9, 3))
    assert capsys.readouterr().out == "metrics: the whole state follows\n"


@pytest.mark.parametrize(
    "text",
    [
        '{"topic":"tasks","event":"task_changed","data":{"n":9007199254740993},"_seq":7,"key":"a","id":"x","ts":5}',
        '{"topic":"metrics","event":"deleted","data":{},"_seq":7,"key":"a","deleted":true}',
        '{"type":"gap","data":{"topic":"tasks","from":3,"to":9,"reason":"expired"}}',
        '{"type":"snapshot","data":{"topic":"metrics"}}',
    ],
)
def test_a_program_gets_the_frame_as_it_came(capsys: pytest.CaptureFixture[str], text: str) -> None:
    frame = decode_server(text)
    assert isinstance(frame, EventFrame | GapFrame | SnapshotFrame)
    print_json(frame)
    assert capsys.readouterr().out == f"{text}\n"


def test_a_reader_that_is_gone_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_line: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("typer.echo", broken)
    monkeypatch.setattr("os.dup2", lambda *_descriptors: None)
    with pytest.raises(NobodyReads):
        print_json(EventFrame("tasks", "task_changed", {}, 7))


@pytest.mark.parametrize("timestamp_ms", [1_795_623_443_294_105, 10**18, -(10**18), 10**300])
def test_a_time_that_no_calendar_has_is_shown_as_none(
    capsys: pytest.CaptureFixture[str], timestamp_ms: int
) -> None:
    print_plain(EventFrame("knowledge", "event", {}, 5, timestamp_ms=timestamp_ms))
    assert capsys.readouterr().out.startswith("--:--:--.--- knowledge event")
