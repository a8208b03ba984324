"""Messages with the kinds of atoms that a person found in them: what to train on, and what to judge by."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from pulse_radar.radar.events import AtomKind
from pulse_radar.radar.telegram import Chat, Kind, TelegramMessage

__all__ = ["LANGUAGES", "Labelled", "Part", "labelled"]

LANGUAGES: Final = ("en", "ru", "fa")

Part = Literal["development", "held_out"]

_FOLDER: Final = Path(__file__).parents[2] / "tests" / "radar" / "knowledge" / "labelled"


class Labelled(msgspec.Struct, frozen=True):
    """A message and what is in it."""

    text: str
    kinds: frozenset[AtomKind]

    @property
    def message(self) -> TelegramMessage:
        return TelegramMessage(
            chat=Chat(1), id=1, kind=Kind.MESSAGE, date=datetime(2024, 3, 4, tzinfo=UTC), text=self.text
        )


def labelled(language: str, part: Part) -> list[Labelled]:
    """The messages of a language; those held out are not to be looked at while anything is tuned."""
    lines = (_FOLDER / f"{language}.{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [msgspec.json.decode(line, type=Labelled) for line in lines]
