"""Knowledge: what is worth keeping of a chat, as atoms and topics; found without network, in any language."""

from pulse_radar.radar.knowledge.atom import Atom
from pulse_radar.radar.knowledge.extraction import extract
from pulse_radar.radar.knowledge.telling import atom_created, atom_updated, topic_created, topic_updated
from pulse_radar.radar.knowledge.topics import Changes, Topic, TopicMap

__all__ = [
    "Atom",
    "Changes",
    "Topic",
    "TopicMap",
    "atom_created",
    "atom_updated",
    "extract",
    "topic_created",
    "topic_updated",
]
