"""Spans and a histogram by the API of OpenTelemetry. Whose provider does something with them, the app says.

The names are those of its semantic conventions for messaging. Of W3C Trace Context `traceparent` alone travels.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pulse_radar.histogram import LAG_SECONDS

__all__ = ["delivered", "is_on", "measured", "publishing", "resumed", "traceparent_here"]

_NAME: Final = "pulse_radar"
_TRACEPARENT: Final = "traceparent"

# Both do nothing until a provider is set, also if that is later.
_tracer: Final = trace.get_tracer(_NAME, version("pulse-radar"))
_meter: Final = metrics.get_meter(_NAME, version("pulse-radar"))

_lag: Final = _meter.create_histogram(
    "pulse.delivery.lag",
    unit="s",
    description="From publish until an event was handed to the connections of a process.",
    explicit_bucket_boundaries_advisory=LAG_SECONDS,
)
_propagator: Final = TraceContextTextMapPropagator()


def is_on() -> bool:
    """Whether somebody takes spans. Cost: a few microseconds; ask once for many events."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def traceparent_here() -> str | None:
    """The trace in whose midst this is called, None where there is none."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(_TRACEPARENT)


def resumed(traceparent: str | None) -> AbstractContextManager[object]:
    """Within this block that trace goes on."""
    if traceparent is None:
        return nullcontext()
    return trace.use_span(trace.get_current_span(_context_of(traceparent)))


def publishing(
    topic: str, key: str | None, event_id: str, traceparent: str | None
) -> AbstractContextManager[str | None]:
    """A span of a publish within a trace, or of a new one; enters what is to travel with the event."""
    return _publishing(topic, key, event_id, traceparent) if is_on() else nullcontext(traceparent)


@contextmanager
def _publishing(topic: str, key: str | None, event_id: str, traceparent: str | None) -> Iterator[str | None]:
    attributes = _attributes("send", topic, key) | {"messaging.message.id": event_id}
    span = _tracer.start_span(f"send {topic}", _context_of(traceparent), trace.SpanKind.PRODUCER, attributes)
    with trace.use_span(span, end_on_exit=True):
        yield traceparent_here()


def delivered(
    topic: str, key: str | None, sequence: int, size: int, *, traceparent: str, began_ns: int, ended_ns: int
) -> None:
    """A span of handing an event to all connections of this process. Units: nanoseconds since 1970, bytes."""
    attributes = _attributes("process", topic, key)
    attributes |= {"messaging.message.body.size": size, "pulse.sequence": sequence}
    span = _tracer.start_span(
        f"process {topic}",
        _context_of(traceparent),
        trace.SpanKind.CONSUMER,
        attributes,
        start_time=began_ns,
    )
    span.end(ended_ns)


def measured(topic: str, lag_seconds: float) -> None:
    """So long ago an event was published that was handed on just now."""
    _lag.record(lag_seconds, {"messaging.destination.name": topic})


def _context_of(traceparent: str | None) -> Context:
    carrier = {} if traceparent is None else {_TRACEPARENT: traceparent}
    # Not in the context of whoever runs this: a queue's loop, the tail of a topic.
    return _propagator.extract(carrier, Context())


def _attributes(operation: str, topic: str, key: str | None) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "messaging.system": _NAME,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
    }
    return attributes if key is None else attributes | {"pulse.key": key}
