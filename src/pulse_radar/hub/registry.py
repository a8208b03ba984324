"""Who is live on a topic: on the whole of it, or on one of its keys."""

__all__ = ["Registry"]


class Registry:
    """The live connections of one topic.

    A group is the same tuple for as long as its members are: whoever finds something out about it may keep that.
    Cost: reading the group of a topic or of a key is O(1) until its membership changes.
    """

    def __init__(self) -> None:
        # By the key that they follow; None: the whole topic.
        self._members: dict[str | None, dict[str, None]] = {}
        # The members as a tuple, made when it is next asked for.
        self._groups: dict[str | None, tuple[str, ...]] = {}

    def add(self, connection_id: str, key: str | None) -> None:
        self._members.setdefault(key, {})[connection_id] = None
        self._groups.pop(key, None)

    def discard(self, connection_id: str, key: str | None) -> None:
        members = self._members.get(key, {})
        members.pop(connection_id, None)
        if not members:
            self._members.pop(key, None)
        self._groups.pop(key, None)

    @property
    def whole(self) -> tuple[str, ...]:
        """The connections that follow the whole topic."""
        return self._group(None)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that somebody follows."""
        return tuple(key for key in self._members if key is not None)

    def of_key(self, key: str) -> tuple[str, ...]:
        """The connections that follow this key alone."""
        return self._group(key)

    def __len__(self) -> int:
        return sum(map(len, self._members.values()))

    def __repr__(self) -> str:
        return f"<Registry of {len(self)} connections, {len(self._members)} feeds>"

    def _group(self, key: str | None) -> tuple[str, ...]:
        group = self._groups.get(key)
        if group is not None:
            return group
        members = self._members.get(key)
        if members is None:
            return ()
        group = self._groups[key] = tuple(members)
        return group
