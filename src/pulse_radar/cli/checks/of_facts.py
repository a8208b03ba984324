"""What a server says of itself and of a topic's stream, judged: is it as this system needs it?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pulse_radar.brokers.topic_spec import TopicSpec
from pulse_radar.cli.checks.finding import Finding, doubt, fine, skipped, trouble
from pulse_radar.cli.wording import counted, size_for_people
from pulse_radar.settings import Settings

if TYPE_CHECKING:
    from pulse_radar.brokers.nats.facts import ServerFacts, StreamFacts

__all__ = ["judge_server", "judge_stream"]

# Of a publish, beside its data.
_ENVELOPE_BYTES: Final = 4 * 1024

# On these a reader that is far behind while others publish never catches up. (2.11.10 and 2.12.2 are well.)
_STALLING_VERSIONS: Final = ("2.12.0", "2.12.1")


def judge_server(facts: "ServerFacts", settings: Settings, name: str | None) -> Iterator[Finding]:
    """First that it is there; `name`: what people call it, None for its address."""
    yield fine("broker", _said(facts, name))
    if facts.version in _STALLING_VERSIONS:
        yield doubt(
            "broker",
            f"nats-server {facts.version} stalls: whoever is far behind may never catch up",
            "install 2.12.2 or newer",
        )
    if settings.replicas > 1 and not facts.is_clustered:
        yield doubt(
            "broker",
            f"PULSE_REPLICAS is {settings.replicas}, and this server is no part of a cluster: no topic can be made",
            "set PULSE_REPLICAS to 1, or see docs/OPERATIONS.md, 'A cluster'; a leaf node of one is well",
        )
    yield from _largest_message(facts, settings)
    yield from _account(facts)


def _said(facts: "ServerFacts", name: str | None) -> str:
    said = f"{name or facts.place}: nats-server {facts.version} with JetStream"
    if facts.stored_bytes is not None:
        limit = facts.storage_limit_bytes
        said += f", {size_for_people(facts.stored_bytes)} stored"
        said += "" if limit is None else f" of {size_for_people(limit)}"
    return said


def _largest_message(facts: "ServerFacts", settings: Settings) -> Iterator[Finding]:
    if facts.largest_message_bytes < settings.max_event_bytes + _ENVELOPE_BYTES:
        yield doubt(
            "limits",
            f"events may have {size_for_people(settings.max_event_bytes)} (PULSE_MAX_EVENT_BYTES), and the server "
            f"takes {size_for_people(facts.largest_message_bytes)} with the headers",
            "raise max_payload in the server's configuration, or lower PULSE_MAX_EVENT_BYTES",
        )


def _account(facts: "ServerFacts") -> Iterator[Finding]:
    stored, limit = facts.stored_bytes, facts.storage_limit_bytes
    if stored is None:
        yield skipped(
            "limits",
            "how much the account stores, and may store, these credentials may not ask",
            "`nats account info` with others says it; an API process does not need to",
        )
    elif limit is not None and stored > 0.9 * limit:
        yield doubt(
            "limits",
            f"{size_for_people(stored)} of the {size_for_people(limit)} are stored that the account may store",
            "raise max_file of the account, or let topics keep less (retain, max_age, max_bytes)",
        )


def judge_stream(facts: "StreamFacts | None", spec: TopicSpec, settings: Settings) -> Finding:
    """`facts`: None, where there is no such stream."""
    if facts is None:
        return skipped(
            "streams",
            f"{spec.name} is not there yet",
            "the app creates it when it starts, and so does `pulse-radar topics apply`",
        )
    if facts.refused is not None:
        return trouble("streams", facts.refused, "as it says; or declare the topic as it is kept")
    said = f"{spec.name}: {counted(facts.events, 'event')}, {size_for_people(facts.size_bytes)}"
    return _difference(facts, said, settings) or fine("streams", said)


def _difference(facts: "StreamFacts", said: str, settings: Settings) -> Finding | None:
    if facts.changes:
        return doubt(
            "streams",
            f"{said}; kept otherwise than declared: {'; '.join(facts.changes)}",
            "start the app, which widens what is too narrow; `pulse-radar topics apply` makes it as declared, and "
            "deletes what is beyond",
        )
    if facts.replicas != settings.replicas:
        return doubt(
            "streams",
            f"{said}; {facts.replicas} replicas, and PULSE_REPLICAS is {settings.replicas}, which is for new streams",
            f"nats stream edit {facts.name} --replicas {settings.replicas}, or set PULSE_REPLICAS to what is meant",
        )
    return None
