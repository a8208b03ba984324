"""What the long-running commands log, and how: one line each, no traceback for an expected error, nothing secret."""

import copy
import logging
import logging.config
import re
from typing import Any, Final

from uvicorn.config import LOGGING_CONFIG
from uvicorn.logging import DefaultFormatter

from pulse_radar.errors import PulseError

__all__ = ["PlainFormatter", "WithoutTickets", "configure_logs", "log_config"]

# The library says that a job raised, with a traceback; that a job failed is told by its own event.
_NOISY: Final = ("taskiq", "nats")

# Who is let in by it, and to what, stands in a ticket for everybody to read.
_TICKET: Final = re.compile(r"(?<=[?&]ticket=)[^&\s\"]+")


class WithoutTickets(logging.Filter):
    """Takes the tickets out of the addresses that uvicorn logs: of all that is secret they alone travel there."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _TICKET.sub("...", arg) if isinstance(arg, str) else arg for arg in record.args
            )
        return True


class PlainFormatter(DefaultFormatter):
    """uvicorn's look; what we log ourselves is without the traceback of an error of ours, whose text says it all.

    An endpoint's error is its developer's: that has its traceback, whatever was raised.
    """

    def format(self, record: logging.LogRecord) -> str:
        plain = copy.copy(record)
        is_ours = plain.name.startswith("pulse_radar")
        if is_ours and plain.exc_info and isinstance(plain.exc_info[1], PulseError):
            plain.exc_info = plain.exc_text = None
        text = _text_of_traceback(plain.getMessage())
        if text is not None:
            plain.msg, plain.args = text, ()
        return super().format(plain)


def log_config(*, debug: bool = False) -> dict[str, Any]:
    """The configuration of Python's logging. With `debug` tracebacks are shown."""
    config = copy.deepcopy(LOGGING_CONFIG)
    if not debug:
        config["formatters"]["default"]["()"] = PlainFormatter
    config["filters"] = {"tickets": {"()": WithoutTickets}}
    for handler in config["handlers"].values():
        handler["filters"] = ["tickets"]
    ours = {"handlers": ["default"], "level": "INFO", "propagate": False}
    config["loggers"] |= {"pulse_radar": ours}
    config["loggers"] |= {name: {**ours, "level": "INFO" if debug else "CRITICAL"} for name in _NOISY}
    return config


def configure_logs(*, debug: bool = False) -> None:
    logging.config.dictConfig(log_config(debug=debug))


def _text_of_traceback(message: str) -> str | None:
    """The text of the error of ours with which a traceback ends; None for anything else.

    Starlette hands an error at start-up to its server as a formatted traceback.
    """
    if not message.startswith("Traceback "):
        return None
    lines = message.splitlines()
    last_frame = max(number for number, line in enumerate(lines) if line.startswith("  "))
    error = "\n".join(lines[last_frame + 1 :])
    name, _, text = error.partition(": ")
    return text if name.startswith("pulse_radar.") else None
