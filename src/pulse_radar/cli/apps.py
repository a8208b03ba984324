"""An app of somebody's own, named as `main:app`: found, and asked for the live layers in it."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import Parameter, signature
from pathlib import Path
from types import FunctionType

from uvicorn.importer import ImportFromStringError, import_from_string

from pulse_radar.errors import InvalidSetting, PulseError
from pulse_radar.pulse import Pulse

__all__ = [
    "AppRaises",
    "NoSuchApp",
    "find_pulses",
    "hand_down",
    "need_pulses",
    "prefer_working_directory",
    "raising_told",
]


class NoSuchApp(InvalidSetting):
    """Nothing can be imported under this name."""


class AppRaises(InvalidSetting):
    """It is there, and its own code raises where it is imported or made. The cause is what it raised."""


def find_pulses(app: str) -> tuple[Pulse, ...]:
    """The live layers of this app, or of the app that this function makes; or this one itself.

    Raises: NoSuchApp, AppRaises.
    """
    with raising_told(app):
        loaded = _loaded(app)
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


@contextmanager
def raising_told(app: str) -> Iterator[None]:
    """What the app's own code raises is told in a line, with the place in it. Errors of ours speak for themselves."""
    try:
        yield
    except (PulseError, ImportFromStringError):
        raise
    except Exception as error:
        said = " ".join(traceback.format_exception_only(error)[-1].split())
        raise AppRaises(
            f"{app} raises when it is imported, in {_place(error)}: {said} (all of it: pulse-radar --debug serve {app})"
        ) from error


def hand_down(**settings: object) -> None:
    """Leave these settings in the environment, where an app, or its reloaded process, reads them; not None."""
    given = {f"PULSE_{name.upper()}": value for name, value in settings.items() if value is not None}
    os.environ.update({name: str(value) for name, value in given.items()})


def prefer_working_directory() -> None:
    """Import from the working directory first, as `uvicorn` and `python -m` do."""
    sys.path.insert(0, "")


def _loaded(app: str) -> object:
    """The app, made where the name is that of a function which needs nothing to make it."""
    try:
        loaded = import_from_string(app)
    except ImportFromStringError as error:
        raise NoSuchApp(f"there is no app {app!r}: {error}") from error
    if isinstance(loaded, FunctionType) and all(
        parameter.default is not Parameter.empty for parameter in signature(loaded).parameters.values()
    ):
        return loaded()
    return loaded


def _place(error: Exception) -> str:
    """Where the working directory's own code was last; else where it was raised."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    here, packages = Path.cwd(), Path(sys.prefix)
    own = [
        frame
        for frame in frames
        if _is_below(frame.filename, here) and not _is_below(frame.filename, packages)
    ]
    frame = (own or frames)[-1]
    return f"{frame.filename}:{frame.lineno}"


def _is_below(file: str, folder: Path) -> bool:
    return Path(file).is_relative_to(folder)


def _endpoints(app: object) -> Iterator[object]:
    """All endpoints of an app; FastAPI 0.165 keeps an included router as it is, older ones copied its routes."""
    for route in getattr(app, "routes", ()):
        yield getattr(route, "endpoint", None)
        for inner in ("original_router", "app"):
            yield from _endpoints(getattr(route, inner, None))
