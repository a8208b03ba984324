"""Each shape that a message has in a real export, and the value that it becomes."""

import io
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from pulse_radar.radar.telegram import (
    Action,
    Chat,
    Checklist,
    Entity,
    Kind,
    Location,
    Media,
    Poll,
    PollAnswer,
    Reaction,
    TelegramMessage,
    read_export,
)

NOON = {"date": "2024-05-01T14:00:00", "date_unixtime": "1714564800"}
NOT_INCLUDED = "(File not included. Change data exporting settings to download.)"


def read(message: dict[str, Any]) -> TelegramMessage:
    """The only message of an export of one chat."""
    chat = {"name": "Team", "type": "private_group", "id": 7, "messages": [message]}
    [value] = read_export(io.BytesIO(msgspec.json.encode(chat)))
    return value


def read_post(**keys: Any) -> TelegramMessage:
    return read({"id": 1, "type": "message", **NOON, "from": "Ann", "from_id": "user5", "text": "", **keys})


def read_service(**keys: Any) -> TelegramMessage:
    base = {"id": 1, "type": "service", **NOON, "actor": "Ann", "actor_id": "user5", "text": ""}
    return read({**base, "text_entities": [], **keys})


def test_a_plain_message_has_its_chat_sender_time_and_text() -> None:
    message = read_post(text="hello", text_entities=[{"type": "plain", "text": "hello"}])
    assert message == TelegramMessage(
        chat=Chat(7, "private_group", "Team"),
        id=1,
        kind=Kind.MESSAGE,
        date=datetime(2024, 5, 1, 12, tzinfo=UTC),
        text="hello",
        sender="Ann",
        sender_id="user5",
    )


def test_text_of_strings_and_entities_is_flattened_and_its_entities_kept() -> None:
    link = {"type": "link", "text": "https://a.example"}
    message = read_post(
        text=["see ", link, " and ", {"type": "bold", "text": "wait"}],
        text_entities=[
            {"type": "plain", "text": "see "},
            link,
            {"type": "plain", "text": " and "},
            {"type": "bold", "text": "wait"},
        ],
    )
    assert message.text == "see https://a.example and wait"
    assert message.entities == (Entity("link", "https://a.example"), Entity("bold", "wait"))


@pytest.mark.parametrize(
    ("written", "detail"),
    [
        ({"type": "text_link", "href": "https://a.example"}, "https://a.example"),
        ({"type": "mention_name", "user_id": 5120400000}, "5120400000"),
        ({"type": "custom_emoji", "document_id": "5368324170671202286"}, "5368324170671202286"),
        ({"type": "custom_emoji", "document_id": "stickers/sticker.webp"}, "stickers/sticker.webp"),
        ({"type": "custom_emoji", "document_id": NOT_INCLUDED}, None),
        ({"type": "pre", "language": "python"}, "python"),
        ({"type": "pre", "language": ""}, None),
        ({"type": "blockquote", "collapsed": True}, None),
        ({"type": "spoiler"}, None),
        ({"type": "unknown"}, None),
    ],
)
def test_an_entity_keeps_what_its_text_does_not_say(written: dict[str, Any], detail: str | None) -> None:
    [entity] = read_post(text=[{**written, "text": "x"}]).entities
    assert entity == Entity(written["type"], "x", detail)


def test_entities_are_found_in_text_when_an_old_export_has_no_text_entities() -> None:
    message = read_post(text=["go ", {"type": "hashtag", "text": "#now"}])
    assert (message.text, message.entities) == ("go #now", (Entity("hashtag", "#now"),))


def test_entities_are_taken_from_text_entities_when_text_is_plain() -> None:
    message = read_post(text="#now", text_entities=[{"type": "hashtag", "text": "#now"}])
    assert message.entities == (Entity("hashtag", "#now"),)


@pytest.mark.parametrize("keys", [{"text": None}, {"text": ""}, {"text": []}])
def test_no_text_is_empty_text(keys: dict[str, Any]) -> None:
    assert read_post(**keys).text == ""


def test_text_missing_altogether_is_told_from_its_entities() -> None:
    message = read({"id": 1, **NOON, "text_entities": [{"type": "plain", "text": "hi"}]})
    assert (message.kind, message.text) == (Kind.MESSAGE, "hi")


