"""docs/OPERATIONS.md has every setting as it is: python scripts/settings_table.py writes it anew."""

import runpy
from pathlib import Path

from pulse_radar import Settings

SCRIPT = Path(__file__).parents[1] / "scripts" / "settings_table.py"


def test_the_table_of_settings_is_current() -> None:
    script = runpy.run_path(str(SCRIPT))
    page = script["PAGE"].read_text()
    assert script["written"](page) == page, f"run python {SCRIPT.name}"
    for name in Settings.model_fields:
        assert f"| `PULSE_{name.upper()}` |" in page
