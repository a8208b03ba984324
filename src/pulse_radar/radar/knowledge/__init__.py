"""Knowledge: what is worth keeping of a chat, as atoms and topics; found without network, in any language."""

from pulse_radar.radar.knowledge.atom import Atom
from pulse_radar.radar.knowledge.extraction import extract
from pulse_radar.radar.knowledge.telling import atom_created, atom_updated

__all__ = ["Atom", "atom_created", "atom_updated", "extract"]
