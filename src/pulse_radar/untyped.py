"""What is published by name and data on a topic of typed events, compared with them: a word of warning, once each."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pydantic import ValidationError

from pulse_radar.brokers.base import Draft
from pulse_radar.events import Event

__all__ = ["Untyped"]

_log: Final = logging.getLogger("pulse_radar")

# Names come from outside, too. Who has read so many warnings reads no more.
_MOST_TOLD: Final = 256

_MOST_FAULTS: Final = 3


class Untyped:
    """Warns of names that no typed event of their topic has, and of data that their event's class refuses.

    It refuses nothing itself: while versions roll over, another process may declare more than this one.
    Cost: nothing on topics that have no typed events when this is made; else one validation each time.
    """

    def __init__(self, events: Callable[[], Mapping[str, Sequence[type[Event]]]]) -> None:
        """`events` answers the typed events by topic: of one that has some, more may be imported later."""
        self._events = events
        self._typed = {topic for topic, models in events().items() if models}
        self._told: set[tuple[str, str]] = set()

    def heed(self, draft: Draft) -> None:
        """Warn, if there is something to say of it that was not said of its topic and name."""
        known = (draft.topic, draft.name)
        if draft.topic not in self._typed or draft.is_deletion or known in self._told:
            return
        fault = _fault(draft, self._events()[draft.topic])
        if fault is not None and len(self._told) < _MOST_TOLD:
            self._told.add(known)
            _log.warning("published all the same, and said once: %s", fault)


def _fault(draft: Draft, models: Sequence[type[Event]]) -> str | None:
    named = [model for model in models if draft.name == model.NAME]
    if not named:
        names = ", ".join(model.NAME for model in models)
        return f"{draft.name!r} is no typed event of {draft.topic!r}, which has {names}"
    faults = [_refusal(model, draft.data) for model in named]
    if None in faults:
        return None
    return f"the data of {draft.name!r} on {draft.topic!r} is not what {named[0].__name__} says: {faults[0]}"


def _refusal(model: type[Event], data: bytes) -> str | None:
    if any(field.validation_alias is not None for field in model.model_fields.values()):
        # It may be sent under one name and be read under another.
        return None
    try:
        model.model_validate_json(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(
            f"{'.'.join(map(str, fault['loc']))!r}: {fault['msg']}" for fault in faults[:_MOST_FAULTS]
        )
    except Exception as error:  # noqa: BLE001 (a validator of the app's own: whatever it raises)
        return type(error).__name__
    return None
