"""Service messages: what Telegram reports in groups, in private chats and in channels."""

from typing import Final

from pulse_radar.testing.telegram_exports.media_shapes import Shape
from pulse_radar.testing.telegram_exports.scene import Scene, say
from pulse_radar.testing.telegram_exports.speech import JsonObject

__all__ = ["CHANNEL_SERVICES", "GROUP_SERVICES", "PRIVATE_SERVICES"]


def _bots_own_report(scene: Scene) -> JsonObject:
    """Without an `action`."""
    person = scene.person()
    actor: JsonObject = {"actor": person.name, "actor_id": person.peer}
    return {"type": "service", **actor, "information_text": "The board was opened", **say()}


def _by_a_deleted_account(scene: Scene) -> JsonObject:
    return {**scene.service("join_group_by_request"), "actor": None}


def _came_near(_: Scene) -> JsonObject:
    ends: JsonObject = {"from": "Ann Keller", "from_id": "user411200300", "to": None, "to_id": "user2"}
    return {"type": "service", "action": "proximity_reached", **ends, "distance": 200, **say()}


def _payment(scene: Scene) -> JsonObject:
    keys: JsonObject = {"amount": 19900, "currency": "EUR", "invoice_message_id": scene.earlier()}
    return {"type": "service", "action": "send_payment", **keys, **say()}


GROUP_SERVICES: Final[tuple[Shape, ...]] = (
    lambda scene: scene.service("create_group", title="Pulse team", members=scene.names(4)),
    lambda scene: scene.service("invite_members", members=scene.names(2)),
    lambda scene: scene.service("remove_members", members=scene.names(1)),
    lambda scene: scene.service("join_group_by_link", inviter=scene.person().name),
    _by_a_deleted_account,
    lambda scene: scene.service("edit_group_title", title="Pulse team, all of us"),
    lambda scene: scene.service("edit_group_photo", photo="photos/photo_2@04-03-2024_09-30-11.jpg"),
    lambda scene: scene.service("delete_group_photo"),
    lambda scene: scene.service("pin_message", message_id=scene.earlier()),
    lambda scene: scene.service("topic_created", title="Releases"),
    lambda scene: scene.service("topic_edit", new_title="Releases and rollbacks", new_icon_emoji_id=53683),
    lambda scene: scene.service("group_call", duration=1260),
    lambda scene: scene.service("invite_to_group_call", members=scene.names(3)),
    lambda scene: scene.service("group_call_scheduled", schedule_date=1710320400),
    lambda scene: scene.service("set_messages_ttl", period=604800),
    lambda scene: scene.service("score_in_game", game_message_id=scene.earlier(), score=1240),
    lambda scene: scene.service("boost_apply", boosts=4),
    lambda scene: scene.service("todo_completions", completed=[1, 2], incompleted=[]),
    _bots_own_report,
)

PRIVATE_SERVICES: Final[tuple[Shape, ...]] = (
    lambda scene: scene.service("phone_call", duration_seconds=372, discard_reason="hangup"),
    lambda scene: scene.service("phone_call", discard_reason="missed"),
    lambda scene: scene.service("phone_call", discard_reason="busy"),
    lambda scene: scene.service("phone_call", discard_reason="disconnect"),
    lambda scene: scene.service("phone_call"),
    lambda scene: scene.service("joined_telegram"),
    lambda scene: scene.service("take_screenshot"),
    lambda scene: scene.service("clear_history"),
    lambda scene: scene.service("edit_chat_theme", emoticon="🌸"),
    lambda scene: scene.service("set_chat_wallpaper"),
    lambda scene: scene.service("suggest_profile_photo", photo="profile_pictures/photo_1.jpg"),
    lambda scene: scene.service("send_premium_gift", cost="11,99 EUR", months=3),
    lambda scene: scene.service("allow_sending_messages", reason_domain="example.org"),
    _payment,
    _came_near,
)

CHANNEL_SERVICES: Final[tuple[Shape, ...]] = (
    lambda scene: scene.service("create_channel", title="Release notes"),
    lambda scene: scene.service("pin_message", message_id=scene.earlier()),
    lambda scene: scene.service("edit_group_photo", photo="photos/photo_9@04-03-2024_09-30-11.jpg"),
)
