"""Files that are broken or no exports: one error that says where, what and what to do."""

import io
import json
import pickle
from contextlib import suppress
from typing import Any

import pytest

from pulse_radar.errors import PulseError
from pulse_radar.radar.telegram import Chat, ExportError, TelegramMessage, count_messages, read_export


def export(**changed: Any) -> bytes:
    """Three messages; `changed` are other keys of the second."""
    messages: list[dict[str, Any]] = [
        {"id": number, "type": "message", "date": "2024-05-01T12:00:00", "text": f"text {number}"}
        for number in (1, 2, 3)
    ]
    messages[1].update(changed)
    chat = {"name": "Team", "type": "private_group", "id": 7, "messages": messages}
    return json.dumps(chat, indent=1).encode()


def read(file: bytes) -> tuple[list[TelegramMessage], ExportError]:
    """What was read, and the error after it."""
    messages: list[TelegramMessage] = []
    try:
        for message in read_export(io.BytesIO(file)):
            messages.append(message)
    except ExportError as error:
        return messages, error
    raise AssertionError("nothing was found wrong")


def test_the_error_names_the_byte_the_last_good_message_and_the_way_on() -> None:
    good = export()
    _, error = read(good[: good.index(b"text 2")])
    assert str(error) == (
        "the file ends too early: the value from byte 169 on does not end (at byte 251, after 1 message, the "
        "last is 1 of chat 7 ('Team')); the export or a copy of it was interrupted: export the chat again"
    )
    assert (error.offset, error.messages, error.chat, error.message_id) == (
        251,
        1,
        Chat(7, "private_group", "Team"),
        1,
    )


def test_the_error_is_one_of_ours_and_survives_pickling() -> None:
    _, error = read(export(id="2"))
    copy: ExportError = pickle.loads(pickle.dumps(error))
    assert issubclass(type(copy), PulseError)
    assert str(copy) == str(error)
    assert copy.chat == error.chat


def test_after_the_error_there_is_nothing_more() -> None:
    reader = read_export(io.BytesIO(b"[]"))
    with pytest.raises(ExportError):
        next(reader)
    assert list(reader) == []


@pytest.mark.parametrize(
    ("file", "problem", "advice"),
    [
        (b"", "the file is empty", "give the result.json"),
        (b" \n\t", "the file is empty", "give the result.json"),
        (b"\xef\xbb\xbf", "the file is empty", "give the result.json"),
        (export().decode().encode("utf-16"), "looks like UTF-16", "save it as UTF-8"),
        (export().decode().encode("utf-16-le"), "looks like UTF-16", "save it as UTF-8"),
        (b"<!DOCTYPE html>\n<html>", "HTML", "'Machine-readable JSON'"),
        (b"PK\x03\x04\x14", "packed", "unpack it first"),
        (b"\x1f\x8b\x08", "packed", "unpack it first"),
        (b"[{}]", "a list", "give the result.json"),
        (b"hello", "not JSON", "give the result.json"),
        (b"42", "not JSON", "give the result.json"),
    ],
)
def test_what_is_no_export_at_all_is_told_for_what_it_is(file: bytes, problem: str, advice: str) -> None:
    messages, error = read(file)
    assert messages == []
    assert problem in error.problem
    assert advice in error.advice
    assert "before any message" in str(error)


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (b"{}", "there are no messages and no chats"),
        (b'{"about":"","contacts":{"list":[]}}', "there are no messages and no chats"),
        (b'{"id":7,"type":"x","messages":{}}', "'messages' is not a list"),
        (b'{"id":7,"type":"x","messages":null}', "'messages' is not a list"),
        (b'{"chats":[]}', "'chats' is not an object"),
        (b'{"left_chats":{"list":{}}}', "the list of 'left_chats' is not a list"),
        (b'{"chats":{"list":[5]}}', "a chat is not an object"),
        (b'{"type":"x","messages":[]}', "a chat has no id"),
        (b'{"id":"7","type":"x","messages":[]}', "Expected `int`, got `str` - at `$.id`"),
        (b'{"id":7,"type":"x","name":"\xff","messages":[]}', "the id, type or name of a chat"),
        (b'{"id":7,"type":"x","messages":[5]}', "Expected `object`, got `int`"),
        (b'{"id":7,"type":"x","messages":[{"id":1}]} ]', "it has no date"),
        (b'{"id":7,"type":"x","messages":[]}}', "something follows after the end"),
        (b'{"id":7,"type":"x","messages":[,]}', "',' stands where a value is expected"),
        (b'{"id":7,"type":"x","messages":[]x}', "'x' stands where ',' or '}' is expected"),
        (b'{"id":7,"type":"x","messages":[],}', "'}' stands where a name in quotes is expected"),
        (b'{"id" 7}', "'7' stands where ':' after 'id' is expected"),
        (b'{"\\q":7}', "a name is not JSON"),
        (b'{"a":[}', "a bracket closes what another kind of bracket opened"),
        (b'{"id":7,"type":"x","messages":', "'messages' is missing"),
        (b'{"id":7', "the value from byte 6 on does not end"),
        (b'{"id', "the value from byte 1 on does not end"),
        (b'{"id"', "':' after 'id' is missing"),
        (b'{"a":', "does not end"),
    ],
)
def test_a_root_or_chat_of_another_shape_is_refused(file: bytes, problem: str) -> None:
    messages, error = read(file)
    assert messages == []
    assert problem in error.problem


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"id": "2"}, "message 2 is not as it should be: Expected `int`, got `str` - at `$.id`"),
        ({"id": None}, "a message is not as it should be"),
        ({"id": True}, "Expected `int`, got `bool`"),
        ({"date": None}, "message 2 is not as it should be: it has no date"),
        ({"date": "2024-21-01T12:00:00"}, "its date '2024-21-01T12:00:00' is not a time"),
        ({"date_unixtime": "soon"}, "its date 'soon' is not a time"),
        ({"date_unixtime": 10**20}, "is not a time"),
        ({"edited_unixtime": "later"}, "its time of editing 'later' is not a time"),
        ({"text": 5}, "Expected `str | array | null`, got `int` - at `$.text`"),
        ({"text": [{"type": 5}]}, "at `$.text[0].type`"),
        ({"reactions": {"count": 1}}, "at `$.reactions`"),
        ({"location_information": {"latitude": 1}}, "longitude"),
    ],
)
def test_a_message_of_another_shape_is_named_and_nothing_is_left_out(
    changed: dict[str, Any], problem: str
) -> None:
    file = export(**changed)
    messages, error = read(file)
    assert [message.id for message in messages] == [1]
    assert problem in error.problem
    assert file[error.offset : error.offset + 1] == b"{"
    assert "mend or remove it" in error.advice


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b'"text 2"', b"text 2"),
        (b'"text 2"', b"\xff"),
        (b'"text 2"', b'"\xff"'),
        (b'"text 2"', b"\x00\x01"),
        (b'"text 2"', b'"text 2'),
        (b'"text 2"', b'text 2"'),
        (b'"text 2"', b'"text 2", "z": [1 2]'),
    ],
)
@pytest.mark.parametrize("indented", [True, False])
def test_garbage_in_a_message_is_found_near_its_byte(good: bytes, bad: bytes, indented: bool) -> None:
    file = export() if indented else json.dumps(json.loads(export())).encode()
    file = file.replace(good, bad)
    messages, error = read(file)
    assert [message.id for message in messages] == [1]
    assert 0 <= error.offset - file.index(bad) <= 20
    assert "was changed after Telegram Desktop wrote it" in error.advice


