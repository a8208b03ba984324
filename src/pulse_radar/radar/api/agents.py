"""Agents: who works, with which model of which provider, by which instructions."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from pulse_radar.radar.api.kept import FAILURES, IfMatch, Reference, Shelf, changed, new_id
from pulse_radar.radar.api.lists import Before, Limit, Page, page_of
from pulse_radar.radar.kept_events import AgentCreated, AgentDeleted, AgentShown, AgentUpdated
from pulse_radar.radar.running import Radar
from pulse_radar.radar.store import Agent

__all__ = ["agents_router"]

_Name = Annotated[str, Field(min_length=1, max_length=200, examples=["Archivist"])]
_Instructions = Annotated[str, Field(max_length=20_000)]
_Model = Annotated[str | None, Field(max_length=200, examples=["gpt-4o-mini"])]


class NewAgent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: _Name
    instructions: _Instructions = ""
    model: _Model = None
    provider_id: Reference = None
    is_enabled: bool = True


class AgentChanges(BaseModel):
    """What is not said stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: _Name = ""
    instructions: _Instructions = ""
    model: _Model = None
    provider_id: Reference = None
    is_enabled: bool = True


def agents_router(radar: Radar) -> APIRouter:
    router = APIRouter(prefix="/agents", tags=["agents"])
    reads = Depends(radar.pulse.requires("read", "agents"))
    changes_them = Depends(radar.pulse.requires("admin", "agents"))
    shown = AgentShown.model_validate
    shelf = Shelf(radar, Agent, shown, created=AgentCreated, updated=AgentUpdated, deleted=AgentDeleted)

    @router.get("", dependencies=[reads], summary="Agents, the newest first")
    async def listed(
        before: Before = None,
        limit: Limit = 100,
        is_enabled: Annotated[bool | None, Query(description="Only those that are, or are not.")] = None,
        provider_id: Annotated[str | None, Query(description="Only those with this provider.")] = None,
    ) -> Page[AgentShown]:
        position = radar.pulse.position("agents")
        rows = select(Agent)
        if is_enabled is not None:
            rows = rows.where(Agent.is_enabled == is_enabled)
        if provider_id is not None:
            rows = rows.where(Agent.provider_id == provider_id)
        return await page_of(radar.store, Agent, rows, shown, position=position, before=before, limit=limit)

    @router.post("", status_code=201, dependencies=[changes_them], responses=FAILURES, summary="A new agent")
    async def create(new: NewAgent, response: Response) -> AgentShown:
        return await shelf.create(Agent(id=new_id(), **new.model_dump()), response)

    @router.get("/{agent_id}", dependencies=[reads], responses=FAILURES, summary="One agent")
    async def get(agent_id: str, response: Response) -> AgentShown:
        return await shelf.get(agent_id, response)

    @router.patch("/{agent_id}", dependencies=[changes_them], responses=FAILURES, summary="Change it")
    async def change(
        agent_id: str, changes: AgentChanges, response: Response, if_match: IfMatch = None
    ) -> AgentShown:
        return await shelf.change(agent_id, if_match, lambda agent: changed(agent, changes), response)

    @router.delete(
        "/{agent_id}", status_code=204, dependencies=[changes_them], responses=FAILURES, summary="Delete it"
    )
    async def delete(agent_id: str, if_match: IfMatch = None) -> None:
        await shelf.delete(agent_id, if_match)

    return router
