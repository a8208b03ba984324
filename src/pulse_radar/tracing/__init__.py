"""Traces by OpenTelemetry: an event carries the trace of whoever published it to where it is delivered.

Where its API is not installed, nothing of this does anything; where it is and no provider is set, events only hand on
the trace in which they were published. `publish` is a span of a producer, its delivery by each process one of a
consumer.
"""

try:
    from pulse_radar.tracing.opentelemetry import (
        delivered,
        is_on,
        measured,
        publishing,
        resumed,
        traceparent_here,
    )
except ModuleNotFoundError:
    from pulse_radar.tracing.nothing import delivered, is_on, measured, publishing, resumed, traceparent_here

__all__ = ["delivered", "is_on", "measured", "publishing", "resumed", "traceparent_here"]
