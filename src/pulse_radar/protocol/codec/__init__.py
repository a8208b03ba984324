"""Frames to JSON text and back: nobody else knows the names on the wire.

Fields of the shapes are named as the frames' are; their `rename` is what is said.
"""

from pulse_radar.protocol.codec.client import decode_client, encode_client
from pulse_radar.protocol.codec.events import (
    DELETION,
    EventBody,
    decode_body,
    encode_body,
    encode_event,
)
from pulse_radar.protocol.codec.server import (
    FRAME_SEPARATOR,
    decode_server,
    encode_close,
    encode_server,
    kind_of,
)

__all__ = [
    "DELETION",
    "FRAME_SEPARATOR",
    "EventBody",
    "decode_body",
    "decode_client",
    "decode_server",
    "encode_body",
    "encode_client",
    "encode_close",
    "encode_event",
    "encode_server",
    "kind_of",
]
