"""One message, seen by a bot and exported by Telegram Desktop, is one message."""

from datetime import UTC
from typing import Any

import msgspec
import pytest

from pulse_radar.radar.bot.shapes import decode_message
from pulse_radar.radar.bot.translate import message_of
from pulse_radar.radar.telegram import Entity, Kind, TelegramMessage
from pulse_radar.radar.telegram.shapes import decode_message as decode_exported
from pulse_radar.radar.telegram.translate import message_of as exported_message_of

BOT = 4242
ANN = {"id": 11, "is_bot": False, "first_name": "Ann", "last_name": "Lee"}


def seen(**more: Any) -> TelegramMessage:
    chat = {"id": -1001234567890, "type": "supergroup", "title": "Team"}
    raw = {"message_id": 5, "date": 1_700_000_000, "chat": chat, "from": ANN} | more
    return message_of(decode_message(msgspec.json.encode(raw)), BOT)


def test_a_message_of_a_supergroup_is_the_exports() -> None:
    bots = seen(
        text="🚀 see example.org, Tom",
        entities=[
            {"type": "url", "offset": 7, "length": 11},
            {"type": "text_mention", "offset": 20, "length": 3, "user": {"id": 12, "first_name": "Tom"}},
        ],
        reply_to_message={"message_id": 3, "date": 1, "chat": {"id": -1001234567890, "type": "supergroup"}},
    )
    exported = exported_message_of(
        decode_exported(
            msgspec.json.encode(
                {
                    "id": 5,
                    "type": "message",
                    "date_unixtime": "1700000000",
                    "from": "Ann Lee",
                    "from_id": "user11",
                    "reply_to_message_id": 3,
                    "text": [
                        "🚀 see ",
                        {"type": "link", "text": "example.org"},
                        ", ",
                        {"type": "mention_name", "text": "Tom", "user_id": 12},
                    ],
                }
            )
        ),
        bots.chat,
        UTC,
    )
    assert bots == exported
    assert (bots.chat.id, bots.chat.kind, bots.chat.name) == (1234567890, "private_supergroup", "Team")


@pytest.mark.parametrize("kind", ["group", "private"])
def test_where_accounts_count_for_themselves_the_chat_is_one_of_its_own(kind: str) -> None:
    chat = {"id": -77, "type": kind, "title": "Old group"}
    one = seen(chat=chat, text="hi").chat
    assert one.id < 0
    assert one.id > -(2**53)
    assert one == seen(chat=chat, text="hello", message_id=6).chat
    other = message_of(
        decode_message(msgspec.json.encode({"message_id": 5, "date": 1, "chat": chat})), BOT + 1
    )
    assert other.chat.id != one.id


def test_a_caption_is_what_a_photo_says() -> None:
    photo = seen(
        photo=[{"file_id": "x"}],
        caption="at home",
        caption_entities=[{"type": "bold", "offset": 3, "length": 4}],
    )
    assert (photo.kind, photo.text, photo.entities) == (Kind.MESSAGE, "at home", (Entity("bold", "home"),))
    assert photo.media is not None
    assert photo.media.kind == "photo"


def test_what_the_chat_says_of_itself_is_no_message_of_anybody() -> None:
    assert seen(new_chat_members=[ANN]).kind is Kind.SERVICE


def test_polls_checklists_and_posts_of_channels_are_read() -> None:
    poll = seen(poll={"id": "1", "question": "Where?", "options": [{"text": "Here", "voter_count": 2}]}).poll
    assert poll is not None
    assert (poll.question, poll.answers[0].text, poll.answers[0].voters) == ("Where?", "Here", 2)
    checklist = seen(checklist={"title": "To do", "tasks": [{"id": 1, "text": "Call"}]}).checklist
    assert checklist is not None
    assert checklist.items == ("Call",)
    channel = {"id": -1000000000005, "type": "channel", "title": "News", "username": "news"}
    post = seen(chat=channel, sender_chat=channel, author_signature="Ann", text="Hello", **{"from": None})
    assert (post.sender, post.sender_id, post.author, post.chat.kind) == (
        "News",
        "channel5",
        "Ann",
        "public_channel",
    )
