"""Somebody who was let in: who it is, until when, and what of it is known that they may do."""

import math

import msgspec

from pulse_radar.auth.rights import Rights
from pulse_radar.errors import InvalidSetting

__all__ = ["Principal", "are_the_same"]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """What `authenticate` answers, where there is more to say than an object of the app's own.

    Units: `expires_at` seconds since 1970, None for never. Then its connections close with 4101, unless renewed.
    Raises: InvalidSetting.
    `rights` are asked where the app has no `authorize`; None: it may read everything, and nothing else.
    """

    subject: str
    expires_at: float | None = None
    rights: Rights | None = None

    def __post_init__(self) -> None:
        subject: object = self.subject
        if not isinstance(subject, str) or not subject:
            # None of a row that was not found, say: all of those would be one person.
            raise InvalidSetting("subject of a principal is the text that names it")
        if self.expires_at is not None and not math.isfinite(self.expires_at):
            raise InvalidSetting(
                "expires_at of a principal is a number of seconds since 1970, or None for never"
            )


def are_the_same(one: object, other: object) -> bool:
    """Whether both are the same somebody, whatever they may do and for how long."""
    if isinstance(one, Principal) and isinstance(other, Principal):
        return one.subject == other.subject
    return one == other
