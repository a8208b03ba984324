"""A draft as it is kept, by a log and by a state alike."""

import msgspec

from pulse_radar.brokers.base import Draft
from pulse_radar.protocol.codec import EventBody, encode_event
from pulse_radar.stream.entry import StoredEvent

__all__ = ["stored"]


def stored(draft: Draft, sequence: int, *, shows_traceparent: bool) -> StoredEvent:
    """The event that this draft becomes at this position. `shows_traceparent`: to clients, too."""
    text = encode_event(
        draft.topic,
        sequence,
        EventBody(draft.name, msgspec.Raw(draft.data), draft.timestamp_ms),
        key=draft.key,
        event_id=draft.id,
        deleted=draft.is_deletion,
        traceparent=draft.traceparent if shows_traceparent else None,
    )
    return StoredEvent(sequence, draft.key, text, draft.is_deletion, draft.timestamp_ms, draft.traceparent)
