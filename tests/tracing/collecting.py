"""What a process of a test has traced: an SDK with an exporter in memory, and its spans as plain values."""

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

__all__ = ["Span", "lags", "spans", "start"]

# kind, name, trace, id, parent, and the attributes as they are.
Span = dict[str, object]

_exporter = InMemorySpanExporter()
_reader = InMemoryMetricReader()


def start() -> trace.Tracer:
    """Set the providers of this process, and return a tracer of the application's own."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(_exporter))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([_reader]))
    return trace.get_tracer("app")


def spans() -> list[Span]:
    return [_plain(span) for span in _exporter.get_finished_spans()]


def lags() -> dict[str, int]:
    """Of each topic how many lags were measured."""
    told = _reader.get_metrics_data()
    points = [
        point
        for resource in (told.resource_metrics if told else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "pulse.delivery.lag"
        for point in metric.data.data_points
        if isinstance(point, HistogramDataPoint)
    ]
    return {str((point.attributes or {})["messaging.destination.name"]): point.count for point in points}


def _plain(span: ReadableSpan) -> Span:
    context = span.get_span_context()
    assert context is not None
    return {
        "kind": span.kind.name,
        "name": span.name,
        "trace": trace.format_trace_id(context.trace_id),
        "id": trace.format_span_id(context.span_id),
        "parent": None if span.parent is None else trace.format_span_id(span.parent.span_id),
        "attributes": dict(span.attributes or {}),
        "failed": span.status.status_code.name == "ERROR",
    }
