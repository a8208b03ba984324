"""The cost cap: tokens that may still be spent, set aside before a question is asked."""

__all__ = ["TokenBudget"]


class TokenBudget:
    """Never waits, and never lets more be under way than is left; what an answer really cost is known after it."""

    def __init__(self, tokens: int) -> None:
        self.spent = 0
        self._limit = tokens
        self._set_aside = 0

    def set_aside(self, tokens: int) -> bool:
        """Whether so many are left for a question. If so they are kept for it until `settle`."""
        if self.spent + self._set_aside + tokens > self._limit:
            return False
        self._set_aside += tokens
        return True

    def settle(self, set_aside: int, spent: int) -> None:
        """What was set aside for a question is free again, and this is what it cost."""
        self._set_aside -= set_aside
        self.spent += spent

    def __repr__(self) -> str:
        return f"<TokenBudget {self.spent} of {self._limit} spent>"
