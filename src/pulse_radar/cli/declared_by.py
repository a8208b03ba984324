"""What an app declares, for the commands that write it down."""

from itertools import chain

from pulse_radar.catalogue.declared import Catalogue, catalogue_of
from pulse_radar.cli.apps import find_pulses, prefer_working_directory
from pulse_radar.errors import InvalidSetting

__all__ = ["declared_by"]


def declared_by(app: str) -> Catalogue:
    """The catalogue of the app's live layers. Raises: InvalidSetting, InvalidEvent."""
    prefer_working_directory()
    pulses = find_pulses(app)
    if not pulses:
        raise InvalidSetting(f"{app} has no live layer: app.include_router(pulse.router) gives it one")
    events = dict(chain.from_iterable(pulse.events.items() for pulse in pulses))
    return catalogue_of([spec for pulse in pulses for spec in pulse.topics], events)
