"""What is in messages: the atoms, by the default extraction or an agent's, and the topics that they belong to."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from pulse_radar.radar.ingestion.errors import AgentFailed
from pulse_radar.radar.knowledge import Atom, TopicMap, extract
from pulse_radar.radar.knowledge.provider import Extraction, ProviderExtractor
from pulse_radar.radar.store import Store
from pulse_radar.radar.store.messages import unknown_of
from pulse_radar.radar.store.record import Batch
from pulse_radar.radar.store.topics import refresh_topics
from pulse_radar.radar.telegram import TelegramMessage

__all__ = ["Looking"]

# When topics are found for the first time, so that later atoms come with theirs, and how often again meanwhile: it
# takes up to seconds, which is to be a small share of the whole.
_FIRST_TOPICS_SECONDS: Final = 1.0
_TOPICS_SECONDS: Final = 10.0
_TOPICS_SHARE: Final = 0.05
# Another process may do it at the same time; then we try again, to have our own atoms among the others.
_TOPICS_ATTEMPTS: Final = 3


class Looking:
    """Looks through messages, with `agent` where one is given."""

    def __init__(self, store: Store, agent: ProviderExtractor | None = None) -> None:
        self._store = store
        self._agent = agent
        # As of the last time that they were found.
        self._topics = TopicMap()
        self._topics_due_at = time.monotonic() + _FIRST_TOPICS_SECONDS

    @property
    def most_at_once(self) -> int | None:
        """As many messages as an agent is asked about at the same time: of those a death costs the answers."""
        return None if self._agent is None else self._agent.messages_at_once

    async def through(self, messages: Sequence[TelegramMessage]) -> Batch:
        """These messages with all that is in them. Raises: AgentFailed."""
        if self._agent is None:
            return await asyncio.to_thread(self._by_default, messages)
        async with self._store.reading() as session:
            # Whoever reads an export again does not pay again.
            unknown = await unknown_of(session, messages)
        found = await self._agent.extract(unknown)
        lasting = [fallback.reason for fallback in found.fallbacks if fallback.is_lasting]
        if lasting:
            raise AgentFailed(f"the agent's provider cannot be used: {Counter(lasting).most_common(1)[0][0]}")
        return await asyncio.to_thread(self._by_agent, messages, found)

    def _by_default(self, messages: Sequence[TelegramMessage]) -> Batch:
        atoms = extract(messages)
        return Batch(messages, atoms, self._topics_of(atoms))

    def _by_agent(self, messages: Sequence[TelegramMessage], found: Extraction) -> Batch:
        left = sum(fallback.messages for fallback in found.fallbacks)
        reason = found.fallbacks[-1].reason if found.fallbacks else None
        return Batch(messages, found.atoms, self._topics_of(found.atoms), left, reason)

    def _topics_of(self, atoms: Sequence[Atom]) -> dict[str, str]:
        return {atom.id: topic for atom in atoms if (topic := self._topics.nearest(atom)) is not None}

    async def refresh_topics_in_time(self) -> None:
        """Find the topics of the newest atoms again, if that is due."""
        if time.monotonic() >= self._topics_due_at:
            await self.refresh_topics()

    async def refresh_topics(self) -> None:
        """Find the topics of the newest atoms again."""
        began_at = time.monotonic()
        for _ in range(_TOPICS_ATTEMPTS):
            if (found := await refresh_topics(self._store)) is not None:
                self._topics = found
                break
        now = time.monotonic()
        self._topics_due_at = now + max(_TOPICS_SECONDS, (now - began_at) / _TOPICS_SHARE)

    def __repr__(self) -> str:
        return f"<Looking by {self._agent or 'the default extraction'!r}>"
