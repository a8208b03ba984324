"""When to leave a server of a cluster for another: it is there, and does nothing that needs a leader."""

__all__ = ["Doubt"]


class Doubt:
    """Since when a server has failed at everything, if it has. `now` and `asked_at` are monotonic seconds."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        # When the first question was asked that was not answered, with no answer since.
        self._since: float | None = None

    def dispelled(self) -> None:
        """It answered, or it is another server."""
        self._since = None

    def failed(self, asked_at: float, now: float) -> bool:
        """A question of that moment was not answered. Whether it is time to leave."""
        if self._since is None:
            self._since = asked_at
        return now - self._since >= self._patience_seconds

    def __repr__(self) -> str:
        return "<Doubt none>" if self._since is None else f"<Doubt since {self._since:.1f}>"
