"""POST /publish, for what is not Python: one event as JSON, from whoever has the token, or the right."""

from typing import Any, Final

import msgspec
from fastapi import Request
from fastapi.responses import JSONResponse
from msgspec.structs import replace
from pydantic import SecretStr
from starlette.requests import ClientDisconnect

from pulse_radar.brokers.base import Draft
from pulse_radar.errors import (
    BrokerError,
    EventTooLarge,
    InvalidEvent,
    NotPermitted,
    NotRunning,
    OutcomeUnknown,
    SequenceConflict,
    TopicFull,
    TopicMissing,
    UnknownTopic,
    UsageError,
)
from pulse_radar.protocol.grammar import Feed, check_event_id
from pulse_radar.publishing import Publishes, draft_deletion, draft_event
from pulse_radar.server.access import MasterToken, known
from pulse_radar.server.answers import refusal
from pulse_radar.server.hooks import HookTooSlow
from pulse_radar.server.reception import Reception
from pulse_radar.server.visitor import Visitor
from pulse_radar.tracing import resumed, traceparent_here

__all__ = ["PUBLISH_SCHEMA", "PublishEndpoint"]

# Beside the data: names, key, id and punctuation.
_ENVELOPE_BYTES: Final = 4 * 1024

_RETRY_AFTER_SECONDS: Final = 2

PUBLISH_SCHEMA: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["topic"],
                    "properties": {
                        "topic": {"type": "string"},
                        "event": {"type": "string"},
                        "data": {"description": "any JSON", "default": {}},
                        "key": {"type": "string"},
                        "id": {"type": "string", "description": "a repeated id is stored once"},
                        "expectLast": {"type": "integer", "minimum": 0},
                        "ttl": {"type": "number", "minimum": 1, "description": "seconds; of a state topic"},
                        "deleted": {"type": "boolean", "description": "the key of a state topic is no more"},
                    },
                },
                "example": {"topic": "knowledge", "event": "atom_created", "data": {"id": "a1"}},
            }
        },
    },
    "security": [{"bearer": []}],
}


class _Body(msgspec.Struct, rename="camel"):
    topic: str
    event: str | None = None
    data: Any = {}
    key: str | None = None
    id: str | None = None
    expect_last: int | None = None
    ttl: float | None = None
    deleted: bool = False


_decode: Final = msgspec.json.Decoder(_Body).decode


class PublishEndpoint:
    """Publishes what an authorised request says, and answers its position."""

    def __init__(
        self, publishes: Publishes, reception: Reception, token: SecretStr | None, *, max_event_bytes: int
    ) -> None:
        self.publishes: Final = publishes
        self._reception = reception
        self._token = MasterToken(token)
        self._max_body_bytes = max_event_bytes + _ENVELOPE_BYTES

    async def serve(self, request: Request) -> JSONResponse:
        """201 with topic, seq and id; else an error with a code and what to do."""
        try:
            visitor = await self._visitor(request)
            if isinstance(visitor, JSONResponse):
                return visitor
            body = self._parse(await self._read(request))
            # Of whoever asked, where nothing that instruments the app has taken it up.
            with resumed(traceparent_here() or request.headers.get("traceparent")):
                draft = _draft(body)
            if visitor is not None:
                feed = Feed(draft.topic, draft.key)
                if not await visitor.may("publish", feed):
                    return refusal(403, "forbidden", f"you may not publish to '{feed}'")
                if body.id is not None and not await visitor.may("publish", feed.whole):
                    draft = _of_its_key(draft)
            self.publishes.heed_untyped(draft)
            position = await self.publishes.publish_draft(draft, expect_last=body.expect_last)
        except ClientDisconnect:
            # Nobody reads this; it only ends the request without a complaint.
            return refusal(400, "incomplete", "the body did not come to its end")
        except NotRunning as error:
            return refusal(503, "not_running", str(error))
        except HookTooSlow as error:
            return refusal(503, "unavailable", error.detail)
        except (UsageError, BrokerError) as error:
            return _failure(error)
        return JSONResponse({"topic": position.topic, "seq": position.sequence, "id": draft.id}, 201)

    async def _visitor(self, request: Request) -> Visitor | JSONResponse | None:
        """Whose rights are to be asked; None for whoever has the token, which may all. Or why it is not let in."""
        if not self._token and not self._reception.authenticates:
            message = "POST /publish is off: give the app an `authenticate`, or set PULSE_PUBLISH_TOKEN"
            return refusal(404, "off", message)
        refused = self._reception.refusal(request)
        if refused is not None:
            return refusal(403, "foreign", refused)
        return None if self._token.is_shown_by(request) else await known(self._reception, request)

    async def _read(self, request: Request) -> bytes:
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > self._max_body_bytes:
                raise EventTooLarge(f"the body has more than {self._max_body_bytes} bytes")
        return bytes(content)

    def _parse(self, content: bytes) -> _Body:
        try:
            return _decode(content)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise InvalidEvent(f'{error}: the body reads {{"topic": …, "event": …, "data": …}}') from None


def _draft(body: _Body) -> Draft:
    if body.deleted:
        if body.key is None:
            raise InvalidEvent("a deletion names the key that is no more")
        return draft_deletion(body.topic, body.key, body.id)
    return draft_event(body.topic, body.event, body.data, key=body.key, event_id=body.id, ttl=body.ttl)


def _of_its_key(draft: Draft) -> Draft:
    """The draft with an id that no other key has: the next event with an id is taken for the same, whoever sends it."""
    prefix = f"{draft.key}/"
    return draft if draft.id.startswith(prefix) else replace(draft, id=check_event_id(prefix + draft.id))


def _failure(error: UsageError | BrokerError) -> JSONResponse:
    match error:
        case EventTooLarge():
            return refusal(413, "too_large", str(error))
        case UnknownTopic() | TopicMissing():
            return refusal(404, "unknown_topic", str(error))
        case UsageError():
            return refusal(422, "invalid", str(error))
        case SequenceConflict():
            return refusal(409, "conflict", str(error))
        case TopicFull():
            return refusal(409, "topic_full", str(error))
        case NotPermitted():
            return refusal(403, "forbidden", str(error))
        case OutcomeUnknown():
            return _unavailable(refusal(503, "outcome_unknown", str(error), id=error.event_id))
        case _:
            return _unavailable(refusal(503, "unavailable", str(error)))


def _unavailable(response: JSONResponse) -> JSONResponse:
    response.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    return response
