"""Writes the table of settings into docs/OPERATIONS.md, from the settings: python scripts/settings_table.py."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pulse_radar.radar.settings import RadarSettings
from pulse_radar.settings import CommandSettings, EnvironmentSettings, Settings

PAGE: Final = Path(__file__).parents[1] / "docs" / "OPERATIONS.md"

_BEGIN: Final = "<!-- settings: python scripts/settings_table.py -->\n"
_END: Final = "<!-- end of settings -->\n"

_TABLES: Final[dict[str, type[EnvironmentSettings]]] = {
    "Of every process": Settings,
    "Of the command line": CommandSettings,
    "Of the Pulse Radar application": RadarSettings,
}


def written(page: str) -> str:
    """The page with the tables as they are now."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    tables = "\n".join(_table(title, settings) for title, settings in _TABLES.items())
    return f"{before}{_BEGIN}\n{tables}\n{_END}{after}"


def _table(title: str, settings: type[EnvironmentSettings]) -> str:
    rows = [_row(name, field) for name, field in settings.model_fields.items()]
    return "\n".join([f"**{title}**\n", "| variable | default | what it is |", "|---|---|---|", *rows, ""])


def _row(name: str, field: FieldInfo) -> str:
    bounds = "; ".join(_bounds(field.metadata))
    said = f"{field.description} ({bounds})" if bounds else str(field.description)
    cells = (f"`PULSE_{name.upper()}`", _default(field.default), said)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(value: object) -> str:
    match value:
        case None | "" | ():
            return ""
        case tuple():
            return f"`{','.join(map(str, value))}`"
        case bool():
            return f"`{int(value)}`"
        case _:
            assert value is not PydanticUndefined, "every setting has a default"
            return f"`{value}`"


def _bounds(metadata: Sequence[object]) -> Iterator[str]:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    for constraint in metadata:
        for name, word in words.items():
            bound = getattr(constraint, name, None)
            if bound is not None:
                yield f"{word} {bound:,}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
