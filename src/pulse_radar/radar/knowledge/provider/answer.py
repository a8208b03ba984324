"""What a provider answers, believed only as far as it has the shape that was asked for."""

from typing import Annotated, Literal

import msgspec

from pulse_radar.errors import PulseError

__all__ = ["Answer", "FoundAtom", "NoAnswer", "NotAsked", "Unusable", "answer_in"]


class NoAnswer(PulseError):
    """The provider gave none that can be used. Its own words are not repeated: they may hold the key."""


class NotAsked(NoAnswer):
    """The question did not reach it, or it did not take it: nothing is to be paid."""


class Unusable(NotAsked):
    """No other question would fare better, until somebody does something or time has passed."""


class FoundAtom(msgspec.Struct, frozen=True):
    """An atom as the provider names it; `message` is a number of the question."""

    message: Annotated[int, msgspec.Meta(ge=0)]
    kind: Literal["claim", "decision", "question", "task"]
    title: Annotated[str, msgspec.Meta(min_length=1)]
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)]


class Answer(msgspec.Struct, frozen=True):
    """The atoms, and what they cost."""

    atoms: list[FoundAtom]
    tokens: int


class _Content(msgspec.Struct, frozen=True):
    atoms: list[FoundAtom]


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct, frozen=True):
    total_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0


class _Completion(msgspec.Struct, frozen=True):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1)]
    usage: _Usage | None = None


def answer_in(body: bytes, messages: int, dearest: int) -> Answer:
    """The answer in the body of a completion. `dearest` is what it may have cost, where it does not say so.

    Raises: NoAnswer.
    """
    try:
        completion = msgspec.json.decode(body, type=_Completion)
    except (ValueError, RecursionError):  # all of msgspec's errors
        raise NoAnswer("it answered something that is no chat completion") from None
    choice = completion.choices[0]
    if choice.finish_reason == "length":
        raise NoAnswer("its answer was cut, for it was too long")
    if not choice.message.content:
        raise NoAnswer("it refused to answer")
    try:
        content = msgspec.json.decode(choice.message.content, type=_Content)
    except (ValueError, RecursionError):
        raise NoAnswer("its answer is not the JSON that was asked for") from None
    if any(atom.message >= messages for atom in content.atoms):
        raise NoAnswer("it found something in a message that was not in the question")
    return Answer(content.atoms, completion.usage.total_tokens if completion.usage else dearest)
