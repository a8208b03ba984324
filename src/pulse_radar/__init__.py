"""Live updates for FastAPI: publish an event anywhere, see it once and in order in every browser."""

__version__ = "0.1.0"
