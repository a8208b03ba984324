"""How long the storms blow."""

import pytest


@pytest.fixture
def storm_seconds(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("storm_seconds"))
