"""Figures as people say them."""

__all__ = ["counted", "size_for_people"]


def counted(number: int, noun: str) -> str:
    """So many of them: `1 event`, `1,200 events`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size_for_people(count: int) -> str:
    """Bytes, in the unit that suits them."""
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
