"""The rules of the first extraction, a sentence each."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pulse_radar.radar.extraction import atom_of
from pulse_radar.radar.telegram import Chat, Checklist, Entity, Kind, Poll, TelegramMessage


def message(text: str = "", **more: Any) -> TelegramMessage:
    given: dict[str, Any] = {
        "chat": Chat(7, "private_group", "Team"),
        "id": 3,
        "kind": Kind.MESSAGE,
        "date": datetime(2024, 3, 4, tzinfo=UTC),
        "sender": "Ann",
    }
    return TelegramMessage(**given | {"text": text} | more)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Decision: one stream per topic. We start on Friday.", "decision"),
        ("Решили: дежурство по неделям. Срок до пятницы.", "decision"),
        ("تصمیم گرفتیم: یک صف برای همه. از شنبه شروع می‌کنیم.", "decision"),
        ("@ann_k, could you measure the update? Needed by Monday.", "task"),
        ("TODO for @tashby: restore the backup, until Friday.", "task"),
        ("Задача для @isokolov: напиши тест, срок до среды.", "task"),
        ("@ann، لطفاً فهرست را کامل کن. تا شنبه لازم است.", "task"),
        ("Why do some jobs run twice after a deploy?", "question"),
        ("Вопрос: сколько простоит сервис завтра ночью?", "question"),
        ("دوستان، چرا اعلان‌ها دو بار می‌رسند؟", "question"),
        ("My notes on it are here: https://wiki.example.org/queue/3", "link"),
        ("I measured it: half of them finish in a second.", "claim"),
        ("По моим замерам, перенос занимает сорок минут.", "claim"),
        ("اندازه گرفتم، نیمی از آن‌ها یک ثانیه طول می‌کشد.", "claim"),
    ],
)
def test_a_message_becomes_an_atom_of_the_first_kind_that_fits(text: str, kind: str) -> None:
    atom = atom_of(message(text))
    assert atom is not None
    assert atom.kind == kind


@pytest.mark.parametrize(
    "text", ["", "   ", "👍", "Lunch?", "Good morning!", "Thanks, that helps.", "Кто там?"]
)
def test_small_talk_becomes_nothing(text: str) -> None:
    assert atom_of(message(text)) is None


def test_a_hidden_link_counts_as_one() -> None:
    link = Entity("text_link", "design document", "https://wiki.example.org/design")
    atom = atom_of(message("Here is the design document, comments welcome.", entities=(link,)))
    assert atom is not None
    assert atom.kind == "link"


def test_a_poll_is_a_question_and_a_checklist_is_a_task() -> None:
    poll = atom_of(message(poll=Poll("Where?")))
    checklist = atom_of(message(checklist=Checklist("Release", ("Tag it", "Say so"))))
    assert poll is not None
    assert (poll.kind, poll.title) == ("question", "Where?")
    assert checklist is not None
    assert (checklist.kind, checklist.text) == ("task", "Release\nTag it\nSay so")


@pytest.mark.parametrize("kind", [Kind.SERVICE, Kind.UNSUPPORTED])
def test_what_nobody_wrote_becomes_nothing(kind: Kind) -> None:
    assert atom_of(message("Why do some jobs run twice after a deploy?", kind=kind)) is None


def test_an_atom_says_where_it_is_from() -> None:
    atom = atom_of(message("Decision: we keep it. The rest is noise.", id=-12))
    assert atom is not None
    assert (atom.id, atom.event_key) == ("telegram:7:-12", "telegram:7:-12")
    assert (atom.chat, atom.chat_id, atom.message_id, atom.author) == ("Team", "7", "-12", "Ann")
    assert atom.title == "Decision: we keep it."


def test_a_long_message_is_cut_so_that_every_subscriber_can_have_it() -> None:
    atom = atom_of(message("Why is that so? " + "because " * 100_000, sender="x" * 5_000))
    assert atom is not None
    assert len(atom.text) <= 500
    assert len(atom.title) <= 120
    assert len(atom.author or "") <= 120


def test_nobody_in_particular_may_have_written_it() -> None:
    atom = atom_of(message("Why do some jobs run twice?", sender=None, chat=Chat(7)))
    assert atom is not None
    assert (atom.author, atom.chat) == (None, None)
