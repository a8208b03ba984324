"""Events as workers publish them, made by hand."""

import datetime
from itertools import count

from pulse_radar import Event
from pulse_radar.radar.events import AtomCreated, IngestionProgress

__all__ = ["atom", "job", "progress", "unique"]

_NUMBERS = count(1)


def unique(name: str) -> str:
    """A name that no other test uses: all of them share one application."""
    return f"{name}-{next(_NUMBERS)}"


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def atom(title: str, *, kind: str = "decision", author: str = "Anna") -> AtomCreated:
    name = unique("atom")
    return AtomCreated.model_validate(
        {
            "id": name,
            "kind": kind,
            "title": title,
            "text": title,
            "chat": "Team",
            "chat_id": "1",
            "message_id": name,
            "message_ids": (name,),
            "author": author,
            "date": _now(),
        }
    )


def job(task_id: str, state: type[Event], name: str = "report", **more: object) -> Event:
    """A job in this state, with whatever that needs to be told."""
    now = _now()
    told = state.NAME.removeprefix("job_")
    facts = {
        "transitions": [
            {"state": one, "at": now, "by": "host:1"} for one in dict.fromkeys(("queued", "started", told))
        ],
        "queued_at": now,
        "started_at": now,
        "ended_at": now,
        "worker": "host:1",
        "duration_seconds": 4.2,
    }
    return state.model_validate({"task_id": task_id, "name": name, **facts, **more})


def progress(ingestion_id: str, done: int, total: int | None = 1_000, **more: object) -> IngestionProgress:
    facts = {"status": "running", "rate": 123.4, "chat": "Team", "file": "result.json", **more}
    return IngestionProgress.model_validate(
        {"ingestion_id": ingestion_id, "total": total, "done": done, "added": done, **facts}
    )
