"""The dashboard is compiled against the events as they are."""

from pathlib import Path

from pulse_radar.catalogue.typescript import to_typescript
from pulse_radar.cli.declared_by import declared_by

APP = "pulse_radar.radar.app:create_app"
FILE = "web/dashboard/src/events.ts"


def test_the_types_are_those_of_python() -> None:
    written = Path(FILE).read_text(encoding="utf-8")
    assert written == to_typescript(declared_by(APP), APP), f"pulse-radar codegen {APP} -o {FILE}"
