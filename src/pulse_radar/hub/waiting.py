"""Who waits for this process to be as far as they are, and whether the broker itself was ever so far."""

import math
from typing import Final

from pulse_radar.hub.actions import Measure
from pulse_radar.hub.context import RETRY_SECONDS, Context
from pulse_radar.hub.subscription import Subscription
from pulse_radar.stream.entry import Extent

__all__ = ["Waiting"]

# So many answers must agree that a cursor is ahead of the broker itself: a deposed leader
# of a cluster may answer once with old numbers.
_DISPROOFS_NEEDED: Final = 3


class Waiting:
    """The subscriptions of one topic whose cursor this process has not reached, in the order of coming.

    However many come, the topic is measured once in a pause: only answers that lie apart agree.
    """

    def __init__(self, topic: str, context: Context) -> None:
        self._topic = topic
        self._context = context
        self._members: dict[Subscription, None] = {}
        # Those who waited when the broker was last asked how far it reaches; None: it is not being asked.
        self._suspects: tuple[Subscription, ...] | None = None
        # What is being asked for was overtaken by a reset.
        self._is_void = False
        # An answer is needed although nobody waits.
        self._is_wanted = False
        # When it last answered, and until when it is left in peace.
        self._measured_at = -math.inf
        self._planned_for = -math.inf

    @property
    def members(self) -> tuple[Subscription, ...]:
        return tuple(self._members)

    def add(self, subscription: Subscription) -> None:
        """It waits from now on, and the broker is asked."""
        self._members[subscription] = None
        self.ask()

    def discard(self, subscription: Subscription) -> None:
        self._members.pop(subscription, None)

    def ask(self) -> None:
        """Ask the broker how far it reaches, if that is needed, and not too soon after the last time."""
        if self._suspects is not None or not (self._members or self._is_wanted):
            return
        due = self._measured_at + RETRY_SECONDS
        if self._context.now >= due:
            self._suspects = self.members
            self._context.agenda.put(Measure(self._topic))
        elif self._planned_for < due:
            self._planned_for = due
            self._context.deadlines.set(due, self._topic)

    def ask_anew(self) -> None:
        """The topic began anew: what was asked before tells nothing, and there must be an answer."""
        self._is_void = self._suspects is not None
        self._is_wanted = True
        self.ask()

    def answered(self, extent: Extent | None) -> tuple[Extent | None, tuple[Subscription, ...]]:
        """What the answer is worth, and those of whom it proves that their cursor was never given out.

        They wait no longer. None: the broker could not answer, or what it says is void.
        """
        suspects, self._suspects = self._suspects or (), None
        is_void, self._is_void = self._is_void, False
        self._measured_at = self._context.now
        if extent is None or is_void:
            return None, ()
        self._is_wanted = False
        disproved = tuple(s for s in suspects if s in self._members and _is_disproved(s, extent))
        for subscription in disproved:
            self.discard(subscription)
        return extent, disproved

    def __contains__(self, subscription: Subscription) -> bool:
        return subscription in self._members

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"<Waiting for {self._topic}: {len(self._members)} subscriptions>"


def _is_disproved(subscription: Subscription, extent: Extent) -> bool:
    subscription.disproofs = subscription.disproofs + 1 if subscription.cursor > extent.last else 0
    return subscription.disproofs >= _DISPROOFS_NEEDED
