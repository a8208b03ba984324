"""The settings: whether each is one, and whether together they can do what they are for."""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from pulse_radar.cli.checks.finding import MEND_IT, Finding, doubt, fine, trouble
from pulse_radar.client.address import is_loopback
from pulse_radar.errors import InvalidSetting
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.settings import CommandSettings, EnvironmentSettings, Settings

__all__ = ["check_environment", "check_fit"]

_CHECK: Final = "settings"
_PREFIX: Final = "PULSE_"

# What Kubernetes leaves in the environment beside a service that is named `pulse`.
_OF_KUBERNETES: Final = re.compile(r"PULSE_(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_\w+)$")

# How uvicorn and gunicorn are told how many processes to start.
_WORKERS: Final = "WEB_CONCURRENCY"

_ADVICE: Final[dict[type[EnvironmentSettings], str]] = {
    Settings: MEND_IT,
    RadarSettings: MEND_IT,
    CommandSettings: "mend it, or give the option (--port). Beside a service that is named `pulse`, Kubernetes sets "
    "PULSE_PORT to an address",
}


def check_environment(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Which of the variables are settings, and which only look like one."""
    known = {_PREFIX + name.upper() for each in _ADVICE for name in each.model_fields}
    given = {name for name in environment if name.startswith(_PREFIX) and not _OF_KUBERNETES.match(name)}
    for name in sorted(given - known):
        near = get_close_matches(name, known, 1)
        advice = (
            f"did you mean {near[0]}?"
            if near
            else "if it is for something of yours, all is well; else remove it"
        )
        yield doubt(_CHECK, f"{name} is no setting of Pulse Radar, and does nothing", advice)
    for each in _ADVICE:
        try:
            each.load()
        except InvalidSetting as error:
            yield trouble(_CHECK, str(error), _ADVICE[each])
    told = ", ".join(sorted(given & known)) or "none, so the defaults hold"
    yield fine(_CHECK, f"set in the environment: {told}")


def check_fit(settings: Settings, *, authenticates: bool | None) -> Iterator[Finding]:
    """Whether they suit each other. `authenticates`: whether the app asks who is there; None: it is not known."""
    kind = settings.broker.partition(":")[0]
    workers = os.environ.get(_WORKERS, "1")
    if kind == "memory" and workers.isdecimal() and int(workers) > 1:
        yield trouble(
            _CHECK,
            f"{_WORKERS} is {workers}, and memory:// keeps events inside one process: the second does not start",
            "set PULSE_BROKER to embedded:// (this machine) or nats://host:4222 (any number)",
        )
    elif kind == "memory":
        yield fine(_CHECK, "memory://: one process, and its events are gone when it ends")
    elif authenticates and settings.ticket_secret is None:
        yield fine(_CHECK, "no PULSE_TICKET_SECRET, so no tickets: an EventSource shows cookies, or nothing")
    if "*" in settings.allowed_hosts:
        yield doubt(
            _CHECK,
            "PULSE_ALLOWED_HOSTS is '*': a page whose own name points here is let in as ours (DNS rebinding)",
            "name the hosts under which you serve",
        )
    yield from _exposed(settings, authenticates)


def _exposed(settings: Settings, authenticates: bool | None) -> Iterator[Finding]:
    try:
        host = CommandSettings.load().host
    except InvalidSetting:
        # Told already.
        return
    if is_loopback(host):
        return
    if settings.allowed_hosts == Settings.model_fields["allowed_hosts"].default:
        yield doubt(
            _CHECK,
            f"PULSE_HOST is {host}, and only requests to localhost are let in: others are refused with 403",
            "set PULSE_ALLOWED_HOSTS to the names under which you serve",
        )
    if authenticates is False:
        yield doubt(
            _CHECK,
            f"PULSE_HOST is {host}, and the app asks nobody who they are: everybody may read everything",
            "give the app an `authenticate`; `serve` refuses to start without, unless PULSE_INSECURE=1",
        )
