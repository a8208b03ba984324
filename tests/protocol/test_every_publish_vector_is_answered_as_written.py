"""POST /publish, as protocol/vectors/publish.json has it, against the endpoint itself."""

import json

from pydantic import SecretStr
from starlette.requests import Request
from starlette.types import Message

from pulse_radar.brokers.base import Draft
from pulse_radar.errors import SequenceConflict, UnknownTopic
from pulse_radar.publishing import Position, Publishes
from pulse_radar.server.admission import Admission
from pulse_radar.server.policy import Policy
from pulse_radar.server.publish_endpoint import PublishEndpoint
from pulse_radar.server.reception import Reception
from tests.protocol.vectors import load

TOKEN = "a-token-of-the-tests"


class Knowledge(Publishes):
    """A publisher with one topic, whose newest event has the number 142 and no key."""

    async def publish_draft(self, draft: Draft, *, expect_last: int | None = None) -> Position:
        if draft.topic != "knowledge":
            raise UnknownTopic(f"unknown topic {draft.topic!r}")
        if expect_last not in (None, 0):
            raise SequenceConflict(f"the newest is 0, not {expect_last}")
        return Position(draft.topic, 143)


async def test_every_request_is_answered_as_written() -> None:
    reception = Reception(Admission(allowed_hosts=["localhost"], allowed_origins=[]), Policy())
    endpoint = PublishEndpoint(Knowledge(), reception, SecretStr(TOKEN), max_event_bytes=10_000)
    for vector in load("publish")["requests"]:
        response = await endpoint.serve(request(vector["body"].encode()))
        answer = json.loads(bytes(response.body))
        if "error" in answer:
            assert answer["error"].pop("message"), vector["name"]
        assert (response.status_code, answer) == (vector["status"], vector["answer"]), vector["name"]


def request(body: bytes) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {TOKEN}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/publish", "headers": headers, "query_string": b""}
    return Request(scope, receive)
