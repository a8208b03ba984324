"""A chat while it is being written: who is there, what time it is, which messages there are."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Final

from pulse_radar.testing.telegram_exports.language import Language, Person
from pulse_radar.testing.telegram_exports.speech import JsonObject, Part

__all__ = ["Scene", "local_time", "say"]

# The computer that exports is not in UTC: an export's local times and its seconds since 1970 differ.
_ZONE: Final = timezone(timedelta(hours=2))

_START: Final = datetime(2024, 3, 4, 7, 30, tzinfo=UTC)


def local_time(moment: datetime) -> str:
    return moment.astimezone(_ZONE).strftime("%Y-%m-%dT%H:%M:%S")


def say(*parts: Part) -> JsonObject:
    """`text` and `text_entities` of a message, as Telegram Desktop writes the same thing twice."""
    plain = all(isinstance(part, str) for part in parts)
    text: object = "".join(str(part) for part in parts) if plain else list(parts)
    return {
        "text": text,
        "text_entities": [
            {"type": "plain", "text": part} if isinstance(part, str) else part for part in parts if part
        ],
    }


class Scene:
    """What a message may refer to, and the next id and time."""

    def __init__(self, language: Language, random: Random, *, first_id: int = 1) -> None:
        self.language = language
        self.random = random
        self.now = _START + timedelta(minutes=random.randrange(2000))
        self._next_id = first_id
        self._ids: list[int] = []  # of the last hundred messages

    def advance(self, *, to_id: int | None = None) -> JsonObject:
        """Time goes by: the frame of the next message, its id and when it is sent."""
        self.now += timedelta(seconds=self.random.choice((7, 19, 44, 95, 260, 1300, 9200)))
        message_id = self._next_id if to_id is None else to_id
        self._next_id = message_id + self.random.choice((1, 1, 1, 2))  # deleted messages leave holes
        self._ids = [*self._ids[-99:], message_id]
        return {"id": message_id, "type": "message", **self.times("date", self.now)}

    def times(self, name: str, moment: datetime) -> JsonObject:
        return {name: local_time(moment), f"{name}_unixtime": str(int(moment.timestamp()))}

    def person(self) -> Person:
        return self.random.choice(self.language.people)

    def earlier(self) -> int:
        """The id of a message that is there."""
        return self.random.choice(self._ids)

    def sent_by(self, person: Person) -> JsonObject:
        return {"from": person.name, "from_id": person.peer}

    def claim(self) -> str:
        """Something to say."""
        fact = self.random.choice(self.random.choice(self.language.subjects).facts)
        return f"{fact[0].upper()}{fact[1:]}."

    def post(self, *parts: Part, **keys: object) -> JsonObject:
        """A message of somebody."""
        return {**self.sent_by(self.person()), **keys, **say(*parts)}

    def service(self, action: str, **keys: object) -> JsonObject:
        """A service message: somebody did something."""
        actor = self.person()
        done_by: JsonObject = {"actor": actor.name, "actor_id": actor.peer}
        return {"type": "service", **done_by, "action": action, **keys, **say()}

    def names(self, count: int) -> Sequence[str | None]:
        """Some members; the last of them has deleted the account."""
        return [*(self.person().name for _ in range(count - 1)), None]
