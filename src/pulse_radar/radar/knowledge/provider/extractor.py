"""Extraction by a provider, with the default one behind it: whatever happens, one of them reads each message."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from pulse_radar.radar.knowledge.atom import Atom, atom_from
from pulse_radar.radar.knowledge.extraction import extract
from pulse_radar.radar.knowledge.provider.access import ProviderAccess, ProviderLimits
from pulse_radar.radar.knowledge.provider.answer import FoundAtom, NoAnswer, Unusable
from pulse_radar.radar.knowledge.provider.budget import TokenBudget
from pulse_radar.radar.knowledge.provider.client import ProviderClient, open_client
from pulse_radar.radar.knowledge.provider.transport import Resolve
from pulse_radar.radar.telegram import Kind, TelegramMessage

__all__ = ["Extraction", "Fallback", "ProviderExtractor", "open_provider"]

_log: Final = logging.getLogger("pulse_radar.knowledge")


class Fallback(msgspec.Struct, frozen=True):
    """So many messages were left to the default extraction, and why. `is_lasting`: so would others be, for now."""

    messages: int
    reason: str
    is_lasting: bool = False


class Extraction(msgspec.Struct, frozen=True):
    """The atoms of some messages, and where the provider could not help."""

    atoms: list[Atom]
    fallbacks: list[Fallback]


class ProviderExtractor:
    """Asks a provider about batches of messages, several at once. Made by `open_provider`.

    Links, polls and checklists are seen and not guessed: they come from the default extraction.
    """

    def __init__(self, client: ProviderClient, limits: ProviderLimits) -> None:
        self._client = client
        self._limits = limits
        self._turn = asyncio.Semaphore(limits.requests_at_once)

    @property
    def messages_at_once(self) -> int:
        """As many as are asked about at the same time."""
        return self._limits.messages_per_request * self._limits.requests_at_once

    async def extract(self, messages: Sequence[TelegramMessage]) -> Extraction:
        """The atoms of these messages, in their order. Never raises because of the provider. Cancel: at any time."""
        written = [message for message in messages if _is_for_reading(message)]
        seen = extract(message for message in messages if not _is_for_reading(message))
        async with asyncio.TaskGroup() as group:
            batches = [group.create_task(self._batch(some)) for some in self._batches(written)]
        results = [batch.result() for batch in batches]
        atoms = [atom for result in results for atom in result.atoms]
        return Extraction(_once([*atoms, *seen]), [fallback for r in results for fallback in r.fallbacks])

    def _batches(self, messages: Sequence[TelegramMessage]) -> Iterator[Sequence[TelegramMessage]]:
        size = self._limits.messages_per_request
        for start in range(0, len(messages), size):
            yield messages[start : start + size]

    async def _batch(self, messages: Sequence[TelegramMessage]) -> Extraction:
        by_default = extract(messages)
        try:
            async with self._turn:
                found = await self._client.ask(messages)
        except NoAnswer as error:
            _log.warning("%d messages are left to the default extraction: %s", len(messages), error)
            return Extraction(by_default, [Fallback(len(messages), str(error), isinstance(error, Unusable))])
        links = [atom for atom in by_default if atom.kind == "link"]
        return Extraction([*_told(messages, found), *links], [])


@asynccontextmanager
async def open_provider(
    access: ProviderAccess,
    *,
    resolve: Resolve,
    limits: ProviderLimits | None = None,
    budget: TokenBudget | None = None,
) -> AsyncIterator[ProviderExtractor]:
    """An extractor, and its connections until it is left. `budget` may be shared with others; else it is its own."""
    limits = limits or ProviderLimits()
    async with open_client(access, limits, budget or TokenBudget(limits.tokens), resolve) as client:
        yield ProviderExtractor(client, limits)


def _is_for_reading(message: TelegramMessage) -> bool:
    is_form = message.poll is not None or message.checklist is not None
    return message.kind is Kind.MESSAGE and bool(message.text.strip()) and not is_form


def _told(messages: Sequence[TelegramMessage], found: Iterable[FoundAtom]) -> Iterator[Atom]:
    numbers: Counter[tuple[int, str]] = Counter()
    for one in sorted(found, key=lambda one: one.message):
        numbers[one.message, one.kind] += 1
        message = messages[one.message]
        local_id = f"{message.id}:{one.kind}:{numbers[one.message, one.kind]}"
        yield atom_from(message, local_id, one.kind, one.title, message.text, one.confidence)


def _once(atoms: Iterable[Atom]) -> list[Atom]:
    once: dict[str, Atom] = {}
    for atom in atoms:
        once[atom.id] = once[atom.id].also_from(atom) if atom.id in once else atom
    return list(once.values())
