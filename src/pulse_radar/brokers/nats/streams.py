"""Topics as streams: created once, brought to their retention, replaced, and renumbered when numbers went back."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pulse_radar.brokers.nats import codes
from pulse_radar.brokers.nats.facts import StreamFacts
from pulse_radar.brokers.nats.jetstream import ApiRefused, JetStream
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.steps import Identity
from pulse_radar.brokers.nats.stream_config import StreamConfig
from pulse_radar.brokers.nats.stream_view import (
    ORIGIN,
    REMEMBERS_AFTER,
    StreamView,
    deletions_kept_seconds,
    with_metadata,
)
from pulse_radar.brokers.topic_spec import TopicSpec
from pulse_radar.errors import BrokerRefused

__all__ = ["Streams"]

# Ten seconds of numbers, a microsecond each.
_ORIGIN_STEP: Final = 10_000_000

# Settings of a stream that are durations.
_IN_NANOSECONDS: Final = frozenset({"max_age", "duplicate_window", "subject_delete_marker_ttl"})


class Streams:
    """Sees to it that a topic's stream is there and is as it should be.

    `now` tells seconds since 1970: numbering starts from the microsecond of creation.
    Raises everywhere: BrokerUnavailable, NotPermitted, BrokerRefused.
    """

    def __init__(
        self,
        jetstream: JetStream,
        naming: Naming,
        config: StreamConfig,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._jetstream = jetstream
        self._naming = naming
        self._config = config
        self._now = now

    async def declare(self, specs: Sequence[TopicSpec], *, narrow: bool = False) -> None:
        """Create the streams, or bring those that exist to this retention; to a narrower one only if told to."""
        for spec in specs:
            view = await self._jetstream.view(self._naming.stream(spec.name))
            if view is not None:
                self._config.check(view, spec)
        # None is touched before all of them could be: a start that fails has changed nothing.
        for spec in specs:
            await self._bring(spec, narrow)

    async def _bring(self, spec: TopicSpec, narrow: bool) -> None:
        name = self._naming.stream(spec.name)
        view = await self._jetstream.view(name)
        if view is None:
            view = await self._create(name, spec, self._microseconds())
        if view is None:
            return
        self._config.check(view, spec)
        changed = self._config.changes(view, spec, narrow=narrow)
        if changed:
            # With its own first_seq: with another one the server says yes and purges at its next start.
            await self._jetstream.update(name, _remembering(view, view.config | changed))
        if view.sight.is_torn:
            await self._finish_renumbering(name, view)

    async def replace(self, spec: TopicSpec) -> None:
        """Make the stream anew, whatever it was; numbers go on above the old ones."""
        name = self._naming.stream(spec.name)
        view = await self._jetstream.view(name)
        above = 0 if view is None else view.sight.extent.last + 1
        await self._jetstream.delete(name)
        view = await self._create(name, spec, max(above, self._microseconds()))
        if view is not None:
            # Somebody was quicker, as a process is that follows the topic and found no stream.
            self._config.check(view, spec)

    async def examine(self, spec: TopicSpec) -> StreamFacts | None:
        """Whether the stream is as declared; None where there is none."""
        name = self._naming.stream(spec.name)
        view = await self._jetstream.view(name)
        if view is None:
            return None
        replicas = view.config.get("num_replicas", 1)
        refused = self._refused(view, spec)
        return StreamFacts(
            name,
            refused,
            () if refused else tuple(self._differences(view, spec)),
            replicas if isinstance(replicas, int) else 1,
            view.sight.messages,
            view.size,
            view.looked_at,
        )

    def _differences(self, view: StreamView, spec: TopicSpec) -> Iterator[str]:
        for name, wanted in self._config.changes(view, spec, narrow=True).items():
            yield f"{name} is {_for_people(name, view.config.get(name))}, not {_for_people(name, wanted)}"

    def _refused(self, view: StreamView, spec: TopicSpec) -> str | None:
        try:
            self._config.check(view, spec)
        except BrokerRefused as error:
            return str(error)
        return None

    async def renumber(self, topic: str, known: Identity, above: int) -> None:
        """Move a stream whose numbers went back above all that were ever used; what it holds is gone.

        `known` is the identity in which they went back: of several processes that see it the first one acts,
        and the others find another identity. The new origin is announced before the stream is purged up to
        it: whoever finds it announced and not done finishes it, and twice is as good as once.
        """
        name = self._naming.stream(topic)
        view = await self._jetstream.view(name)
        if view is not None and view.sight.identity == known and not view.sight.is_torn:
            await self._announce_origin(name, view, above)
            view = await self._jetstream.view(name)
        if view is not None and view.sight.is_torn:
            await self._finish_renumbering(name, view)

    async def _announce_origin(self, name: str, view: StreamView, above: int) -> None:
        used = max(above, view.sight.extent.last)
        # Up to a multiple, so that processes which act at the same moment announce the same origin.
        origin = -(-max(used + 1, self._microseconds() - _ORIGIN_STEP) // _ORIGIN_STEP) * _ORIGIN_STEP
        await self._jetstream.update(name, with_metadata(view.config, ORIGIN, origin))

    async def _finish_renumbering(self, name: str, view: StreamView) -> None:
        await self._jetstream.purge_below(name, view.sight.extent.origin)

    async def _create(self, name: str, spec: TopicSpec, origin: int) -> StreamView | None:
        """Create it; the view of the one that somebody else created first."""
        try:
            await self._jetstream.create(name, self._config.new(spec, origin))
        except ApiRefused as refused:
            if refused.code == codes.NAME_TAKEN:
                return await self._jetstream.view(name)
            if refused.code == codes.SUBJECTS_TAKEN:
                raise BrokerRefused(
                    f"another stream already collects {self._naming.subject(spec.name)}: delete it, or "
                    f"choose a namespace for this system ({refused})"
                ) from refused
            raise
        return None

    def _microseconds(self) -> int:
        return int(self._now() * 1_000_000)


def _for_people(name: str, value: object) -> str:
    if name in _IN_NANOSECONDS and isinstance(value, int):
        return f"{value / 1_000_000_000:g} s"
    return str(value)


def _remembering(view: StreamView, config: dict[str, object]) -> dict[str, object]:
    """The new configuration, which says of deletions up to now that they were kept for a shorter time."""
    if deletions_kept_seconds(config) <= view.deletions_kept_seconds:
        return config
    return with_metadata(config, REMEMBERS_AFTER, view.sight.extent.last)
