"""The JSON of the Bot API: every key that is read is named in this file.

Source: https://core.telegram.org/bots/api, version 9. A key that is not named here may hold anything.
"""

import msgspec
from msgspec import Raw, field

__all__ = [
    "RawAnswer",
    "RawChat",
    "RawEntity",
    "RawMessage",
    "RawUpdate",
    "RawUser",
    "decode_answer",
    "decode_message",
    "decode_updates",
    "decode_user",
]


class RawUser(msgspec.Struct, gc=False):
    id: int
    first_name: str = ""
    last_name: str | None = None
    username: str | None = None

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.first_name, self.last_name)))


class RawChat(msgspec.Struct, gc=False):
    """`type` is `private`, `group`, `supergroup` or `channel`."""

    id: int
    type: str
    title: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None

    @property
    def name(self) -> str | None:
        return self.title or " ".join(filter(None, (self.first_name, self.last_name))) or None


class RawEntity(msgspec.Struct, gc=False):
    """A stretch of text. Units: `offset` and `length` in code units of UTF-16."""

    type: str
    offset: int
    length: int
    url: str | None = None
    user: RawUser | None = None
    language: str | None = None
    custom_emoji_id: str | None = None


class RawReply(msgspec.Struct, gc=False):
    message_id: int
    chat: RawChat


class RawOption(msgspec.Struct, gc=False):
    text: str
    voter_count: int = 0


class RawPoll(msgspec.Struct, gc=False):
    question: str
    options: list[RawOption] = []
    total_voter_count: int = 0
    is_closed: bool = False


class RawTask(msgspec.Struct, gc=False):
    text: str


class RawChecklist(msgspec.Struct, gc=False):
    title: str
    tasks: list[RawTask] = []


class RawMessage(msgspec.Struct, gc=False):
    """A message of a chat, or a post of a channel."""

    message_id: int
    date: int
    chat: RawChat
    sender: RawUser | None = field(name="from", default=None)
    sender_chat: RawChat | None = None
    author_signature: str | None = None
    via_bot: RawUser | None = None
    forward_origin: object = None
    reply_to_message: RawReply | None = None
    # What it says: of what is attached, as the caption.
    text: str | None = None
    entities: list[RawEntity] = []
    caption: str | None = None
    caption_entities: list[RawEntity] = []
    poll: RawPoll | None = None
    checklist: RawChecklist | None = None
    # What is attached: what is read of it is that it is there.
    animation: object = None
    audio: object = None
    contact: object = None
    dice: object = None
    document: object = None
    game: object = None
    invoice: object = None
    location: object = None
    paid_media: object = None
    photo: object = None
    sticker: object = None
    story: object = None
    video: object = None
    video_note: object = None
    voice: object = None


class RawUpdate(msgspec.Struct, gc=False):
    """What is new. Its message is looked into later: one that we cannot read is not to hide those beside it."""

    update_id: int
    message: Raw = Raw(b"")
    channel_post: Raw = Raw(b"")


class RawParameters(msgspec.Struct, frozen=True, gc=False):
    retry_after: float | None = None


class RawAnswer(msgspec.Struct, gc=False):
    """What every call is answered: `result`, or what is wrong."""

    ok: bool
    result: Raw = Raw(b"null")
    error_code: int = 0
    description: str = ""
    parameters: RawParameters = RawParameters()


# Each raises msgspec.DecodeError where it is something else.
decode_answer = msgspec.json.Decoder(RawAnswer).decode
decode_updates = msgspec.json.Decoder(list[RawUpdate]).decode
decode_message = msgspec.json.Decoder(RawMessage).decode
decode_user = msgspec.json.Decoder(RawUser).decode
