"""The store: chats, messages, atoms and topics, ingestions, and what people keep by hand; with an outbox."""

from pulse_radar.radar.store.models import (
    Agent,
    Atom,
    Base,
    Chat,
    Cluster,
    Ingestion,
    Message,
    Provider,
    Task,
    outbox,
)
from pulse_radar.radar.store.store import Store, open_store

__all__ = [
    "Agent",
    "Atom",
    "Base",
    "Chat",
    "Cluster",
    "Ingestion",
    "Message",
    "Provider",
    "Store",
    "Task",
    "open_store",
    "outbox",
]