def test_a_rich_message_is_read_as_lines_of_text() -> None:
    plain = {"type": "plain", "text": "Plan"}
    runs = [{"type": "plain", "text": "first "}, {"type": "bold", "text": {"type": "plain", "text": "this"}}]
    cell = {"text": {"type": "plain", "text": "cell"}, "header": False}
    blocks = [
        {"type": "heading", "level": 1, "text": plain},
        {"type": "paragraph", "text": {"type": "concat", "text": runs}},
        {"type": "list", "items": [{"content": "text", "text": {"type": "plain", "text": "then that"}}]},
        {"type": "table", "title": {"type": "empty"}, "rows": [{"cells": [cell]}]},
        {"type": "divider"},
    ]
    message = read({"id": 1, "type": "message", **NOON, "rich_message": {"rtl": False, "blocks": blocks}})
    assert message.text == "Plan\nfirst this\nthen that\ncell"


def test_a_deleted_account_has_no_name_but_its_id() -> None:
    message = read_post(**{"from": None})
    assert (message.sender, message.sender_id) == (None, "user5")


def test_a_message_of_nobody_has_neither_name_nor_id() -> None:
    message = read({"id": 1, "type": "message", **NOON, "text": "x"})
    assert (message.sender, message.sender_id) == (None, None)


@pytest.mark.parametrize(
    ("written", "sender_id"),
    [
        ("channel1403127711", "channel1403127711"),
        (411200300, "user411200300"),
        ((1 << 32) + 411200300, "user411200300"),
        ((2 << 32) + 1403127711, "9993062303"),
    ],
)
def test_a_sender_is_named_alike_in_exports_of_all_years(written: object, sender_id: str) -> None:
    assert read_post(from_id=written).sender_id == sender_id


def test_a_signed_post_names_its_author() -> None:
    message = read_post(**{"from": "News", "from_id": "channel9"}, author="Grace")
    assert (message.sender, message.author) == ("News", "Grace")


def test_a_message_made_by_a_bot_names_it() -> None:
    button = {"type": "callback", "text": "Ok", "dataBase64": "b2s", "data": ""}
    assert read_post(via_bot="@gif", inline_bot_buttons=[[button]]).via_bot == "@gif"


def test_a_reply_names_the_message_and_where_it_is() -> None:
    here, there = (
        read_post(reply_to_message_id=4),
        read_post(reply_to_message_id=4, reply_to_peer_id="channel9"),
    )
    assert (here.reply_to, here.reply_to_chat) == (4, None)
    assert (there.reply_to, there.reply_to_chat) == (4, "channel9")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, (False, None)),
        ({"forwarded_from": "News", "forwarded_from_id": "channel9"}, (True, "News")),
        ({"forwarded_from": None}, (True, None)),
        ({"forwarded_from": "Ann", "saved_from": "Ann"}, (True, "Ann")),
    ],
)
def test_a_forward_is_known_even_when_its_origin_is_not(keys: dict[str, Any], expected: object) -> None:
    message = read_post(**keys)
    assert (message.is_forwarded, message.forwarded_from) == expected


def test_the_time_of_editing_is_told() -> None:
    message = read_post(edited="2024-05-01T14:00:09", edited_unixtime="1714564809")
    assert message.edited == datetime(2024, 5, 1, 12, 0, 9, tzinfo=UTC)


def test_an_old_export_says_of_every_unedited_message_that_it_was_edited_in_1970() -> None:
    assert read({"id": 1, "date": "2019-05-01T12:00:00", "edited": "1970-01-01T03:00:00"}).edited is None


def test_local_time_without_seconds_is_taken_as_utc() -> None:
    assert read({"id": 1, "date": "2019-05-01T12:00:00"}).date == datetime(2019, 5, 1, 12, tzinfo=UTC)


def test_local_time_is_of_the_time_zone_that_the_caller_names() -> None:
    export = b'{"id":7,"type":"x","messages":[{"id":1,"date":"2019-05-01T12:00:00"}]}'
    [message] = read_export(io.BytesIO(export), timezone=timezone(timedelta(hours=3)))
    assert message.date == datetime(2019, 5, 1, 9, tzinfo=UTC)


