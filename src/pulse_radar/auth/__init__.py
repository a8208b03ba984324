"""Who somebody is and what they may do: principals, and rights by topic and key."""

from pulse_radar.auth.principal import Principal
from pulse_radar.auth.rights import Action, Rights

__all__ = ["Action", "Principal", "Rights"]
