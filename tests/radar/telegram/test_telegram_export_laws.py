"""What holds for every export, however it is written, cut or damaged."""

import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_radar.radar.telegram import ExportError, TelegramMessage, count_messages, read_export
from pulse_radar.testing.telegram_exports import write_export

# What else may stand in an export, with all that could confuse a search for brackets and quotes.
TEXTS = st.text(alphabet=st.sampled_from('{}[]",:\\/ \n\tné👍x'), max_size=12) | st.text(max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
EXTRA = st.dictionaries(TEXTS.map(lambda name: f"x{name}"), JSON, max_size=3)
MESSAGES = st.builds(
    lambda message_id, text, extra: {"id": message_id, "date": "2024-05-01T12:00:00", "text": text, **extra},
    st.integers(-(2**53), 2**53),
    TEXTS | st.lists(TEXTS | st.builds(lambda text: {"type": "bold", "text": text}, TEXTS), max_size=3),
    EXTRA,
)
CHATS = st.builds(
    lambda chat_id, name, extra, messages: (
        {"name": name, "type": "private_group", "id": chat_id, **extra, "messages": messages} | extra
    ),
    st.integers(1, 2**53),
    st.none() | TEXTS,
    EXTRA,
    st.lists(MESSAGES, max_size=4),
)
SECTIONS = st.fixed_dictionaries({"about": JSON, "contacts": JSON, "sessions": JSON})
ACCOUNTS = st.builds(
    lambda before, chats, left, after: {
        **before,
        "chats": {"list": chats},
        "left_chats": {"list": left},
        **after,
    },
    SECTIONS,
    st.lists(CHATS, max_size=3),
    st.lists(CHATS, max_size=2),
    EXTRA,
)
WRITTEN = st.builds(
    lambda export, indent, ascii_only, sort: json.dumps(
        export, indent=indent, ensure_ascii=ascii_only, sort_keys=sort
    ).encode(),
    CHATS | ACCOUNTS,
    st.sampled_from([None, 0, 1, 4]),
    st.booleans(),
    st.booleans(),
)
# Arguments of the generator.
GENERATED = st.fixed_dictionaries(
    {
        "messages": st.integers(0, 60),
        "seed": st.integers(0, 2**32),
        "full": st.booleans(),
        "old": st.booleans(),
    }
)


class Dribble(io.BytesIO):
    """A file that is read a few bytes at a time, so that everything is cut everywhere."""

    def __init__(self, content: bytes, step: int) -> None:
        super().__init__(content)
        self._step = step

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._step)


def generated(messages: int, seed: int = 1, *, full: bool = False, old: bool = False) -> bytes:
    out = io.BytesIO()
    write_export(out, messages=messages, seed=seed, full=full, old=old)
    return out.getvalue()


def said(written: bytes) -> list[tuple[int, int, str]]:
    """What an export says, by the plainest means: the chat, the message and its text."""
    export = json.loads(written)
    sections = [export.get(name, {"list": []})["list"] for name in ("chats", "left_chats")]
    chats = [export] if "messages" in export else sections[0] + sections[1]
    return [(chat["id"], message["id"], text_of(message)) for chat in chats for message in chat["messages"]]


def text_of(message: dict[str, Any]) -> str:
    if "rich_message" in message:
        return "\n".join(flat(block) for block in message["rich_message"]["blocks"])
    return flat(message.get("text", ""))


def flat(text: str | list[Any] | dict[str, Any]) -> str:
    match text:
        case str():
            return text
        case list():
            return "".join(flat(part) for part in text)
        case dict():
            return flat(text["text"])


def heard(messages: Sequence[TelegramMessage]) -> list[tuple[int, int, str]]:
    return [(message.chat.id, message.id, message.text) for message in messages]


def read_as_far_as_it_goes(file: bytes) -> tuple[list[TelegramMessage], ExportError | None]:
    messages: list[TelegramMessage] = []
    found: ExportError | None = None
    reader = read_export(io.BytesIO(file))
    try:
        for message in reader:
            messages.append(message)
    except ExportError as error:
        found = error
    assert found is None or (found.messages == len(messages) and 0 <= found.offset <= len(file))
    assert list(reader) == []
    return messages, found


@given(WRITTEN, st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_every_way_of_writing_an_export_is_read_alike_however_it_arrives(written: bytes, step: int) -> None:
    assert heard(list(read_export(Dribble(written, step)))) == said(written)
    assert count_messages(Dribble(written, step)) == len(said(written))


@given(GENERATED)
@settings(max_examples=40, deadline=None)
def test_every_generated_export_is_read_message_for_message(arguments: dict[str, Any]) -> None:
    written = generated(**arguments)
    messages = list(read_export(io.BytesIO(written)))
    assert heard(messages) == said(written)
    assert len(messages) == count_messages(io.BytesIO(written)) == arguments["messages"]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("indented", [False, True])
def test_an_export_cut_at_any_byte_yields_what_was_whole_and_then_one_error(
    full: bool, indented: bool
) -> None:
    written = generated(5, full=full).rstrip()
    if not indented:
        written = json.dumps(json.loads(written)).encode()
    everything = list(read_export(io.BytesIO(written)))
    for cut in range(len(written)):
        messages, error = read_as_far_as_it_goes(written[:cut])
        assert messages == everything[: len(messages)]
        assert error is not None
        assert error.offset == cut or cut == 0


@given(GENERATED, st.data())
@settings(max_examples=100, deadline=None)
def test_messages_before_a_cut_are_all_there(arguments: dict[str, Any], data: st.DataObject) -> None:
    written = generated(**arguments)
    ends: list[int] = []
    reader = read_export(io.BytesIO(written))
    for _ in reader:
        ends.append(reader.stats().bytes_read)
    cut = data.draw(st.integers(0, len(written) - 2))
    messages, error = read_as_far_as_it_goes(written[:cut])
    assert len(messages) == sum(end <= cut for end in ends)
    assert error is not None
    assert count_messages(io.BytesIO(written[:cut])) == len(messages)


@given(GENERATED, st.data(), st.binary(min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_damage_is_an_error_or_nothing_and_never_touches_what_came_before(
    arguments: dict[str, Any], data: st.DataObject, garbage: bytes
) -> None:
    written = generated(**arguments)
    place = data.draw(st.integers(0, len(written)))
    length = data.draw(st.integers(0, 6))
    sound, _ = read_as_far_as_it_goes(written[:place])
    messages, _ = read_as_far_as_it_goes(written[:place] + garbage + written[place + length :])
    assert messages[: len(sound)] == sound


@given(st.binary(max_size=60))
def test_any_bytes_at_all_are_an_export_or_an_error(file: bytes) -> None:
    read_as_far_as_it_goes(file)
    read_as_far_as_it_goes(b'{"id":7,"type":"x","messages":[' + file)
    read_as_far_as_it_goes(
        b'{"id":7,"type":"x","messages":[{"id":1,"date":"2024-05-01","text":' + file + b"}]}"
    )
