"""The two roots of an export, what is skipped in them, and in what order their keys may come."""

import io
import json
from typing import Any

import pytest

import pulse_radar.radar.telegram as telegram
from pulse_radar.radar.telegram import Chat, ExportError, count_messages, read_export

DATE = "2024-05-01T12:00:00"


def chat(chat_id: int, *ids: int, **about: Any) -> dict[str, Any]:
    messages = [{"id": number, "type": "message", "date": DATE, "text": "{[\"'"} for number in ids]
    return {"name": f"chat {chat_id}", "type": "private_group", "id": chat_id, **about, "messages": messages}


def names(export: object) -> list[tuple[int, int]]:
    return [(message.chat.id, message.id) for message in read_export(as_file(export))]


def as_file(export: object) -> io.BytesIO:
    return io.BytesIO(json.dumps(export, ensure_ascii=False, indent=1).encode())


class OneWay(io.BytesIO):
    """A file that cannot go back, as a pipe."""

    def seekable(self) -> bool:
        return False


def test_an_export_of_one_chat_is_read() -> None:
    assert names(chat(7, 1, 2, 5)) == [(7, 1), (7, 2), (7, 5)]


def test_an_export_of_an_account_is_read_chat_after_chat() -> None:
    export = {
        "about": "…",
        "personal_information": {"user_id": 1, "bio": "]}"},
        "profile_pictures": [],
        "contacts": {"about": "", "list": [{"user_id": 2, "messages": [{"id": 99}]}]},
        "frequent_contacts": {"about": "", "list": []},
        "sessions": {"about": "", "list": []},
        "chats": {"about": "", "list": [chat(7, 1, 2), chat(8), chat(9, 1)]},
        "profile_music": [{"id": 98}],
        "left_chats": {"about": "", "list": [chat(10, 3)]},
        "other_data": {"chats": [[1.5e3, True, None]]},
    }
    assert names(export) == [(7, 1), (7, 2), (9, 1), (10, 3)]


def test_saved_messages_have_no_name() -> None:
    export = {"type": "saved_messages", "id": 5, "messages": [{"id": 1, "date": DATE}]}
    [message] = read_export(as_file(export))
    assert message.chat == Chat(5, "saved_messages", None)
    assert str(message.chat) == "chat 5"


def test_a_chat_with_a_deleted_account_has_neither_name_nor_kind() -> None:
    [message] = read_export(as_file(chat(7, 1, name=None, type=None)))
    assert message.chat == Chat(7)


def test_an_export_without_messages_is_read_to_its_end() -> None:
    assert names(chat(7)) == []
    assert names({"chats": {"about": "", "list": []}}) == []
    assert names({"chats": {"list": [{"name": "no messages", "extra": 1}]}}) == []


def test_a_byte_order_mark_is_passed_over() -> None:
    export = io.BytesIO(b"\xef\xbb\xbf" + as_file(chat(7, 1)).getvalue())
    assert [message.id for message in read_export(export)] == [1]


def test_the_same_message_twice_is_yielded_twice() -> None:
    assert names(chat(7, 1, 1)) == [(7, 1), (7, 1)]


@pytest.mark.parametrize("order", [["messages", "id", "type", "name"], ["id", "messages", "name", "type"]])
def test_what_is_said_of_a_chat_after_its_messages_is_found_before_they_are_read(order: list[str]) -> None:
    first, second = chat(7, 1, 2), chat(8, 1)
    export = {"chats": {"list": [{key: one[key] for key in order} | {"x": []} for one in (first, second)]}}
    messages = list(read_export(as_file(export)))
    assert [(message.chat.name, message.id) for message in messages] == [
        ("chat 7", 1),
        ("chat 7", 2),
        ("chat 8", 1),
    ]
    assert count_messages(as_file(export)) == 3


def test_messages_before_the_kind_of_their_chat_are_read_from_a_pipe_without_it() -> None:
    export = as_file({"id": 7, "messages": [{"id": 1, "date": DATE}], "type": "private_group"}).getvalue()
    [message] = read_export(OneWay(export))
    assert message.chat == Chat(7)


def test_messages_before_the_id_of_their_chat_cannot_be_read_from_a_pipe() -> None:
    export = as_file({"messages": [{"id": 1, "date": DATE}], "id": 7}).getvalue()
    with pytest.raises(ExportError, match="a chat has no id"):
        list(read_export(OneWay(export)))


def test_a_cut_file_whose_chat_says_its_kind_last_is_read_as_far_as_it_goes() -> None:
    export = as_file({"id": 7, "messages": [{"id": 1, "date": DATE}], "type": "private_group"}).getvalue()
    reader = read_export(io.BytesIO(export[:-30]))
    assert next(reader).chat == Chat(7)
    with pytest.raises(ExportError, match="too early"):
        next(reader)


def test_the_package_offers_what_it_says() -> None:
    assert sorted(telegram.__all__) == [
        "Action",
        "Chat",
        "Checklist",
        "Entity",
        "ExportError",
        "ExportReader",
        "Kind",
        "Location",
        "Media",
        "Poll",
        "PollAnswer",
        "Reaction",
        "ReadingStats",
        "TelegramMessage",
        "count_messages",
        "read_export",
    ]
    assert all(getattr(telegram, name).__doc__ for name in telegram.__all__)