def test_garbage_after_a_control_character_is_still_garbage() -> None:
    file = export().replace(b'"text 2"', rb'"\x01", "z": nul')
    messages, error = read(file)
    assert len(messages) == 1
    assert "a message is not JSON" in error.problem


def test_two_messages_without_a_comma_are_refused_between_them() -> None:
    _, error = read(export().replace(b"},\n  {", b"}\n  {", 1))
    assert error.messages == 1
    assert "'{' stands where ',' or ']' is expected" in error.problem


@pytest.mark.parametrize("place", [b'{"z":', b'{"id":7,"type":"x","messages":[{"id":1,"z":'])
@pytest.mark.parametrize("bracket", [b"[", b'{"z":'])
def test_brackets_nested_for_ever_are_refused_and_not_followed(place: bytes, bracket: bytes) -> None:
    _, error = read(place + bracket * 500_000)
    assert error.problem == "brackets are nested deeper than 200"


def test_an_indented_message_nested_too_deep_is_refused() -> None:
    nested = b"[" * 5000 + b"]" * 5000
    _, error = read(export(z="here").replace(b'"here"', nested))
    assert (error.messages, error.problem) == (1, "brackets are nested deeper than 200")


def test_rich_text_of_any_depth_is_read_or_refused() -> None:
    read_messages = set()
    for depth in range(150, 1100, 7):
        deep = b'{"text":' * depth + b'""' + b"}" * depth
        reader = read_export(io.BytesIO(export(rich_message="here").replace(b'"here"', deep)))
        with suppress(ExportError):
            list(reader)
        read_messages.add(reader.stats().messages)
    assert read_messages == {1, 3}


def test_a_string_without_end_is_given_up_after_some_megabytes() -> None:
    file = export() + b" " * 10
    endless = file.replace(b'"text 2"', b'"' + b"x" * 9_000_000)
    _, error = read(endless)
    assert (error.messages, error.problem) == (1, "a value is longer than 4194304 bytes")


def test_a_section_of_any_size_is_skipped() -> None:
    contacts = b"[" + b'{"name":"x","phone":"1"},' * 100_000 + b"{}]"
    file = b'{"contacts":' + contacts + b"," + export()[1:]
    assert [message.id for message in read_export(io.BytesIO(file))] == [1, 2, 3]


def test_a_broken_file_is_counted_up_to_where_it_breaks() -> None:
    file = io.BytesIO(export()[:-40])
    assert count_messages(file) == 2
    assert file.tell() == 0
