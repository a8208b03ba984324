"""Tasks: what is to be done, by whom, and the knowledge that it came from."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from pulse_radar.radar.api.kept import FAILURES, IfMatch, Reference, Shelf, UtcMoment, changed, new_id
from pulse_radar.radar.api.lists import Before, Limit, Page, page_of
from pulse_radar.radar.kept_events import TaskCreated, TaskDeleted, TaskShown, TaskStatus, TaskUpdated
from pulse_radar.radar.running import Radar
from pulse_radar.radar.store import Task

__all__ = ["tasks_router"]

_Title = Annotated[str, Field(min_length=1, max_length=500, examples=["Move the meeting to Thursday"])]
_Description = Annotated[str, Field(max_length=20_000)]
_AtomId = Annotated[str | None, Field(max_length=128, examples=["telegram:1234:56"])]


class NewTask(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: _Title
    description: _Description = ""
    status: TaskStatus = "open"
    agent_id: Reference = None
    atom_id: _AtomId = None
    due_at: UtcMoment | None = None


class TaskChanges(BaseModel):
    """What is not said stays as it is."""

    model_config = ConfigDict(extra="forbid")

    title: _Title = ""
    description: _Description = ""
    status: TaskStatus = "open"
    agent_id: Reference = None
    atom_id: _AtomId = None
    due_at: UtcMoment | None = None


def tasks_router(radar: Radar) -> APIRouter:
    router = APIRouter(prefix="/tasks", tags=["tasks"])
    reads = Depends(radar.pulse.requires("read", "tasks"))
    changes_them = Depends(radar.pulse.requires("admin", "tasks"))
    shown = TaskShown.model_validate
    shelf = Shelf(radar, Task, shown, created=TaskCreated, updated=TaskUpdated, deleted=TaskDeleted)

    @router.get("", dependencies=[reads], summary="Tasks, the newest first")
    async def listed(
        before: Before = None,
        limit: Limit = 100,
        status: Annotated[TaskStatus | None, Query(description="Only those of this status.")] = None,
        agent_id: Annotated[str | None, Query(description="Only those of this agent.")] = None,
    ) -> Page[TaskShown]:
        position = radar.pulse.position("tasks")
        rows = select(Task)
        if status is not None:
            rows = rows.where(Task.status == status)
        if agent_id is not None:
            rows = rows.where(Task.agent_id == agent_id)
        return await page_of(radar.store, Task, rows, shown, position=position, before=before, limit=limit)

    @router.post("", status_code=201, dependencies=[changes_them], responses=FAILURES, summary="A new task")
    async def create(new: NewTask, response: Response) -> TaskShown:
        return await shelf.create(Task(id=new_id(), **new.model_dump()), response)

    @router.get("/{task_id}", dependencies=[reads], responses=FAILURES, summary="One task")
    async def get(task_id: str, response: Response) -> TaskShown:
        return await shelf.get(task_id, response)

    @router.patch("/{task_id}", dependencies=[changes_them], responses=FAILURES, summary="Change it")
    async def change(
        task_id: str, changes: TaskChanges, response: Response, if_match: IfMatch = None
    ) -> TaskShown:
        return await shelf.change(task_id, if_match, lambda task: changed(task, changes), response)

    @router.delete(
        "/{task_id}", status_code=204, dependencies=[changes_them], responses=FAILURES, summary="Delete it"
    )
    async def delete(task_id: str, if_match: IfMatch = None) -> None:
        await shelf.delete(task_id, if_match)

    return router
