"""The generator of exports: always the same, every shape, as Telegram Desktop writes; and the sample made by it."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pulse_radar.errors import UsageError
from pulse_radar.radar.telegram import Kind, read_export
from pulse_radar.testing.telegram_exports import write_export
from pulse_radar.testing.telegram_exports.__main__ import main

SAMPLE = Path(__file__).parents[3] / "examples" / "sample-export" / "result.json"

Message = dict[str, Any]


def generated(**arguments: Any) -> bytes:
    out = io.BytesIO()
    write_export(out, **arguments)
    return out.getvalue()


def messages_of(export: dict[str, Any]) -> Iterator[Message]:
    for chat in chats_of(export):
        yield from chat["messages"]


def chats_of(export: dict[str, Any]) -> list[dict[str, Any]]:
    if "messages" in export:
        return [export]
    return [*export["chats"]["list"], *export["left_chats"]["list"]]


@pytest.fixture(scope="module")
def account() -> dict[str, Any]:
    export: dict[str, Any] = json.loads(generated(messages=2000, seed=7, full=True))
    return export


@pytest.fixture(scope="module")
def old_account() -> dict[str, Any]:
    export: dict[str, Any] = json.loads(generated(messages=2000, seed=7, full=True, old=True))
    return export


def entities(message: Message) -> set[str]:
    return {entity["type"] for entity in message.get("text_entities", [])}


def reactions(message: Message) -> set[str]:
    return {reaction["type"] for reaction in message.get("reactions", [])}


SHAPES: dict[str, Callable[[Message], object]] = {
    "text is a string": lambda m: isinstance(m.get("text"), str) and m["text"],
    "text is a list": lambda m: isinstance(m.get("text"), list),
    "text is empty": lambda m: m.get("text") == "",
    "text is rich": lambda m: "rich_message" in m,
    "from is null": lambda m: "from" in m and m["from"] is None,
    "from is missing": lambda m: m["type"] == "message" and "from" not in m,
    "from a channel": lambda m: str(m.get("from_id", "")).startswith("channel"),
    "reply": lambda m: "reply_to_message_id" in m,
    "reply to another chat": lambda m: "reply_to_peer_id" in m,
    "forward": lambda m: m.get("forwarded_from"),
    "forward from nobody": lambda m: "forwarded_from" in m and m["forwarded_from"] is None,
    "saved": lambda m: "saved_from" in m,
    "edited": lambda m: "edited_unixtime" in m,
    "signed": lambda m: "author" in m,
    "via a bot with buttons": lambda m: "via_bot" in m and "inline_bot_buttons" in m,
    "photo": lambda m: str(m.get("photo", "")).startswith("photos/"),
    "photo left out": lambda m: str(m.get("photo", "")).startswith("(File not included."),
    "file": lambda m: str(m.get("file", "")).startswith("files/"),
    "file too big": lambda m: str(m.get("file", "")).startswith("(File exceeds"),
    "file unavailable": lambda m: str(m.get("file", "")).startswith("(File unavailable"),
    "contact": lambda m: "contact_information" in m,
    "location": lambda m: m.get("location_information"),
    "live location": lambda m: "live_location_period_seconds" in m,
    "location unknown": lambda m: "location_information" in m and m["location_information"] is None,
    "venue": lambda m: "place_name" in m,
    "game": lambda m: "game_title" in m,
    "invoice": lambda m: "invoice_information" in m,
    "poll": lambda m: "poll" in m and isinstance(m["poll"]["question"], str),
    "poll with marked text": lambda m: "poll" in m and isinstance(m["poll"]["question"], list),
    "closed poll": lambda m: "poll" in m and m["poll"]["closed"],
    "checklist": lambda m: "todo_list" in m,
    "spoiler media": lambda m: "media_spoiler" in m,
    "self-destructing": lambda m: "self_destruct_period_seconds" in m,
    "unsupported": lambda m: m == {"id": m["id"], "type": "unsupported"},
    "negative id": lambda m: m["id"] < 0,
    "members with a deleted account": lambda m: None in m.get("members", []),
    "actor deleted": lambda m: "actor" in m and m["actor"] is None,
    "service without action": lambda m: m["type"] == "service" and "action" not in m,
    "call that was missed": lambda m: m.get("discard_reason") == "missed",
    "call with a duration": lambda m: m.get("action") == "phone_call" and "duration_seconds" in m,
    "recent reactions": lambda m: any("recent" in reaction for reaction in m.get("reactions", [])),
}
MEDIA = ["sticker", "voice_message", "video_message", "video_file", "animation", "audio_file"]
ENTITIES = [
    "plain", "bold", "italic", "underline", "strikethrough", "code", "pre", "spoiler", "blockquote", "text_link",
    "link", "mention", "mention_name", "hashtag", "cashtag", "bot_command", "email", "phone", "bank_card",
    "custom_emoji", "unknown",
]  # fmt: skip
ACTIONS = [
    "create_group", "invite_members", "remove_members", "join_group_by_link", "join_group_by_request",
    "edit_group_title", "edit_group_photo", "delete_group_photo", "pin_message", "topic_created", "topic_edit",
    "migrate_to_supergroup", "migrate_from_group", "group_call", "invite_to_group_call", "group_call_scheduled",
    "set_messages_ttl", "score_in_game", "boost_apply", "todo_completions", "phone_call", "joined_telegram",
    "take_screenshot", "clear_history", "edit_chat_theme", "set_chat_wallpaper", "suggest_profile_photo",
    "send_premium_gift", "allow_sending_messages", "send_payment", "proximity_reached", "create_channel",
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_a_message_occurs(account: dict[str, Any], shape: str) -> None:
    assert any(SHAPES[shape](message) for message in messages_of(account))


@pytest.mark.parametrize("kind", MEDIA)
def test_every_sort_of_media_occurs(account: dict[str, Any], kind: str) -> None:
    assert any(message.get("media_type") == kind for message in messages_of(account))


@pytest.mark.parametrize("kind", ENTITIES)
def test_every_sort_of_entity_occurs(account: dict[str, Any], kind: str) -> None:
    assert any(kind in entities(message) for message in messages_of(account))


@pytest.mark.parametrize("kind", ["emoji", "custom_emoji", "paid"])
def test_every_sort_of_reaction_occurs(account: dict[str, Any], kind: str) -> None:
    assert any(kind in reactions(message) for message in messages_of(account))


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_occurs(account: dict[str, Any], action: str) -> None:
    assert any(message.get("action") == action for message in messages_of(account))


def test_chats_of_every_kind_occur_with_and_without_names(account: dict[str, Any]) -> None:
    chats = chats_of(account)
    assert {chat["type"] for chat in chats} >= {"personal_chat", "private_group", "public_channel"}
    assert any("name" not in chat for chat in chats)
    assert any("name" in chat and chat["name"] is None for chat in chats)
    assert any({1, 2} <= {message["id"] for message in chat["messages"]} for chat in chats)


@pytest.mark.parametrize("script", ["a", "ж", "گ"])
def test_people_talk_in_english_russian_and_persian(account: dict[str, Any], script: str) -> None:
    assert sum(script in json.dumps(m, ensure_ascii=False) for m in messages_of(account)) > 100


def test_an_old_export_has_local_times_and_numbers_and_no_entities(old_account: dict[str, Any]) -> None:
    for message in messages_of(old_account):
        assert not {"date_unixtime", "text_entities", "reactions"} & message.keys()
        assert isinstance(message.get("from_id", 1), int)
        assert "edited" in message or message["type"] == "unsupported"


def test_an_old_export_says_the_same_as_a_new_one(
    account: dict[str, Any], old_account: dict[str, Any]
) -> None:
    new, old = (
        [message.text for message in read_export(io.BytesIO(json.dumps(export).encode()))]
        for export in (account, old_account)
    )
    assert new == old


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 333])
def test_there_are_as_many_messages_as_were_asked_for(count: int, full: bool) -> None:
    export = generated(messages=count, seed=1, full=full)
    assert sum(1 for _ in messages_of(json.loads(export))) == count


def test_less_than_no_messages_are_refused() -> None:
    with pytest.raises(UsageError, match="messages is -1"):
        generated(messages=-1)


def test_the_same_seed_writes_the_same_and_another_writes_another() -> None:
    assert generated(messages=50, seed=1) == generated(messages=50, seed=1) != generated(messages=50, seed=2)


def test_ids_grow_within_a_chat(account: dict[str, Any]) -> None:
    for chat in chats_of(account):
        ids = [message["id"] for message in chat["messages"]]
        assert ids == sorted(set(ids))


def test_replies_answer_messages_that_are_there(account: dict[str, Any]) -> None:
    for chat in chats_of(account):
        ids = {message["id"] for message in chat["messages"]}
        for message in chat["messages"]:
            if "reply_to_message_id" in message and "reply_to_peer_id" not in message:
                assert message["reply_to_message_id"] in ids


def test_it_is_indented_as_telegram_desktop_does() -> None:
    lines = generated(messages=2, seed=0).decode().splitlines()
    assert lines[:4] == [
        "{",
        ' "name": "Pulse team",',
        ' "type": "private_supergroup",',
        ' "id": 1714422873,',
    ]
    assert lines[4:6] == [' "messages": [', "  {"]
    assert lines[6].startswith('   "id": ')
    assert lines[-3:] == ["  }", " ]", "}"]


def test_the_command_line_writes_a_file(tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    assert main(["--messages", "30", "--seed", "7", "--out", str(out), "--full", "--old"]) == 0
    assert out.read_bytes() == generated(messages=30, seed=7, full=True, old=True)


def test_the_generator_runs_as_a_module(tmp_path: Path) -> None:
    module = "pulse_radar.testing.telegram_exports"
    out = tmp_path / "result.json"
    subprocess.run([sys.executable, "-m", module, "--messages", "3", "--out", str(out)], check=True)
    assert out.read_bytes() == generated(messages=3)


def test_the_sample_is_what_the_generator_writes() -> None:
    assert SAMPLE.read_bytes() == generated(messages=2000, seed=7, full=True)
    assert SAMPLE.stat().st_size < 1_500_000


def test_the_sample_can_be_read() -> None:
    with SAMPLE.open("rb") as file:
        messages = list(read_export(file))
    assert len(messages) == 2000
    assert {message.kind for message in messages} == set(Kind)


def test_exports_of_different_seeds_have_no_chat_in_common() -> None:
    ids = [
        {chat["id"] for chat in chats_of(json.loads(generated(messages=20, seed=seed, full=True)))}
        for seed in (0, 1, 2, 7, 2**32)
    ]
    assert sum(map(len, ids)) == len(set.union(*ids)) == 5 * 7
