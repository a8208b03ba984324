"""What becomes an atom and what does not, a sentence each; how well, is measured on the labelled messages."""

import pytest

from pulse_radar.radar.knowledge import Atom, extract
from pulse_radar.radar.telegram import Chat, Checklist, Entity, Kind, Poll
from tests.radar.knowledge.messages import message


def only_atom(text: str = "", **more: object) -> Atom:
    (atom,) = extract([message(text, **more)])
    return atom


def kinds(text: str) -> list[str]:
    return [atom.kind for atom in extract([message(text)])]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Decision: one stream per topic. We start on Friday.", "decision"),
        ("Решили: дежурство по неделям.", "decision"),
        ("تصمیم گرفتیم: یک صف برای همه.", "decision"),
        ("@ann_k, could you measure the update? Needed by Monday.", "task"),
        ("Задача для @isokolov: напиши тест, срок до среды.", "task"),
        ("@ann، لطفاً فهرست را کامل کن. تا شنبه لازم است.", "task"),
        ("Why do some jobs run twice after a deploy?", "question"),
        ("Вопрос: сколько простоит сервис завтра ночью?", "question"),
        ("دوستان، چرا اعلان‌ها دو بار می‌رسند؟", "question"),
        ("My notes on it: https://wiki.example.org/queue/3", "link"),
        ("I measured it: half of them finish in a second.", "claim"),
        ("По моим замерам, перенос занимает сорок минут.", "claim"),
        ("اندازه گرفتم، نیمی از آن‌ها یک ثانیه طول می‌کشد.", "claim"),
    ],
)
def test_a_message_becomes_an_atom_of_the_kind_of_what_it_says(text: str, kind: str) -> None:
    assert kind in kinds(text)


@pytest.mark.parametrize(
    "text", ["", "   ", "👍", "Lunch?", "Good morning!", "Thanks, that helps.", "Кто там?", "مرسی!"]
)
def test_small_talk_becomes_nothing(text: str) -> None:
    assert kinds(text) == []


def test_a_message_may_hold_several() -> None:
    assert kinds("We decided to move on Friday.\n- @tom please book the van\nhttps://vans.example.org") == [
        "decision",
        "task",
        "link",
    ]


def test_code_says_nothing() -> None:
    assert kinds("```\n# TODO: please fix this by Friday, see https://x.example.org\n```") == ["link"]
    marked = Entity("pre", "please fix the login by Friday", "python")
    assert extract([message("please fix the login by Friday", entities=(marked,))]) == []


def test_a_persian_word_is_the_same_however_it_is_typed() -> None:
    for text in ("کسی می‌دونه کلید کجاست؟", "کسی می دونه کلید کجاست؟", "كسي ميدونه كليد كجاست؟"):
        assert kinds(text) == ["question"], text


def test_a_poll_is_a_question_and_a_checklist_is_a_task() -> None:
    poll = only_atom(poll=Poll("Where?"))
    checklist = only_atom(checklist=Checklist("Release", ("Tag it", "Say so")))
    assert (poll.kind, poll.title) == ("question", "Where?")
    assert (checklist.kind, checklist.text) == ("task", "Release\nTag it\nSay so")


@pytest.mark.parametrize("kind", [Kind.SERVICE, Kind.UNSUPPORTED])
def test_what_nobody_wrote_becomes_nothing(kind: Kind) -> None:
    assert extract([message("Why do some jobs run twice after a deploy?", kind=kind)]) == []


def test_an_atom_says_where_it_is_from() -> None:
    atom = only_atom("Decision: we keep it. Fine.", id=-12)
    assert atom.id == "telegram:7:-12:decision:1"
    assert (atom.chat, atom.chat_id, atom.message_ids, atom.author) == ("Team", "7", ("-12",), "Ann")
    assert atom.title == "Decision: we keep it."
    assert 0.5 <= atom.confidence <= 1


def test_an_edited_message_keeps_the_ids_of_its_atoms() -> None:
    before, after = only_atom("Please fix the login by Friday"), only_atom("Please fix the login by Monday")
    assert before.id == after.id


def test_a_long_message_is_cut_so_that_every_subscriber_can_have_it() -> None:
    atoms = extract([message("Why do the jobs run twice? " + "because " * 100_000, sender="x" * 5_000)])
    assert atoms
    assert all(len(a.text) <= 500 and len(a.title) <= 120 and len(a.author or "") <= 120 for a in atoms)


def test_a_message_of_a_thousand_tasks_becomes_a_few_atoms() -> None:
    assert len(extract([message("- please fix the login\n" * 1_000)])) == 12


def test_nobody_in_particular_may_have_written_it() -> None:
    atom = only_atom("Why do some jobs run twice?", sender=None, chat=Chat(7))
    assert (atom.author, atom.chat) == (None, None)
