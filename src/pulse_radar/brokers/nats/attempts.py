"""What became of an event whose acknowledgement was lost: stored, not stored, or nobody can say.

The server knows an id again for its duplicate window, which is at most the topic's age, and forgets at a restart those
of events that it keeps no more. Of a state topic that is all that was superseded, so there it is always looked first;
of a log what its bounds took.
Not to find an event proves that it was not stored only where nothing is missing that it could be.
"""

from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.nats.history import History
from pulse_radar.brokers.nats.messages import event_id_of, sequence_of
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.stream_view import StreamView
from pulse_radar.errors import OutcomeUnknown

__all__ = ["Attempts"]


class Attempts:
    """Looks for events in streams. Raises everywhere: BrokerUnavailable, TopicMissing, NotPermitted."""

    def __init__(self, history: History, naming: Naming) -> None:
        self._history = history
        self._naming = naming

    async def are_recognised(self, topic: str, after: int, age_seconds: float) -> bool:
        """Whether one of this age is known again for certain; half of the window is for its way to the server.

        It is kept then, if it was stored: so a server that was restarted knows it as well.
        """
        # Asked anew: who declares the topic may have changed it.
        view = await self._history.view(topic)
        is_in_time = not view.sight.is_state and age_seconds <= view.duplicate_window_seconds / 2
        return is_in_time and (view.keeps_all_behind(after) or view.keeps_all_of(age_seconds))

    async def find(self, draft: Draft, after: int, age_seconds: float) -> int | None:
        """Its number if it is stored, None if it is not.

        Raises: OutcomeUnknown. Cost: of a log, reads what is kept after the position.
        """
        view = await self._history.view(draft.topic)
        if view.sight.is_state:
            return await self._find_value(draft, after, age_seconds, view)
        return await self._find_in_log(draft, after, view)

    async def _find_in_log(self, draft: Draft, after: int, view: StreamView) -> int | None:
        extent = view.sight.extent
        # Where no position was known, of a stream that was never trimmed nothing is missing.
        reached = after or extent.origin - 1
        async for message in self._history.messages(draft.topic, max(reached, extent.first - 1), extent.last):
            sequence = sequence_of(message)
            if event_id_of(message) == draft.id:
                return sequence
            if sequence == reached + 1:
                reached = sequence
        if reached < extent.last:
            raise _unknown(draft, "be no longer kept: published again it may be told twice")
        return None

    async def _find_value(self, draft: Draft, after: int, age_seconds: float, view: StreamView) -> int | None:
        """The newest of its key is it, or is older than it, or may have superseded it."""
        subject = self._naming.subject(draft.topic, draft.key)
        newest = await self._history.next_of(draft.topic, subject, 0)
        if newest is None:
            # Stored, it or what superseded it would be there as a deletion at least.
            if age_seconds < view.deletions_kept_seconds or view.sight.extent.last <= after:
                return None
            raise _unknown(draft, "be deleted and forgotten")
        if event_id_of(newest) == draft.id:
            return sequence_of(newest)
        if sequence_of(newest) <= after:
            return None
        raise _unknown(
            draft, f"be superseded by {sequence_of(newest)}: look at that before you publish again"
        )


def _unknown(draft: Draft, fate: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        draft.id, f"{draft.topic}/{draft.name} was not acknowledged: it may have been stored, and {fate}"
    )
