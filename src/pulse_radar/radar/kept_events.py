"""What is announced of agents, tasks and providers: each as the list shows it, and never a secret."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pulse_radar.events import Event

__all__ = [
    "AgentCreated",
    "AgentDeleted",
    "AgentShown",
    "AgentUpdated",
    "ProviderCreated",
    "ProviderDeleted",
    "ProviderShown",
    "ProviderUpdated",
    "TaskCreated",
    "TaskDeleted",
    "TaskShown",
    "TaskStatus",
    "TaskUpdated",
]

TaskStatus = Literal["open", "in_progress", "done", "cancelled"]


class _Shown(BaseModel):
    """`version` counts the changes: of two rows with the same id the one with the larger is newer."""

    model_config = ConfigDict(from_attributes=True)

    id: str = Field(examples=["3f9c0d7be1a24c0f9a5d3b6f8e2c1a47"])
    version: int
    created_at: datetime
    updated_at: datetime


class AgentShown(_Shown):
    """Somebody who works with a model of a provider, by instructions."""

    name: str = Field(examples=["Archivist"])
    instructions: str = Field(examples=["Answer from the knowledge only, and name the messages."])
    model: str | None = Field(examples=["gpt-4o-mini"])
    provider_id: str | None
    is_enabled: bool


class TaskShown(_Shown):
    """Something to be done."""

    title: str = Field(examples=["Move the meeting to Thursday"])
    description: str
    status: TaskStatus
    agent_id: str | None
    atom_id: str | None = Field(examples=["telegram:1234:56"])
    due_at: datetime | None


class ProviderShown(_Shown):
    """An endpoint that speaks OpenAI's protocol. Of its key only whether there is one."""

    name: str = Field(examples=["OpenAI"])
    base_url: str = Field(examples=["https://api.openai.com/v1"])
    model: str | None = Field(examples=["gpt-4o-mini"])
    has_key: bool


class AgentCreated(AgentShown, Event, topic="agents", key="id"):
    """There is a new one."""


class AgentUpdated(AgentShown, Event, topic="agents", key="id"):
    """It was changed to this."""


class AgentDeleted(Event, topic="agents", key="id"):
    """It is no more."""

    id: str


class TaskCreated(TaskShown, Event, topic="tasks", key="id"):
    """There is a new one."""


class TaskUpdated(TaskShown, Event, topic="tasks", key="id"):
    """It was changed to this."""


class TaskDeleted(Event, topic="tasks", key="id"):
    """It is no more."""

    id: str


class ProviderCreated(ProviderShown, Event, topic="providers", key="id"):
    """There is a new one."""


class ProviderUpdated(ProviderShown, Event, topic="providers", key="id"):
    """It was changed to this."""


class ProviderDeleted(Event, topic="providers", key="id"):
    """It is no more."""

    id: str
