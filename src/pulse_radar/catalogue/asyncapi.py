"""A catalogue as an AsyncAPI 3 document: a channel each topic, a message each event, as they are on the wire."""

import json
from typing import Any, Final, TypeAlias

from pulse_radar.catalogue.declared import REFERENCE, Catalogue, DeclaredEvent, DeclaredTopic, Schema
from pulse_radar.client.address import Address
from pulse_radar.protocol.grammar import MAX_SEQUENCE

__all__ = ["to_asyncapi"]

_Document: TypeAlias = dict[str, Any]

_VERSION: Final = "3.1.0"
_SCHEMAS: Final = "#/components/schemas/"

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
            "description": "Events over one WebSocket: `?topics=` names what to follow, `lastSeq=` where to go on.",
        },
        "defaultContentType": "application/json",
        "servers": {"pulse": {"host": server.authority, "pathname": server.path, "protocol": server.scheme}},
        "channels": {topic.name: _channel(topic) for topic in catalogue.topics},
        "operations": {f"send.{topic.name}": _operation(topic) for topic in catalogue.topics},
        "components": {"schemas": _moved(catalogue.schemas)},
    }


def _channel(topic: DeclaredTopic) -> _Document:
    return {
        "address": topic.name,
        "title": topic.name,
        "description": _KINDS[topic.kind],
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
    key = f"Its key is the field {event.key_field}." if event.key_field else None
    return {"name": event.name, "title": event.name, "payload": _frame(topic, fields)} | (
        {"description": key} if key else {}
    )


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
