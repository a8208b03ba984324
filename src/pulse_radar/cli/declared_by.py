"""What an app declares, for the commands that write it down."""

from itertools import chain

from pulse_radar.catalogue.declared import Catalogue, catalogue_of
from pulse_radar.cli.apps import need_pulses, prefer_working_directory

__all__ = ["declared_by"]


def declared_by(app: str) -> Catalogue:
    """The catalogue of the app's live layers. Raises: InvalidSetting, InvalidEvent."""
    prefer_working_directory()
    pulses = need_pulses(app)
    events = dict(chain.from_iterable(pulse.events.items() for pulse in pulses))
    return catalogue_of([spec for pulse in pulses for spec in pulse.topics], events)
