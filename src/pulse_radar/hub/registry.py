"""Who is live on a topic: on the whole of it, or on one of its keys."""

__all__ = ["Registry"]


class Registry:
    """The live connections of one topic.

    Cost: reading the group of a topic is O(1) until its membership changes.
    """

    def __init__(self) -> None:
        self._whole: dict[str, None] = {}
        self._keyed: dict[str, dict[str, None]] = {}
        # The members as a tuple, made when it is next asked for.
        self._group: tuple[str, ...] | None = None

    def add(self, connection_id: str, key: str | None) -> None:
        if key is None:
            self._whole[connection_id] = None
            self._group = None
        else:
            self._keyed.setdefault(key, {})[connection_id] = None

    def discard(self, connection_id: str, key: str | None) -> None:
        if key is None:
            self._whole.pop(connection_id, None)
            self._group = None
        elif key in self._keyed:
            self._keyed[key].pop(connection_id, None)
            if not self._keyed[key]:
                del self._keyed[key]

    @property
    def whole(self) -> tuple[str, ...]:
        """The connections that follow the whole topic."""
        if self._group is None:
            self._group = tuple(self._whole)
        return self._group

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that somebody follows."""
        return tuple(self._keyed)

    def of_key(self, key: str) -> tuple[str, ...]:
        """The connections that follow this key alone."""
        return tuple(self._keyed.get(key, ()))

    def __len__(self) -> int:
        return len(self._whole) + sum(map(len, self._keyed.values()))
