"""How hard Hypothesis tries: quick in `make test`, long in `make slow`."""

import os

from hypothesis import HealthCheck, settings

# Without a deadline: a shared machine pauses whenever it likes.
settings.register_profile("quick", max_examples=40, deadline=None, derandomize=True)
settings.register_profile(
    "slow", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
