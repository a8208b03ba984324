"""An app of somebody's own, named as `main:app`: found, and asked for the live layers in it."""

import os
import sys
from collections.abc import Iterator
from inspect import Parameter, signature
from types import FunctionType

from uvicorn.importer import ImportFromStringError, import_from_string

from pulse_radar.errors import InvalidSetting
from pulse_radar.pulse import Pulse

__all__ = ["NoSuchApp", "find_pulses", "hand_down", "need_pulses", "prefer_working_directory"]


class NoSuchApp(InvalidSetting):
    """Nothing can be imported under this name."""


def find_pulses(app: str) -> tuple[Pulse, ...]:
    """The live layers of this app, or of the app that this function makes; or this one itself.

    Raises: NoSuchApp.
    """
    try:
        loaded = import_from_string(app)
    except ImportFromStringError as error:
        raise NoSuchApp(f"there is no app {app!r}: {error}") from error
    if isinstance(loaded, FunctionType) and all(
        parameter.default is not Parameter.empty for parameter in signature(loaded).parameters.values()
    ):
        loaded = loaded()
    if isinstance(loaded, Pulse):
        return (loaded,)
    owners = (getattr(endpoint, "__self__", None) for endpoint in _endpoints(loaded))
    found = (getattr(owner, "publishes", None) for owner in owners)
    return tuple(dict.fromkeys(pulse for pulse in found if isinstance(pulse, Pulse)))


def need_pulses(app: str) -> tuple[Pulse, ...]:
    """The same of an app that must have one. Raises: InvalidSetting."""
    pulses = find_pulses(app)
    if not pulses:
        raise InvalidSetting(f"{app} has no live layer: app.include_router(pulse.router) gives it one")
    return pulses


def hand_down(**settings: object) -> None:
    """Leave these settings in the environment, where an app, or its reloaded process, reads them; not None."""
    given = {f"PULSE_{name.upper()}": value for name, value in settings.items() if value is not None}
    os.environ.update({name: str(value) for name, value in given.items()})


def prefer_working_directory() -> None:
    """Import from the working directory first, as `uvicorn` and `python -m` do."""
    sys.path.insert(0, "")


def _endpoints(app: object) -> Iterator[object]:
    """All endpoints of an app; FastAPI 0.165 keeps an included router as it is, older ones copied its routes."""
    for route in getattr(app, "routes", ()):
        yield getattr(route, "endpoint", None)
        for inner in ("original_router", "app"):
            yield from _endpoints(getattr(route, inner, None))
