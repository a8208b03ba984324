"""What reads a client's bytes, attacked by atheris, which follows the lines that an input reaches. Not run by pytest.

uv run --with atheris python -m tests.fuzz.coverage_guided -max_total_time=600
"""

import sys

# Only where somebody wants it: it has wheels for Linux, and else needs a compiler of its own.
import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["pulse_radar"]):
    from pulse_radar.errors import ProtocolError, UsageError
    from pulse_radar.protocol.codec import decode_client, encode_client, encode_server
    from pulse_radar.protocol.cursor import format_cursor, parse_cursor, parse_topics, refusal
    from pulse_radar.protocol.frames import UnknownFrame
    from pulse_radar.server.websocket_frames import ClientFrames, Violation

_MOST_BYTES = 300


def attack(data: bytes) -> None:
    """The first byte chooses the victim."""
    match data[0] % 3 if data else 0:
        case 0:
            _frame(data[1:])
        case 1:
            _query(data[1:].decode(errors="replace"))
        case _:
            _wire(data[1:])


def _frame(text: bytes) -> None:
    try:
        frame = decode_client(text)
    except ProtocolError:
        return
    except UsageError as error:
        encode_server(refusal(error))
        return
    assert isinstance(frame, UnknownFrame) or decode_client(encode_client(frame)) == frame


def _query(text: str) -> None:
    feeds, refused = parse_topics(text)
    assert parse_topics(",".join(map(str, feeds))) == (feeds, ())
    cursor, more = parse_cursor(text)
    assert parse_cursor(format_cursor(cursor.positions)) == (cursor, ())
    for error in (*refused, *more):
        encode_server(error)


def _wire(data: bytes) -> None:
    """However it is cut, it says the same."""
    cut = data[0] if data else 0
    assert _heard([data[1:]]) == _heard([data[1:][:cut], data[1:][cut:]])


def _heard(pieces: list[bytes]) -> list[object]:
    frames, heard = ClientFrames(), list[object]()
    try:
        for piece in pieces:
            heard += frames.feed(piece, _MOST_BYTES)
    except Violation as violation:
        heard.append(violation.close_code)
    return heard


if __name__ == "__main__":
    atheris.Setup(sys.argv, attack)
    atheris.Fuzz()
