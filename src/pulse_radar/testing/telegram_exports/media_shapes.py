"""Messages with something attached, in every way that Telegram Desktop writes it."""

import json
from collections.abc import Callable
from typing import Final, TypeAlias

from pulse_radar.testing.telegram_exports.scene import Scene
from pulse_radar.testing.telegram_exports.speech import JsonObject

__all__ = ["MEDIA_SHAPES", "Shape"]

Shape: TypeAlias = Callable[[Scene], JsonObject]

_NOT_INCLUDED: Final = "(File not included. Change data exporting settings to download.)"
_TOO_BIG: Final = "(File exceeds maximum size. Change data exporting settings to download.)"
_UNAVAILABLE: Final = "(File unavailable, please try again later)"


def _photo(scene: Scene) -> JsonObject:
    number = scene.random.randrange(1, 900)
    path = f"photos/photo_{number}@{scene.now:%d-%m-%Y_%H-%M-%S}.jpg"
    return scene.post(scene.claim(), photo=path, photo_file_size=90_000 + number, width=1280, height=720)


def _photo_left_out(scene: Scene) -> JsonObject:
    keys: JsonObject = {"width": 960, "height": 1280, "media_spoiler": True}
    return scene.post(photo=_NOT_INCLUDED, photo_file_size=104_512, **keys)


def _file(scene: Scene) -> JsonObject:
    name = f"{scene.random.choice(scene.language.subjects).slug}.pdf"
    size = scene.random.randrange(20_000, 4_000_000)
    keys: JsonObject = {"file_name": name, "file_size": size, "mime_type": "application/pdf"}
    return scene.post(scene.claim(), file=f"files/{name}", thumbnail=f"files/{name}_thumb.jpg", **keys)


def _file_too_big(scene: Scene) -> JsonObject:
    keys: JsonObject = {"file_name": "recording.zip", "file_size": 3_221_225_472}
    return scene.post(file=_TOO_BIG, mime_type="application/zip", **keys)


def _sticker(scene: Scene) -> JsonObject:
    keys: JsonObject = {"mime_type": "image/webp", "width": 512, "height": 512}
    return scene.post(file=_NOT_INCLUDED, media_type="sticker", sticker_emoji="👌", **keys)


def _voice(scene: Scene) -> JsonObject:
    path = f"voice_messages/audio_{scene.random.randrange(1, 90)}@{scene.now:%d-%m-%Y_%H-%M-%S}.ogg"
    seconds = scene.random.randrange(2, 180)
    keys: JsonObject = {"mime_type": "audio/ogg", "duration_seconds": seconds}
    return scene.post(file=path, media_type="voice_message", **keys)


def _video_message(scene: Scene) -> JsonObject:
    keys: JsonObject = {"mime_type": "video/mp4", "duration_seconds": 12, "width": 384, "height": 384}
    return scene.post(file=_UNAVAILABLE, media_type="video_message", **keys)


def _video(scene: Scene) -> JsonObject:
    keys: JsonObject = {"mime_type": "video/mp4", "duration_seconds": 64, "width": 1920, "height": 1080}
    return scene.post(scene.claim(), file=_NOT_INCLUDED, media_type="video_file", **keys)


def _animation(scene: Scene) -> JsonObject:
    keys: JsonObject = {"mime_type": "video/mp4", "duration_seconds": 3, "width": 480, "height": 270}
    return scene.post(file=_NOT_INCLUDED, file_name="deploy.gif.mp4", media_type="animation", **keys)


def _song(scene: Scene) -> JsonObject:
    keys: JsonObject = {"performer": "The Late Builds", "title": "Green at Last", "duration_seconds": 215}
    return scene.post(file=_NOT_INCLUDED, media_type="audio_file", mime_type="audio/mpeg", **keys)


def _contact(scene: Scene) -> JsonObject:
    contact = {"first_name": "Nora", "last_name": "Falk", "phone_number": "+44 20 7946 0123"}
    return scene.post(contact_information=contact, contact_vcard="contacts/contact_1.vcard")


def _place(scene: Scene) -> JsonObject:
    return scene.post(location_information={"latitude": 52.520008, "longitude": 13.404954})


def _live_place(scene: Scene) -> JsonObject:
    point = {"latitude": 35.6892, "longitude": 51.389}
    return scene.post(location_information=point, live_location_period_seconds=900)


def _no_place(scene: Scene) -> JsonObject:
    return scene.post(location_information=None)


def _venue(scene: Scene) -> JsonObject:
    point = {"latitude": 55.7558, "longitude": 37.6173}
    return scene.post(place_name="Café Kompass", address="Long Street 4", location_information=point)


def _game(scene: Scene) -> JsonObject:
    link = "https://t.me/gamebot?game=corsairs"
    return scene.post(game_title="Corsairs", game_description="Sail, trade and do not sink.", game_link=link)


def _invoice(scene: Scene) -> JsonObject:
    invoice = {"title": "Conference ticket", "description": "Two days", "amount": 19900, "currency": "EUR"}
    # As text: Telegram Desktop quotes the object.
    return scene.post(invoice_information=json.dumps(invoice, indent=1))


def _poll(scene: Scene) -> JsonObject:
    subject = scene.random.choice(scene.language.subjects)
    answers = [
        {"text": option, "voters": scene.random.randrange(9), "chosen": index == 0}
        for index, option in enumerate(subject.options)
    ]
    total = sum(answer["voters"] for answer in answers if isinstance(answer["voters"], int))
    poll = {"question": subject.question, "closed": False, "total_voters": total, "answers": answers}
    return scene.post(poll=poll)


def _closed_poll(scene: Scene) -> JsonObject:
    """A poll as it is written since questions may hold custom emoji."""
    subject = scene.random.choice(scene.language.subjects)
    question = [
        subject.question,
        {"type": "custom_emoji", "text": "🤔", "document_id": "5368324170671202111"},
    ]
    answers = [{"text": [{"type": "bold", "text": subject.options[0]}], "voters": 3, "chosen": False}]
    return scene.post(poll={"question": question, "closed": True, "total_voters": 3, "answers": answers})


def _checklist(scene: Scene) -> JsonObject:
    subjects = scene.language.subjects
    tasks = [{"text": subject.task, "id": number} for number, subject in enumerate(subjects[:3], 1)]
    keys = {"others_can_append": True, "others_can_complete": True, "answers": tasks}
    return scene.post(todo_list={"title": subjects[0].name, **keys})


MEDIA_SHAPES: Final[tuple[Shape, ...]] = (
    _photo,
    _photo_left_out,
    _file,
    _file_too_big,
    _sticker,
    _voice,
    _video_message,
    _video,
    _animation,
    _song,
    _contact,
    _place,
    _live_place,
    _no_place,
    _venue,
    _game,
    _invoice,
    _poll,
    _closed_poll,
    _checklist,
)
