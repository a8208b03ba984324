"""The figures of a process as Prometheus reads them: counted by whoever does the work, read when somebody scrapes.

Each process speaks for itself; sums over processes are Prometheus's.

    settings: PULSE_METRICS_TOKEN=…         GET /metrics for whoever shows it, or may `admin` all topics
    REGISTRY.register(PulseCollector(pulse))  or the same figures at an endpoint that the app has already
"""

from pulse_radar.errors import InvalidSetting

try:
    from pulse_radar.prometheus.collector import PulseCollector, scraper
except ModuleNotFoundError as error:
    raise InvalidSetting(
        f'metrics for Prometheus need their extra ({error}): pip install "pulse-radar[prometheus]"'
    ) from error

__all__ = ["PulseCollector", "scraper"]
