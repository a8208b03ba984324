"""The chats of an account, and the messages of each: a conversation with every odd shape strewn in."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice
from random import Random
from typing import Final, Self

from pulse_radar.testing.telegram_exports.english import ENGLISH
from pulse_radar.testing.telegram_exports.language import Language, Person
from pulse_radar.testing.telegram_exports.media_shapes import MEDIA_SHAPES, Shape
from pulse_radar.testing.telegram_exports.message_shapes import MESSAGE_SHAPES, POST_SHAPES
from pulse_radar.testing.telegram_exports.persian import PERSIAN
from pulse_radar.testing.telegram_exports.russian import RUSSIAN
from pulse_radar.testing.telegram_exports.scene import Scene, say
from pulse_radar.testing.telegram_exports.service_shapes import (
    CHANNEL_SERVICES,
    GROUP_SERVICES,
    PRIVATE_SERVICES,
)
from pulse_radar.testing.telegram_exports.speech import JsonObject, Line, conversation

__all__ = ["ACCOUNT", "LEFT", "TEAM", "ChatPlan", "messages_of", "shares"]

# Every so many messages there is one of the odd shapes, in turn: all of them within some 300 messages.
_ODD_EVERY: Final = 5

# Odd, so that no two of so many seeds have the same chats: an export of another seed adds messages, and repeats none.
_STRIDE: Final = 0x9E3779B97F
_ID_SPACE: Final = 2**40

# Where Telegram Desktop puts the ids of the group that a supergroup grew out of.
_MIGRATED: Final = -1_000_000_000


@dataclass(frozen=True, slots=True)
class ChatPlan:
    """A chat to write. `weight` is its share of the messages; `people` speak instead of the whole team."""

    id: int
    kind: str
    name: str | None
    languages: tuple[Language, ...]
    shapes: tuple[Shape, ...]
    weight: int
    people: tuple[Person, ...] = ()
    was_group: bool = False

    @property
    def spoken(self) -> tuple[Language, ...]:
        """The languages, by those who are in the chat."""
        return tuple(replace(one, people=self.people or one.people) for one in self.languages)

    def of_seed(self, seed: int) -> Self:
        """This chat as that seed has it: seed 0 has the id above, each other one an id of its own."""
        return replace(self, id=self.id + seed * _STRIDE % _ID_SPACE)

    def about(self) -> JsonObject:
        name: JsonObject = {} if self.kind == "saved_messages" else {"name": self.name}
        return {**name, "type": self.kind, "id": self.id}


_OWNER: Final = Person(5120400000, "Sam Reed", "samreed")
_MARYAM: Final = PERSIAN.people[0]
_DELETED: Final = Person(390112233, None, "somebody")
_CHANNEL: Final = Person(1403127711, "Release notes", "release_notes", kind="channel")

_EVERYTHING: Final = (*GROUP_SERVICES, *MEDIA_SHAPES, *MESSAGE_SHAPES)
_PRIVATE: Final = (*PRIVATE_SERVICES, *MEDIA_SHAPES)
_POSTS: Final = (*POST_SHAPES, *CHANNEL_SERVICES)

TEAM: Final = ChatPlan(
    1714422873,
    "private_supergroup",
    "Pulse team",
    (ENGLISH, RUSSIAN, PERSIAN),
    _EVERYTHING,
    9,
    was_group=True,
)

ACCOUNT: Final = (
    TEAM,
    ChatPlan(4102938475, "private_group", "Команда платформы", (RUSSIAN,), _EVERYTHING, 4),
    ChatPlan(_MARYAM.id, "personal_chat", _MARYAM.name, (PERSIAN,), _PRIVATE, 3, (_MARYAM, _OWNER)),
    ChatPlan(_DELETED.id, "personal_chat", None, (ENGLISH,), _PRIVATE, 1, (_DELETED, _OWNER)),
    ChatPlan(_OWNER.id, "saved_messages", None, (ENGLISH,), MESSAGE_SHAPES[:4], 1, (_OWNER,)),
    ChatPlan(_CHANNEL.id, "public_channel", _CHANNEL.name, (ENGLISH,), _POSTS, 1, (_CHANNEL,)),
)

LEFT: Final = (
    ChatPlan(1333222111, "public_supergroup", "دورهمی برنامه‌نویسان", (PERSIAN, ENGLISH), MEDIA_SHAPES, 1),
)


def shares(plans: tuple[ChatPlan, ...], messages: int) -> list[int]:
    """How many messages each chat has, by weight; what does not divide goes to the first."""
    total = sum(plan.weight for plan in plans)
    counts = [messages * plan.weight // total for plan in plans]
    counts[0] += messages - sum(counts)
    return counts


def messages_of(plan: ChatPlan, count: int, random: Random) -> Iterator[JsonObject]:
    """The messages of a chat as their JSON."""
    as_group = count // 10 if plan.was_group else 0
    scene = Scene(plan.spoken[0], random, first_id=_MIGRATED + 12 if as_group else 1)
    yield from islice(_talk(plan, scene), max(0, as_group - 1))
    if as_group:
        yield {**scene.advance(), **scene.service("migrate_to_supergroup")}
        yield {**scene.advance(to_id=1), **scene.service("migrate_from_group", title=plan.name)}
        count -= 1
    yield from islice(_talk(plan, scene), count - as_group)


def _talk(plan: ChatPlan, scene: Scene) -> Iterator[JsonObject]:
    start = scene.random.randrange(len(plan.shapes))
    shapes = cycle(plan.shapes[start:] + plan.shapes[:start])
    thread = None
    for number, line in enumerate(_lines(plan, scene)):
        frame = scene.advance()
        if number % _ODD_EVERY == _ODD_EVERY - 1:
            yield _odd(frame, next(shapes)(scene))
            continue
        if line.opens:
            thread = frame["id"]
        yield {**frame, **_said(line, scene, thread)}


def _lines(plan: ChatPlan, scene: Scene) -> Iterator[Line]:
    """Some lines in one language, then some in another, when there are several."""
    talks = [(language, conversation(language, scene.random)) for language in plan.spoken]
    while True:
        scene.language, talk = scene.random.choice(talks)
        yield from islice(talk, scene.random.randrange(6, 20))


def _said(line: Line, scene: Scene, thread: object) -> JsonObject:
    answer: JsonObject = {"reply_to_message_id": thread} if line.answers and thread is not None else {}
    return {**scene.sent_by(line.speaker), **answer, **say(*line.parts)}


def _odd(frame: JsonObject, shape: JsonObject) -> JsonObject:
    if shape.get("type") == "unsupported":
        return {"id": frame["id"], **shape}  # nothing else is written of it
    return {**frame, **shape}