def test_seconds_win_over_local_time_whatever_the_time_zone() -> None:
    export = msgspec.json.encode({"id": 7, "type": "x", "messages": [{"id": 1, **NOON}]})
    [message] = read_export(io.BytesIO(export), timezone=timezone(timedelta(hours=3)))
    assert message.date == datetime(2024, 5, 1, 12, tzinfo=UTC)


def test_reactions_are_counted_by_emoji_custom_emoji_and_stars() -> None:
    recent = [{"from": None, "from_id": "user5", "date": "2024-05-01T14:00:00"}]
    message = read_post(
        reactions=[
            {"type": "emoji", "count": 2, "emoji": "👍", "recent": recent},
            {"type": "custom_emoji", "count": 1, "document_id": "5368"},
            {"type": "custom_emoji", "count": 1, "document_id": NOT_INCLUDED},
            {"type": "paid", "count": 50},
        ]
    )
    assert message.reactions == (
        Reaction("emoji", 2, "👍"),
        Reaction("custom_emoji", 1, "5368"),
        Reaction("custom_emoji", 1),
        Reaction("paid", 50),
    )


@pytest.mark.parametrize(
    ("keys", "media"),
    [
        ({"photo": "photos/photo_1.jpg", "width": 1, "height": 2}, Media("photo", "photos/photo_1.jpg")),
        ({"photo": NOT_INCLUDED, "photo_file_size": 9}, Media("photo", size_bytes=9)),
        (
            {"file": "files/a.pdf", "file_name": "a.pdf", "mime_type": "application/pdf", "file_size": 8},
            Media("file", "files/a.pdf", "a.pdf", mime_type="application/pdf", size_bytes=8),
        ),
        (
            {"file": NOT_INCLUDED, "media_type": "sticker", "sticker_emoji": "👌"},
            Media("sticker", title="👌"),
        ),
        (
            {"file": "voice_messages/a.ogg", "media_type": "voice_message", "duration_seconds": 3},
            Media("voice_message", "voice_messages/a.ogg", duration_seconds=3),
        ),
        ({"file": "", "media_type": "animation"}, Media("animation")),
        ({"media_type": "video_message"}, Media("video_message")),
        (
            {"file": NOT_INCLUDED, "media_type": "audio_file", "performer": "Us", "title": "Song"},
            Media("audio_file", title="Us - Song"),
        ),
        (
            {"contact_information": {"first_name": "Nora", "last_name": "", "phone_number": "+1"}},
            Media("contact", title="Nora", description="+1"),
        ),
        ({"contact_information": {"first_name": "", "last_name": "", "phone_number": ""}}, Media("contact")),
        (
            {"location_information": {"latitude": 52.5, "longitude": 13}, "live_location_period_seconds": 9},
            Media("location", location=Location(52.5, 13)),
        ),
        ({"location_information": None}, Media("location")),
        (
            {"place_name": "Café", "address": "Long Street 4"},
            Media("location", title="Café", description="Long Street 4"),
        ),
        ({"game_title": "Go", "game_description": "Old"}, Media("game", title="Go", description="Old")),
        (
            {"invoice_information": '{"title": "Ticket",\n "description": "Two days", "amount": 5}'},
            Media("invoice", title="Ticket", description="Two days"),
        ),
        ({"invoice_information": {"title": "Ticket"}}, Media("invoice", title="Ticket")),
        ({"invoice_information": "Ticket"}, Media("invoice", description="Ticket")),
        ({}, None),
    ],
)
def test_an_attachment_is_told_with_its_file_or_without(keys: dict[str, Any], media: Media | None) -> None:
    assert read_post(**keys).media == media


def test_a_poll_is_told_with_its_answers() -> None:
    answers = [{"text": "yes", "voters": 2, "chosen": True}, {"text": "no", "voters": 0, "chosen": False}]
    poll = {"question": "Shall we?", "closed": True, "total_voters": 2, "answers": answers}
    expected = Poll("Shall we?", (PollAnswer("yes", 2, True), PollAnswer("no")), 2, True)
    assert read_post(poll=poll).poll == expected


