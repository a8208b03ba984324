"""Who somebody is and what they may do: principals, rights by topic and key, and tokens that say both."""

from typing import TYPE_CHECKING, Any

from pulse_radar.auth.principal import Principal
from pulse_radar.auth.rights import Action, Rights
from pulse_radar.errors import InvalidSetting

if TYPE_CHECKING:
    from pulse_radar.auth.tokens import Jwt

__all__ = ["Action", "Jwt", "Principal", "Rights"]


def __getattr__(name: str) -> Any:
    """`Jwt`, when it is first asked for: it needs packages that not everybody has."""
    if name != "Jwt":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from pulse_radar.auth.tokens import Jwt
    except ModuleNotFoundError as error:
        raise InvalidSetting(f'Jwt needs its extra ({error}): pip install "pulse-radar[jwt]"') from error
    return Jwt
