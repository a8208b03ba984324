"""The agent that is to read an export: its instructions and model, and its provider with the key opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import or_, select

from pulse_radar.radar.ingestion.errors import AgentFailed
from pulse_radar.radar.knowledge.provider import ProviderAccess, ProviderExtractor, open_provider
from pulse_radar.radar.outside import addresses_of
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store import Agent, Provider, Store
from pulse_radar.radar.vault import CannotOpen, Vault

__all__ = ["access_of", "open_agent"]


@asynccontextmanager
async def open_agent(called: str, store: Store, settings: RadarSettings) -> AsyncIterator[ProviderExtractor]:
    """What the agent of this id or name finds in messages, as it is kept now. Raises: AgentFailed, InvalidSetting."""

    async def resolve(url: str) -> list[str]:
        return await addresses_of(url, allow_private=settings.allow_private_providers)

    access = await access_of(called, store, Vault(settings.secret_key))
    async with open_provider(access, resolve=resolve) as extractor:
        yield extractor


async def access_of(called: str, store: Store, vault: Vault) -> ProviderAccess:
    """How its provider is asked. Raises: AgentFailed, where it cannot be."""
    agent, provider = await _kept(called, store)
    if not agent.is_enabled:
        raise AgentFailed(f"the agent {agent.name!r} is off")
    if provider is None:
        raise AgentFailed(f"the agent {agent.name!r} has no provider")
    model = agent.model or provider.model
    if not model:
        raise AgentFailed(
            f"neither the agent {agent.name!r} nor its provider {provider.name!r} names a model"
        )
    try:
        key = None if provider.secret is None else vault.open(provider.secret)
    except CannotOpen as error:
        raise AgentFailed(str(error)) from None
    return ProviderAccess(base_url=provider.base_url, model=model, key=key, instructions=agent.instructions)


async def _kept(called: str, store: Store) -> tuple[Agent, Provider | None]:
    agents = select(Agent).where(or_(Agent.id == called, Agent.name == called)).limit(2)
    async with store.reading() as session:
        found = (await session.scalars(agents)).all()
        if len(found) != 1:
            raise AgentFailed(f"there {'are several agents' if found else 'is no agent'} called {called!r}")
        [agent] = found
        provider = select(Provider).where(Provider.id == agent.provider_id)
        return agent, await session.scalar(provider)
