"""The server's stream interface: the few requests we make of it, and what its answers mean."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from pulse_radar.brokers.nats import codes
from pulse_radar.brokers.nats.facts import account_of
from pulse_radar.brokers.nats.link import Link
from pulse_radar.brokers.nats.messages import Copy, Message, is_stored, sequence_of
from pulse_radar.brokers.nats.requests import NobodyAnswers
from pulse_radar.brokers.nats.stream_view import StreamView, view_of
from pulse_radar.brokers.nats.wire_format import Incoming, Outgoing
from pulse_radar.errors import BrokerError, BrokerRefused, BrokerUnavailable, TopicMissing

__all__ = [
    "BATCH_EVENTS",
    "ApiRefused",
    "Batch",
    "JetStream",
    "batch_of",
    "check_api_error",
]

# More of them in one answer and small events would delay everything else on the connection.
BATCH_EVENTS: Final = 1_000
# Without it a thousand events of 200 kB come as one answer of 67 MB.
_BATCH_BYTES: Final = 4 * 1024 * 1024

# A leader shows its stream in milliseconds, and who does not lead says nothing: asked again sooner, one learns sooner
# of the next leader.
_LOOK_SECONDS: Final = 2.0

# 503 and 500 (no leader, no space, shutting down) pass; everything else is an answer.
_PASSING: Final = frozenset({500, 503})


class ApiRefused(BrokerRefused):
    """The server refused a request about a stream; `code` is its own number for the reason."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Batch(msgspec.Struct, frozen=True):
    """Stored messages in their order. `is_end`: nothing followed them where they were read.

    `up_to`: how far the replica that answered had come, where that was asked for.
    """

    messages: tuple[Message, ...]
    is_end: bool
    up_to: int = 0


