"""A catalogue as an AsyncAPI 3 document: a channel each topic, a message each event, as they are on the wire."""

import json
from typing import Any, Final, TypeAlias

import msgspec

from pulse_radar.catalogue.declared import (
    REFERENCE,
    Catalogue,
    DeclaredEvent,
    DeclaredTopic,
    NotGenerated,
    Schema,
)
from pulse_radar.client.address import Address
from pulse_radar.protocol.grammar import MAX_SEQUENCE

__all__ = ["read_asyncapi", "to_asyncapi"]

_Document: TypeAlias = dict[str, Any]

_VERSION: Final = "3.1.0"
_SCHEMAS: Final = "#/components/schemas/"

# What AsyncAPI has no word for, and a later catalogue is compared by.
_KIND: Final = "x-pulse-kind"
_KEY_FIELD: Final = "x-pulse-key-field"

_KINDS: Final = {
    "log": "Every event counts: each comes once, in order, or is told as missing.",
    "state": "The newest event of each key counts, until the key is deleted.",
}


def to_asyncapi(catalogue: Catalogue, *, title: str, version: str, server: Address) -> _Document:
    """The document, for a server at this address."""
    return {
        "asyncapi": _VERSION,
        "info": {
            "title": title,
            "version": version,
            "description": "Events over one WebSocket: `?topics=` names what to follow, `lastSeq=` where to go on, "
            "`last=` with how many of the newest to begin.",
        },
        "defaultContentType": "application/json",
        "servers": {"pulse": {"host": server.authority, "pathname": server.path, "protocol": server.scheme}},
        "channels": {topic.name: _channel(topic) for topic in catalogue.topics},
        "operations": {f"send.{topic.name}": _operation(topic) for topic in catalogue.topics},
        "components": {"schemas": _moved(catalogue.schemas)},
    }


def read_asyncapi(text: str) -> Catalogue:
    """The catalogue that a document was generated from. Raises: NotGenerated."""
    try:
        document = json.loads(text.replace(f'"$ref": "{_SCHEMAS}', f'"$ref": "{REFERENCE}'))
        topics = [_read_topic(name, channel) for name, channel in document["channels"].items()]
        return msgspec.convert({"topics": topics, "schemas": document["components"]["schemas"]}, Catalogue)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise NotGenerated(f"this is no document that asyncapi wrote ({error!r})") from error


def _read_topic(name: str, channel: _Document) -> _Document:
    messages = channel["messages"].items()
    # Of what is not typed the name is any text.
    typed = [
        (event, message)
        for event, message in messages
        if "const" in message["payload"]["properties"]["event"]
    ]
    events = [
        {
            "name": event,
            "data": message["payload"]["properties"]["data"],
            "key_field": message.get(_KEY_FIELD),
        }
        for event, message in typed
    ]
    return {"name": name, "kind": channel[_KIND], "events": events}


def _channel(topic: DeclaredTopic) -> _Document:
    return {
        "address": topic.name,
        "title": topic.name,
        "description": _KINDS[topic.kind],
        _KIND: topic.kind,
        "servers": [{"$ref": "#/servers/pulse"}],
        "messages": {event.name: _message(topic, event) for event in topic.events}
        or {"event": _any_message(topic)},
    }


def _operation(topic: DeclaredTopic) -> _Document:
    """What the server does: it sends."""
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"Events of {topic.name}, to whoever follows it.",
    }


def _message(topic: DeclaredTopic, event: DeclaredEvent) -> _Document:
    fields = {"event": {"const": event.name}, "data": _moved(event.data)}
    message = {"name": event.name, "title": event.name, "payload": _frame(topic, fields)}
    if event.key_field is not None:
        message["description"] = f"Its key is the field {event.key_field}."
        message[_KEY_FIELD] = event.key_field
    return message


def _any_message(topic: DeclaredTopic) -> _Document:
    """Nothing is said of what is published here."""
    return {
        "name": "event",
        "title": "any event",
        "payload": _frame(topic, {"event": {"type": "string"}, "data": {}}),
    }


def _frame(topic: DeclaredTopic, fields: Schema) -> Schema:
    """An event's frame (PROTOCOL.md)."""
    properties = {
        "topic": {"const": topic.name},
        **fields,
        "_seq": {"type": "integer", "minimum": 0, "maximum": MAX_SEQUENCE},
        "key": {"type": "string"},
        "id": {"type": "string"},
        "ts": {"type": "integer", "description": "Milliseconds since 1970."},
    }
    if topic.kind == "state":
        properties["deleted"] = {"type": "boolean", "description": "Its key is no more."}
    return {"type": "object", "required": ["topic", "event", "data", "_seq"], "properties": properties}


def _moved(schema: Schema) -> Schema:
    """The same with references to where an AsyncAPI document keeps its schemas."""
    moved: Schema = json.loads(json.dumps(schema).replace(f'"$ref": "{REFERENCE}', f'"$ref": "{_SCHEMAS}'))
    return moved
