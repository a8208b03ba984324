"""A bound of a topic that gets narrower deletes what was kept: it waits for somebody to say so, a start only widens."""

import logging
import math
from collections.abc import Mapping
from typing import Final

from pulse_radar.brokers.topic_spec import TopicSpec

__all__ = ["narrowed"]

_log: Final = logging.getLogger(__name__)

# What a bound is called where the topic is declared, and in what it is counted.
_WORDS: Final = {
    "retain": ("retain", ""),
    "max_keys": ("max_keys", ""),
    "max_age_seconds": ("max_age", " s"),
    "ttl_seconds": ("ttl", " s"),
    "max_bytes": ("max_bytes", " bytes"),
}


def narrowed(declared: TopicSpec, kept: Mapping[str, float | None]) -> list[str]:
    """The bounds that this declaration makes narrower than they are kept now (None: no bound). Warns of each."""
    fields = [field for field in kept if _size(kept[field]) > _size(getattr(declared, field))]
    for field in fields:
        word, unit = _WORDS[field]
        _log.warning(
            "topic %r is declared with %s %s and kept with %s: it stays so, since to narrow it deletes events; "
            "`pulse-radar topics apply` does it",
            *(declared.name, word, _text(getattr(declared, field), unit), _text(kept[field], unit)),
        )
    return fields


def _size(bound: float | None) -> float:
    return math.inf if bound is None else bound


def _text(bound: float | None, unit: str) -> str:
    return "none" if bound is None else f"{bound:,.16g}{unit}"
