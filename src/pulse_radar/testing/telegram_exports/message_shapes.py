"""Messages with something odd about them: forwarded, edited, reacted to, by nobody, in another chat."""

from datetime import timedelta
from typing import Final

from pulse_radar.testing.telegram_exports.media_shapes import Shape
from pulse_radar.testing.telegram_exports.scene import Scene, local_time
from pulse_radar.testing.telegram_exports.speech import JsonObject

__all__ = ["MESSAGE_SHAPES", "POST_SHAPES"]


def _forwarded(scene: Scene) -> JsonObject:
    return scene.post(scene.claim(), forwarded_from="Release notes", forwarded_from_id="channel1403127711")


def _forwarded_from_nobody(scene: Scene) -> JsonObject:
    return scene.post(scene.claim(), forwarded_from=None)


def _saved(scene: Scene) -> JsonObject:
    person = scene.person().name
    return scene.post(scene.claim(), forwarded_from=person, saved_from=person)


def _edited(scene: Scene) -> JsonObject:
    edited = scene.times("edited", scene.now + timedelta(seconds=scene.random.randrange(5, 4000)))
    return {**edited, **scene.post(scene.claim())}


def _reply_to_another_chat(scene: Scene) -> JsonObject:
    return scene.post(scene.claim(), reply_to_message_id=71, reply_to_peer_id="channel1403127711")


def _by_a_deleted_account(scene: Scene) -> JsonObject:
    return {**scene.post(scene.claim()), "from": None, "from_id": "user777000999"}


def _by_nobody(scene: Scene) -> JsonObject:
    message = scene.post(scene.claim())
    del message["from"], message["from_id"]
    return message


def _by_a_channel(scene: Scene) -> JsonObject:
    return {**scene.post(scene.claim()), "from": "Release notes", "from_id": "channel1403127711"}


def _via_a_bot(scene: Scene) -> JsonObject:
    buttons = [
        [{"type": "url", "text": "Read on", "data": "https://wiki.example.org/release"}],
        [{"type": "callback", "text": "Mute", "dataBase64": "bXV0ZT0x", "data": ""}],
    ]
    return {**scene.post(scene.claim(), via_bot="@noticebot"), "inline_bot_buttons": buttons}


def _reactions(scene: Scene) -> JsonObject:
    person = scene.person()
    recent = [{**scene.sent_by(person), "date": local_time(scene.now + timedelta(minutes=3))}]
    reactions: list[JsonObject] = [
        {"type": "emoji", "count": 1 + scene.random.randrange(5), "emoji": "👍", "recent": recent},
        {"type": "emoji", "count": 1, "emoji": "🔥"},
    ]
    return {**scene.post(scene.claim()), "reactions": reactions}


def _rarer_reactions(scene: Scene) -> JsonObject:
    custom = {"type": "custom_emoji", "count": 2, "document_id": "5368324170671202286"}
    return {**scene.post(scene.claim()), "reactions": [custom, {"type": "paid", "count": 50}]}


def _unsupported(_: Scene) -> JsonObject:
    return {"type": "unsupported"}


def _rich(scene: Scene) -> JsonObject:
    subject = scene.random.choice(scene.language.subjects)
    heading = {"type": "heading", "level": 1, "text": {"type": "plain", "text": subject.name}}
    runs = [{"type": "bold", "text": {"type": "plain", "text": fact}} for fact in subject.facts]
    paragraph = {"type": "paragraph", "text": {"type": "concat", "text": runs}}
    message = scene.post()
    del message["text"], message["text_entities"]
    return {**message, "rich_message": {"rtl": False, "part": False, "blocks": [heading, paragraph]}}


def _collapsed_quote(scene: Scene) -> JsonObject:
    return scene.post({"type": "blockquote", "text": scene.claim(), "collapsed": True}, "?")


def _self_destructing(scene: Scene) -> JsonObject:
    path = "(File unavailable, please try again later)"
    return scene.post(photo=path, self_destruct_period_seconds=30)


def _signed_post(scene: Scene) -> JsonObject:
    return scene.post(scene.claim(), author="Grace Obi")


MESSAGE_SHAPES: Final[tuple[Shape, ...]] = (
    _forwarded,
    _forwarded_from_nobody,
    _saved,
    _edited,
    _reply_to_another_chat,
    _by_a_deleted_account,
    _by_nobody,
    _by_a_channel,
    _via_a_bot,
    _reactions,
    _rarer_reactions,
    _unsupported,
    _rich,
    _collapsed_quote,
    _self_destructing,
)

POST_SHAPES: Final[tuple[Shape, ...]] = (_signed_post, _reactions, _edited, _via_a_bot, _forwarded)
