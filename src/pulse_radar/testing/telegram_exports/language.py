"""What people say in a language: subjects they talk about, and sentences to say it with.

In a sentence `{name}` and the like stand for what the subject or the chat supplies. The sentences of `asides`
hold one marked stretch each: `{bold:…}`, `{text_link:…}`, named as Telegram Desktop names it, with its text.
"""

from dataclasses import dataclass

__all__ = ["Language", "Person", "Subject"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a chat, or a channel itself. `name` is None for a deleted account."""

    id: int
    name: str | None
    handle: str
    kind: str = "user"

    @property
    def peer(self) -> str:
        """The id as exports have it."""
        return f"{self.kind}{self.id}"


@dataclass(frozen=True, slots=True)
class Subject:
    """Something a team talks about, with enough in it to be known afterwards."""

    name: str
    slug: str
    question: str
    facts: tuple[str, ...]
    options: tuple[str, str]
    task: str


@dataclass(frozen=True, slots=True)
class Language:
    """A team's talk in one language."""

    people: tuple[Person, ...]
    days: tuple[str, ...]
    subjects: tuple[Subject, ...]
    questions: tuple[str, ...]
    claims: tuple[str, ...]
    choices: tuple[str, ...]
    decisions: tuple[str, ...]
    tasks: tuple[str, ...]
    links: tuple[str, ...]
    chatter: tuple[str, ...]
    asides: tuple[str, ...]
