import pytest

# The suite's asserts live outside the test modules, and should fail as eloquently as theirs.
pytest.register_assert_rewrite("pulse_radar.testing.broker_contract")
