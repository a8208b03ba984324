"""Topics as streams: created once, brought to their retention, and renumbered when numbers went back."""

import time
from collections.abc import Callable
from typing import Final

from pulse_radar.brokers.nats.jetstream import ORIGIN, ApiRefused, JetStream, StreamView
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.steps import Identity
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.errors import BrokerRefused

__all__ = ["Streams"]

_NANOSECONDS: Final = 1_000_000_000

# Ten seconds of numbers, a microsecond each.
_ORIGIN_STEP: Final = 10_000_000

_NAME_TAKEN: Final = 10058
_SUBJECTS_TAKEN: Final = 10065

# What makes a stream one of ours. The server cannot change it later, or history would lie.
_KIND: Final[dict[str, tuple[object, object]]] = {
    # name: (what it must be, what the server means when it does not say)
    "retention": ("limits", "limits"),
    "storage": ("file", "file"),
    "mirror": (None, None),
    "sources": (None, None),
    "sealed": (False, False),
}


class Streams:
    """Sees to it that a topic's stream is there and is as it should be.

    `now` tells seconds since 1970: numbering starts from the microsecond of creation.
    Raises everywhere: BrokerUnavailable, NotPermitted, BrokerRefused.
    """

    def __init__(
        self,
        jetstream: JetStream,
        naming: Naming,
        *,
        duplicate_window_seconds: float,
        replicas: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._jetstream = jetstream
        self._naming = naming
        self._duplicate_window_seconds = duplicate_window_seconds
        self._replicas = replicas
        self._now = now

    async def declare(self, spec: LogTopic) -> None:
        """Create the stream, or bring the existing one to this retention."""
        name = self._naming.stream(spec.name)
        view = await self._jetstream.view(name)
        if view is None:
            view = await self._create(name, spec)
        if view is None:
            return
        self._check_kind(view, spec)
        changed = {key: value for key, value in self._wanted(spec).items() if view.config.get(key) != value}
        if changed:
            # With its own first_seq: with another one the server says yes and purges at its next start.
            await self._jetstream.update(name, view.config | changed)
        if view.sight.is_torn:
            await self._finish_renumbering(name, view)

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
        metadata = view.config.get("metadata")
        kept = metadata if isinstance(metadata, dict) else {}
        await self._jetstream.update(name, view.config | {"metadata": {**kept, ORIGIN: str(origin)}})

    async def _finish_renumbering(self, name: str, view: StreamView) -> None:
        await self._jetstream.purge_below(name, view.sight.extent.origin)

    async def _create(self, name: str, spec: LogTopic) -> StreamView | None:
        """Create it; the view of the one that somebody else created first."""
        config = self._wanted(spec) | {
            "name": name,
            "subjects": self._naming.subjects(spec.name),
            "retention": "limits",
            "storage": "file",
            "num_replicas": self._replicas,
            "first_seq": self._microseconds(),
        }
        try:
            await self._jetstream.create(name, config)
        except ApiRefused as refused:
            if refused.code == _NAME_TAKEN:
                return await self._jetstream.view(name)
            if refused.code == _SUBJECTS_TAKEN:
                raise BrokerRefused(
                    f"another stream already collects {self._naming.subject(spec.name)}: delete it, or "
                    f"choose a namespace for this system ({refused})"
                ) from refused
            raise
        return None

    def _wanted(self, spec: LogTopic) -> dict[str, object]:
        """What may change in the life of a stream."""
        age = 0 if spec.max_age_seconds is None else int(spec.max_age_seconds * _NANOSECONDS)
        window = int(self._duplicate_window_seconds * _NANOSECONDS)
        return {
            "max_msgs": spec.retain,
            "max_age": age,
            "max_bytes": spec.max_bytes,
            # The server refuses a window longer than the age.
            "duplicate_window": min(window, age) if age else window,
            "discard": "old",
            "allow_direct": True,
            "deny_delete": True,
            "republish": {"src": self._naming.everything, "dest": self._naming.live},
        }

    def _check_kind(self, view: StreamView, spec: LogTopic) -> None:
        name = self._naming.stream(spec.name)
        wrong = [
            f"{key} is {view.config.get(key, default)!r}, not {wanted!r}"
            for key, (wanted, default) in _KIND.items()
            if view.config.get(key, default) != wanted
        ]
        subjects = view.config.get("subjects")
        wanted_subjects = self._naming.subjects(spec.name)
        if not isinstance(subjects, list) or sorted(subjects) != sorted(wanted_subjects):
            wrong.append(f"subjects are {subjects}, not {wanted_subjects}")
        per_key = view.config.get("max_msgs_per_subject", -1)
        if isinstance(per_key, int) and per_key > 0:
            wrong.append(f"it keeps {per_key} events per key: a state topic")
        if wrong:
            raise BrokerRefused(
                f"the stream {name} exists, but it is not the topic {spec.name!r}: {'; '.join(wrong)}. "
                f"Delete it with its events (nats stream rm {name}), or choose another topic or namespace"
            )

    def _microseconds(self) -> int:
        return int(self._now() * 1_000_000)
