"""Texts of others in what is told of a job, as errors and reasons are: bounded, and always JSON."""

from typing import Final

__all__ = ["told_text"]

# Every subscriber gets a copy with each event of the job, and an event that is too large is not told at all.
_MOST_CHARACTERS: Final = 2_000


def told_text(text: str, most: int = _MOST_CHARACTERS) -> str:
    """As much of a text as is told. A question mark stands for what is no UTF-8, as names of files may be."""
    return text[:most].encode("utf-8", "replace").decode()
