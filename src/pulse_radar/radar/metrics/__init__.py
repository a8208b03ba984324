"""Metrics: what each process of the application and its host use, and what its live layer does, once a second."""

from pulse_radar.radar.metrics.events import MetricsSampled
from pulse_radar.radar.metrics.reporting import report_metrics, report_of_worker

__all__ = ["MetricsSampled", "report_metrics", "report_of_worker"]
