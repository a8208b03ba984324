"""A job can tell how far it is, and a file of any size takes no more memory than a small one."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from pulse_radar.radar.telegram import ReadingStats, count_messages, read_export
from pulse_radar.radar.telegram.scanner import Scanner
from pulse_radar.radar.telegram.window import ByteWindow
from pulse_radar.testing.telegram_exports import write_export

# Prints how much memory reading takes at most, in kB.
MEASURE = """
import resource, sys
from pulse_radar.radar.telegram import ExportError, read_export
with open(sys.argv[1], "rb") as file:
    try:
        for _ in read_export(file):
            pass
    except ExportError as error:
        print(error, file=sys.stderr)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak // 1024 if sys.platform == "darwin" else peak)
"""


def small_export() -> bytes:
    out = io.BytesIO()
    write_export(out, messages=2000, seed=3)
    return out.getvalue()


def peak_kilobytes(export: Path) -> int:
    command = [sys.executable, "-c", MEASURE, str(export)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def write_large(path: Path, megabytes: int, tail: bytes = b"") -> None:
    """The small export over and over, to the size asked for."""
    small = small_export()
    start, end = small.index(b"[") + 1, small.rindex(b"\n ]")
    messages = small[start:end]
    with path.open("wb") as file:
        file.write(small[:start] + messages)
        for _ in range(megabytes * 1_000_000 // len(messages)):
            file.write(b"," + messages)
        file.write(tail + small[end:])


def test_a_file_of_fifty_megabytes_takes_no_more_memory_than_one_of_one(tmp_path: Path) -> None:
    write_large(tmp_path / "small.json", 1)
    write_large(tmp_path / "large.json", 50)
    assert peak_kilobytes(tmp_path / "large.json") - peak_kilobytes(tmp_path / "small.json") < 5_000


def test_a_quote_that_is_missing_does_not_pull_the_rest_of_the_file_into_memory(tmp_path: Path) -> None:
    endless = b',{"id": 1, "text": "' + b"no end " * 4_000_000  # all one string, as far as brackets tell
    write_large(tmp_path / "small.json", 1)
    write_large(tmp_path / "broken.json", 1, endless)
    assert peak_kilobytes(tmp_path / "broken.json") - peak_kilobytes(tmp_path / "small.json") < 25_000


def test_bytes_and_messages_tell_how_far_the_reading_is() -> None:
    export = small_export()
    reader = read_export(io.BytesIO(export))
    assert reader.stats() == ReadingStats(messages=0, bytes_read=0)
    first = next(reader)
    after_first = reader.stats().bytes_read
    assert export[:after_first].endswith(b"}")
    assert f'"id": {first.id}'.encode() in export[:after_first]
    assert repr(reader) == f"<ExportReader 1 messages, {after_first} bytes>"
    list(reader)
    assert reader.stats() == ReadingStats(messages=2000, bytes_read=len(export))


def test_bytes_read_stays_at_the_last_good_message_when_the_file_breaks() -> None:
    export = small_export()
    reader = read_export(io.BytesIO(export[:1500]))
    with pytest.raises(Exception, match="too early"):
        list(reader)
    assert export[: reader.stats().bytes_read].endswith(b"\n  }")


def test_what_is_at_work_shows_where_it_stands() -> None:
    window = ByteWindow(io.BytesIO(b'{"id": 7}'))
    scanner = Scanner(window)
    scanner.begin()
    assert next(scanner.members("it")) == "id"
    assert repr(window) == "<ByteWindow of 9 bytes at byte 6>"
    assert repr(scanner) == "<Scanner at byte 6>"


def test_counting_leaves_the_file_where_it_was() -> None:
    file = io.BytesIO(b"??" + small_export())
    file.seek(2)
    assert count_messages(file) == 2000
    assert file.tell() == 2


def test_a_count_that_is_asked_to_stop_stops_there_and_leaves_the_file_where_it_was() -> None:
    file = io.BytesIO(small_export())
    asked = iter([False] * 7 + [True])
    assert count_messages(file, should_stop=lambda: next(asked)) is None
    assert list(asked) == []
    assert file.tell() == 0
