"""Extraction by a provider: any endpoint that speaks OpenAI's chat completions with JSON schemas."""

from pulse_radar.radar.knowledge.provider.access import ProviderAccess, ProviderLimits
from pulse_radar.radar.knowledge.provider.budget import TokenBudget
from pulse_radar.radar.knowledge.provider.extractor import (
    Extraction,
    Fallback,
    ProviderExtractor,
    open_provider,
)

__all__ = [
    "Extraction",
    "Fallback",
    "ProviderAccess",
    "ProviderExtractor",
    "ProviderLimits",
    "TokenBudget",
    "open_provider",
]
