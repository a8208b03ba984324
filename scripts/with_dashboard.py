"""Puts the built dashboard into the wheel, so that whoever installs it needs no Node."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WithDashboard(BuildHookInterface[Any]):
    """A checkout that is installed in place serves what it last built, and needs nothing here."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        built = Path(self.root) / "web" / "dashboard" / "dist"
        if not (built / "index.html").is_file():
            self.app.display_warning("without the dashboard: `make web/dashboard/dist/.built` builds it")
        for file in built.rglob("*"):
            if file.is_file() and not file.name.startswith("."):
                build_data["force_include"][str(file)] = f"pulse_radar/radar/page/{file.relative_to(built)}"
