"""Whose turn it is to publish, of all the relays of an outbox: one at a time, without a clock in common."""

import msgspec

__all__ = ["Turn", "TurnWatch"]


class Turn(msgspec.Struct, frozen=True):
    """The turn as the database has it. `in_doubt`: some of the waiting events may be published already."""

    holder: str | None
    version: int
    in_doubt: bool


class TurnWatch:
    """Whether a turn may be taken: it is nobody's, or its holder did not stir for too long. Never waits.

    Who holds a turn stirs, by counting up its version, at least every half of `patience_seconds`. What is compared is
    how long we ourselves saw nothing: two machines need not agree on the time.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._version: int | None = None
        self._seen_at = 0.0

    def may_take(self, turn: Turn, now: float) -> bool:
        """`now`: monotonic seconds."""
        if turn.holder is None:
            return True
        if turn.version != self._version:
            self._version = turn.version
            self._seen_at = now
        return now - self._seen_at >= self._patience_seconds

    def __repr__(self) -> str:
        return f"<TurnWatch of version {self._version}>"