def test_a_poll_may_have_marked_text() -> None:
    question = ["Shall ", {"type": "bold", "text": "we"}, "?"]
    answers = [{"text": [{"type": "custom_emoji", "text": "👍"}], "voters": 0, "chosen": False}]
    poll = {"question": question, "closed": False, "total_voters": 0, "answers": answers}
    assert read_post(poll=poll).poll == Poll("Shall we?", (PollAnswer("👍"),))


def test_a_checklist_is_told_with_its_items() -> None:
    items = [{"text": "test", "id": 1}, {"text": ["push ", {"type": "bold", "text": "it"}], "id": 2}]
    message = read_post(todo_list={"title": "Release", "others_can_append": True, "answers": items})
    assert message.checklist == Checklist("Release", ("test", "push it"))


@pytest.mark.parametrize(
    ("keys", "action"),
    [
        (
            {"action": "create_group", "title": "Team", "members": ["Ann", None]},
            Action("create_group", title="Team", members=("Ann", None)),
        ),
        ({"action": "pin_message", "message_id": 4}, Action("pin_message", message_id=4)),
        (
            {"action": "score_in_game", "game_message_id": 4, "score": 9},
            Action("score_in_game", message_id=4),
        ),
        ({"action": "send_payment", "invoice_message_id": 4}, Action("send_payment", message_id=4)),
        (
            {"action": "phone_call", "duration_seconds": 60, "discard_reason": "hangup"},
            Action("phone_call", duration_seconds=60, note="hangup"),
        ),
        ({"action": "group_call", "duration": 60}, Action("group_call", duration_seconds=60)),
        ({"action": "join_group_by_link", "inviter": "Tom"}, Action("join_group_by_link")),
        ({"action": "topic_created", "title": "News"}, Action("topic_created", title="News")),
        ({"action": "topic_edit", "new_title": "Old"}, Action("topic_edit", title="Old")),
        ({"action": "migrate_from_group", "title": "Team"}, Action("migrate_from_group", title="Team")),
        ({"information_text": "Board opened"}, Action(note="Board opened")),
    ],
)
def test_a_service_message_says_who_did_what(keys: dict[str, Any], action: Action) -> None:
    message = read_service(**keys)
    assert (message.kind, message.sender, message.sender_id) == (Kind.SERVICE, "Ann", "user5")
    assert message.action == action


def test_a_new_photo_of_a_group_is_attached_to_its_service_message() -> None:
    message = read_service(action="edit_group_photo", photo="photos/photo_1.jpg")
    assert message.media == Media("photo", "photos/photo_1.jpg")


def test_a_name_that_is_written_twice_counts_the_second_time() -> None:
    export = b'{"id":7,"type":"x","messages":[{"id":1,"date":"2019-05-01T12:00:00","text":"a","text":""}]}'
    [message] = read_export(io.BytesIO(export))
    assert message.text == ""


@pytest.mark.parametrize("kind", ["unsupported", "a sort of tomorrow"])
def test_what_cannot_be_said_is_told_by_its_id_alone(kind: str) -> None:
    message = read({"id": 9, "type": kind})
    assert (message.id, message.kind, message.date) == (9, Kind.UNSUPPORTED, None)


def test_ids_of_a_group_that_became_a_supergroup_are_negative() -> None:
    assert read({"id": -999999988, **NOON}).id == -999999988


def test_keys_nobody_knows_are_passed_over() -> None:
    assert read_post(text="x", of_tomorrow={"deep": [[[{"er": None}]]], "1e999": 1.5}).text == "x"


def test_control_characters_are_read_though_telegram_desktop_does_not_write_them_as_json() -> None:
    export = (
        b'{"id":7,"type":"x","messages":[{"id":1,"date":"2019-05-01T12:00:00",'
        rb'"text":"a\x01b\\x02\n\"","inline_bot_buttons":[[{"data":"1=412\x012=97"}]]}]}'
    )
    [message] = read_export(io.BytesIO(export))
    assert message.text == 'a\x01b\\x02\n"'


def test_line_separators_and_emoji_survive() -> None:
    text = "one\u2028two 👩‍👩‍👧 نیم‌فاصله"
    assert read_post(text=text).text == text
