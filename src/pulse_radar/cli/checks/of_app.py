"""The app: whether it can be imported, and what live layers are in it."""

from collections.abc import Sequence
from typing import Final

import msgspec

from pulse_radar.brokers.topic_spec import TopicSpec
from pulse_radar.cli.checks.finding import MEND_IT, Finding, doubt, fine, trouble
from pulse_radar.errors import PulseError
from pulse_radar.settings import Settings

__all__ = ["Layer", "check_app", "layers_of"]

_NAME_IT: Final = "say it as uvicorn takes it, module:name, in the directory in which the server starts"


class Layer(msgspec.Struct, frozen=True):
    """A live layer as it is declared. `authenticates`: whether it asks who is there; None, where that is not known."""

    settings: Settings
    topics: tuple[TopicSpec, ...]
    authenticates: bool | None = None


def layers_of(app: str) -> tuple[Layer, ...] | Finding:
    """The live layers of this app, or why there are none."""
    from pulse_radar.cli.apps import AppRaises, NoSuchApp, need_pulses

    try:
        pulses = need_pulses(app)
    except NoSuchApp as error:
        return trouble("app", str(error), _NAME_IT)
    except AppRaises as error:
        return trouble("app", str(error), "mend it; or has it variables where it runs that it has not here?")
    except PulseError as error:
        return trouble("app", str(error), MEND_IT)
    return tuple(Layer(pulse.settings, pulse.topics, pulse.authenticates) for pulse in pulses)


def check_app(app: str, layers: Sequence[Layer]) -> list[Finding]:
    found = []
    for layer in layers:
        names = ", ".join(spec.name for spec in layer.topics)
        asks = "asks who is there" if layer.authenticates else "lets everybody read everything"
        if layer.topics:
            found.append(fine("app", f"{app}: {names}; {asks}"))
        else:
            found.append(
                doubt("app", f"{app} declares no topic; {asks}", 'pulse.topic("knowledge") declares one')
            )
    return found
