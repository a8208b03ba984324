"""What is attached to a message: files and photos, there or not, and what needs no file."""

import msgspec
from msgspec import UNSET

from pulse_radar.radar.telegram.shapes import RawContact, RawInvoice, RawMessage
from pulse_radar.radar.telegram.values import Location, Media

__all__ = ["exported", "media_of"]


def media_of(raw: RawMessage) -> Media | None:
    """The attachment of a message, None where there is none."""
    if raw.photo is not None:
        return Media("photo", exported(raw.photo), size_bytes=raw.photo_file_size)
    if raw.file is not None or raw.media_type is not None:
        return _file(raw)
    if raw.contact_information is not None:
        return _contact(raw.contact_information)
    if raw.place_name is not None or raw.location_information is not UNSET:
        return Media("location", title=raw.place_name, description=raw.address, location=_location(raw))
    if raw.game_title is not None:
        return Media("game", title=raw.game_title, description=raw.game_description)
    if raw.invoice_information is not None:
        return _invoice(raw.invoice_information)
    return None


def exported(written: str | None) -> str | None:
    """The path of an exported file. In its place stands a sentence in brackets when it was not exported."""
    return None if not written or written.startswith("(") else written


def _file(raw: RawMessage) -> Media:
    song = " - ".join(name for name in (raw.performer, raw.title) if name)
    return Media(
        raw.media_type or "file",
        exported(raw.file),
        title=song or raw.sticker_emoji or raw.file_name,
        mime_type=raw.mime_type,
        size_bytes=raw.file_size,
        duration_seconds=raw.duration_seconds,
    )


def _contact(raw: RawContact) -> Media:
    name = " ".join(part for part in (raw.first_name, raw.last_name) if part)
    return Media("contact", title=name or None, description=raw.phone_number or None)


def _location(raw: RawMessage) -> Location | None:
    place = raw.location_information
    # None: Telegram Desktop writes null for a place that it cannot show.
    return Location(place.latitude, place.longitude) if place else None


def _invoice(written: str | RawInvoice) -> Media:
    invoice = _unquoted(written) if isinstance(written, str) else written
    return Media("invoice", title=invoice.title, description=invoice.description)


def _unquoted(written: str) -> RawInvoice:
    try:
        return msgspec.json.decode(written, type=RawInvoice)
    except msgspec.DecodeError:
        return RawInvoice(description=written)
