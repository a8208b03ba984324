"""Who waits for this process to be as far as they are, and whether the broker itself was ever so far."""

import math
from typing import Final

from pulse_radar.hub.actions import Measure
from pulse_radar.hub.context import RETRY_SECONDS, Context
from pulse_radar.hub.subscription import Subscription
from pulse_radar.stream.entry import Extent

__all__ = ["Doubts"]

# So many answers must agree that a cursor is ahead of the broker itself: a deposed leader
# of a cluster may answer once with old numbers.
_DISPROOFS_NEEDED: Final = 3


class Doubts:
    """The subscriptions of one topic whose cursor this process has not reached, in the order of coming.

    However many come, the topic is measured once in a pause: only answers that lie apart agree.
    """

    def __init__(self, topic: str, context: Context) -> None:
        self._topic = topic
        self._context = context
        self._waiting: dict[Subscription, None] = {}
        # Those who waited when the broker was last asked how far it reaches; None: it is not being asked.
        self._suspects: tuple[Subscription, ...] | None = None
        # It is to be asked although nobody waits.
        self._is_wanted = False
        # When it last answered, and until when it is left in peace.
        self._measured_at = -math.inf
        self._planned_for = -math.inf

    @property
    def is_asking(self) -> bool:
        """Whether an answer of the broker is under way."""
        return self._suspects is not None

    @property
    def waiting(self) -> tuple[Subscription, ...]:
        return tuple(self._waiting)

    def add(self, subscription: Subscription) -> None:
        """It waits from now on, and the broker is asked."""
        self._waiting[subscription] = None
        self.ask()

    def discard(self, subscription: Subscription) -> None:
        self._waiting.pop(subscription, None)

    def want(self) -> None:
        """Ask until there is an answer, though nobody waits."""
        self._is_wanted = True
        self.ask()

    def ask(self) -> None:
        """Ask the broker how far it reaches, if somebody waits, and not too soon after the last time."""
        if self.is_asking or not (self._waiting or self._is_wanted):
            return
        due = self._measured_at + RETRY_SECONDS
        if self._context.now >= due:
            self._suspects = self.waiting
            self._context.agenda.put(Measure(self._topic))
        elif self._planned_for < due:
            self._planned_for = due
            self._context.deadlines.set(due, self._topic)

    def answered(self, extent: Extent | None) -> tuple[Subscription, ...]:
        """Those of whom it is proven now that their cursor was never given out; they wait no longer."""
        suspects, self._suspects = self._suspects or (), None
        self._measured_at = self._context.now
        if extent is None:
            return ()
        self._is_wanted = False
        disproved = tuple(s for s in suspects if s in self._waiting and _is_disproved(s, extent))
        for subscription in disproved:
            self.discard(subscription)
        return disproved

    def __contains__(self, subscription: Subscription) -> bool:
        return subscription in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)


def _is_disproved(subscription: Subscription, extent: Extent) -> bool:
    subscription.disproofs = subscription.disproofs + 1 if subscription.cursor > extent.last else 0
    return subscription.disproofs >= _DISPROOFS_NEEDED
