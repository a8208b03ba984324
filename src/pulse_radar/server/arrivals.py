"""How long events were on their way when they were handed to the connections, and the spans that say so."""

import time
from collections.abc import Iterable
from typing import Final

from pulse_radar.histogram import LAG_SECONDS, Histogram, HistogramStats
from pulse_radar.stream.entry import Entry, StoredEvent
from pulse_radar.tracing import delivered, is_on, measured

__all__ = ["Arrivals"]

# A publisher may say that it is from any time; one day is as late as any other.
_LONGEST_MS: Final = 24 * 3600 * 1000


class Arrivals:
    """What was handed on of one topic. Lags are by two clocks: of the publisher's machine and of ours."""

    def __init__(self, topic: str, *, head: int) -> None:
        """`head`: what is not behind this position was there before this process, and says nothing of it."""
        self._topic = topic
        self._head = head
        self._lags = Histogram(LAG_SECONDS)

    def handed_on(self, entries: Iterable[Entry], began_ns: int) -> None:
        """These were told between `began_ns` and now. Units: nanoseconds since 1970."""
        now_ns = time.time_ns()
        traced: list[StoredEvent] = []
        for entry in entries:
            if not isinstance(entry, StoredEvent) or entry.sequence <= self._head:
                continue
            if entry.timestamp_ms is not None:
                self._measure(now_ns // 1_000_000 - entry.timestamp_ms)
            if entry.traceparent is not None:
                traced.append(entry)
        if traced and is_on():
            for event in traced:
                self._trace(event, began_ns, now_ns)

    def stats(self) -> HistogramStats:
        return self._lags.stats()

    def __repr__(self) -> str:
        return f"<Arrivals of {self._topic}: {self._lags!r}>"

    def _trace(self, event: StoredEvent, began_ns: int, ended_ns: int) -> None:
        assert event.traceparent is not None
        delivered(
            self._topic,
            event.key,
            event.sequence,
            len(event.text),
            traceparent=event.traceparent,
            began_ns=began_ns,
            ended_ns=ended_ns,
        )

    def _measure(self, lag_ms: int) -> None:
        # Clocks differ: what has not been published yet was published now.
        seconds = min(max(lag_ms, 0), _LONGEST_MS) / 1000
        self._lags.observe(seconds)
        measured(self._topic, seconds)
