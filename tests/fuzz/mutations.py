"""Something valid, and then not quite: what a fuzzer sends gets further than noise does."""

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

__all__ = ["mutated", "pieces"]

# Where parsers break: ends and beginnings, what is too long, too deep, too large, and no text.
_NASTY: Final = [
    b"",
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\r\n\r\n",
    b'"',
    b"{",
    b"[" * 200,
    b'{"a":' * 200,
    b"\\ud800",
    b"\\u0000",
    b"NaN",
    b"1e999",
    b"-0",
    b"9" * 400,
    b"9007199254740993",
    b"%00",
    b"%ff%fe",
    b"../",
    b",",
    b":",
    b"/",
    b";",
    b"null",
]


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes], most: int = 4) -> bytes:
    """One of these, with up to so many places cut out, doubled or written over."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, most))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(len(data), begin + 16)))
        put = draw(st.one_of(st.sampled_from(_NASTY), st.binary(max_size=4), st.just(data[begin:end] * 2)))
        data = data[:begin] + put + data[end:]
    return data


@st.composite
def pieces(draw: st.DrawFn, data: bytes, most: int = 4) -> list[bytes]:
    """The same bytes as the network may cut them."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=most)))
    return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