class _Error(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Acknowledgement(msgspec.Struct):
    seq: int


class _Answer(msgspec.Struct):
    error: _Error | None = None


class _Found(msgspec.Struct):
    message: Copy


class JetStream:
    """Asks a server about its streams. Raises everywhere: BrokerUnavailable, NotPermitted, ApiRefused."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def view(self, stream: str) -> StreamView | None:
        """The stream as a leader knows it who still leads, None if there is none."""
        with self._link.needing_a_leader():
            try:
                answer = await self._ask(f"STREAM.INFO.{stream}", patience_seconds=_LOOK_SECONDS)
                view = view_of(answer)
            except ApiRefused as refused:
                if refused.code == codes.STREAM_NOT_FOUND:
                    return None
                raise
        return await self._with_first(stream, view) if view.sight.is_state else view

    async def _with_first(self, stream: str, view: StreamView) -> StreamView:
        """Say of a state topic since which change no deletion is forgotten."""
        if view.sight.is_torn or view.remembers_all:
            return view.with_first(view.sight.extent.origin)
        oldest = await self._get(stream, start_time=view.remembered_since.isoformat())
        return view.with_first(sequence_of(oldest) if oldest else view.sight.extent.last + 1)

    async def account(self) -> tuple[int, int | None]:
        """The bytes that our account has stored, and that it may store; None: as many as there is room for."""
        return account_of(await self._api("INFO"))

    async def create(self, stream: str, config: dict[str, object]) -> None:
        await self._api(f"STREAM.CREATE.{stream}", config)

    async def delete(self, stream: str) -> None:
        """With everything in it; if there is none, that is fine."""
        try:
            await self._api(f"STREAM.DELETE.{stream}")
        except ApiRefused as refused:
            if refused.code != codes.STREAM_NOT_FOUND:
                raise

    async def update(self, stream: str, config: dict[str, object]) -> None:
        await self._api(f"STREAM.UPDATE.{stream}", config)

    async def purge_below(self, stream: str, sequence: int) -> None:
        """Remove all before `sequence`; the next event gets at least this number."""
        await self._api(f"STREAM.PURGE.{stream}", {"seq": sequence})

    async def batch(self, stream: str, subject: str, first: int, limit: int = BATCH_EVENTS) -> Batch:
        """Messages on a subject (`>`: any) from `first` on, in one answer, any replica's.

        Raises: NobodyAnswers, where no replica is ready to; BrokerUnavailable also if one was lost on the way.
        """
        return await self._direct(
            stream,
            {
                "seq": first,
                "batch": min(limit, BATCH_EVENTS),
                "max_bytes": _BATCH_BYTES,
                "next_by_subj": subject,
            },
        )

    async def newest(self, stream: str, subjects: Sequence[str]) -> Batch:
        """The newest message on each subject, and how far the replica had come that says so: 0 if it has none.

        Raises: as `batch`.
        """
        return await self._direct(stream, {"multi_last": subjects})

    async def _direct(self, stream: str, question: dict[str, object]) -> Batch:
        answers = await self._link.ask(
            f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(question), is_complete=_is_status
        )
        return batch_of(answers)

    async def next(self, stream: str, subject: str, first: int) -> Message | None:
        """The first message on a subject from `first` on, by the stream's leader, who lags behind nobody.

        Raises: TopicMissing.
        """
        return await self._get(stream, seq=first, next_by_subj=subject)

    async def last(self, stream: str, subject: str) -> Message | None:
        """The last message on a subject, by the stream's leader. Raises: TopicMissing."""
        return await self._get(stream, last_by_subj=subject)

    async def _get(self, stream: str, **question: object) -> Message | None:
        try:
            answer = await self._api(f"STREAM.MSG.GET.{stream}", question)
        except ApiRefused as refused:
            if refused.code == codes.NO_MESSAGE:
                return None
            if refused.code == codes.STREAM_NOT_FOUND:
                raise TopicMissing(f"{self._link.access} has no stream {stream}") from refused
            raise
        return msgspec.json.decode(answer, type=_Found).message

    async def store(self, subject: str, body: bytes, headers: dict[str, str]) -> int:
        """Store a message and return its number. Raises: NobodyAnswers, where no stream collects the subject."""
        with self._link.needing_a_leader():
            [answer] = await self._link.ask(subject, body, headers)
            check_api_error(answer.data)
        return _number(answer.data)

    async def store_batch(self, messages: Sequence[Outgoing]) -> int:
        """Store messages with the headers of a batch, all or none, and return the last one's number.

        Raises: BrokerUnavailable, when nobody knows whether they are stored.
        """
        *before, last = messages
        with self._link.needing_a_leader():
            [answer] = await self._link.ask(last.subject, last.payload, last.headers, preceded_by=before)
            check_api_error(answer.data)
        return _number(answer.data)

    async def _api(self, request: str, question: dict[str, object] | None = None) -> bytes:
        with self._link.needing_a_leader():
            return await self._ask(request, question)

    async def _ask(
        self,
        request: str,
        question: dict[str, object] | None = None,
        *,
        patience_seconds: float = math.inf,
    ) -> bytes:
        payload = b"" if question is None else msgspec.json.encode(question)
        try:
            [answer] = await self._link.ask(f"$JS.API.{request}", payload, patience_seconds=patience_seconds)
        except NobodyAnswers as error:
            raise BrokerUnavailable(
                f"JetStream does not answer on {self._link.access}: is it switched on (nats-server -js)?"
            ) from error
        check_api_error(answer.data)
        return answer.data


def check_api_error(answer: bytes) -> None:
    """Raises: ApiRefused or BrokerUnavailable, if the server's JSON says that something went wrong."""
    # An acknowledgement comes for each event, and nearly all are good.
    if b'"error"' not in answer:
        return
    try:
        error = msgspec.json.decode(answer, type=_Answer).error
    except msgspec.DecodeError as problem:
        raise BrokerUnavailable(f"an answer that is no JSON: {problem}") from problem
    if error is not None:
        raise _explain(error)


def _explain(error: _Error) -> BrokerError:
    if error.err_code == codes.NO_ROOM and "maximum" in error.description:
        # A limit of the stream; what a full disk is told by has the same number.
        return ApiRefused(error.description, codes.NO_ROOM)
    if error.code in _PASSING or error.err_code in codes.PASSING:
        return BrokerUnavailable(f"the server cannot do it now: {error.description}")
    return ApiRefused(f"the server refuses: {error.description}", error.err_code)


def _number(answer: bytes) -> int:
    try:
        return msgspec.json.decode(answer, type=_Acknowledgement).seq
    except msgspec.DecodeError as error:
        raise BrokerUnavailable(f"an answer that is no acknowledgement: {answer[:80]!r}") from error


def _is_status(message: Incoming) -> bool:
    return not is_stored(message)


def batch_of(answers: list[Incoming]) -> Batch:
    """What the answers to one request are together. Raises: BrokerUnavailable, if one is missing."""
    *messages, end = answers
    headers = end.headers or {}
    match headers.get("Status"):
        case "404":
            return Batch((), is_end=True)
        case "204":
            _check_chain([*messages, end])
            is_end = headers.get("Nats-Num-Pending") == "0"
            return Batch(tuple(messages), is_end, up_to=int(headers.get("Nats-UpTo-Sequence", 0)))
        case status:
            raise BrokerUnavailable(f"no batch: {status} {headers.get('Description', '')}")


def _check_chain(messages: list[Incoming]) -> None:
    """Each names the one before it: one that was dropped on the way must not pass for an expired one."""
    before = "0"
    for message in messages:
        headers = message.headers or {}
        if headers.get("Nats-Last-Sequence", "0") != before:
            raise BrokerUnavailable(f"a message after {before} was lost on the way")
        before = headers.get("Nats-Sequence", "")
