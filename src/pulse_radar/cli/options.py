"""Options that several commands share, and the settings that they make."""

from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from pulse_radar.errors import InvalidSetting
from pulse_radar.settings import Settings

__all__ = [
    "DEFAULT_BROKER",
    "BrokerOption",
    "DataDirOption",
    "JsonOption",
    "NamespaceOption",
    "load_settings",
]

# A command line is several processes: the default of the library, memory://, is inside one.
DEFAULT_BROKER: Final = "embedded://"

BrokerOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--broker",
        envvar="PULSE_BROKER",
        show_default=DEFAULT_BROKER,
        help="Where events are kept: embedded:// (on this machine) or nats://host:4222.",
    ),
]
DataDirOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="PULSE_DATA_DIR",
        show_default=".pulse",
        help="Where embedded:// keeps its data.",
    ),
]
NamespaceOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--namespace", envvar="PULSE_NAMESPACE", help="Prefix that keeps systems on one broker apart."
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object a line, for programs.")
]


def load_settings(broker: str | None, data_dir: Path | None, namespace: str | None) -> Settings:
    """The settings of a command: its options, else the environment. Raises: InvalidSetting."""
    return Settings.load(broker=broker or DEFAULT_BROKER, data_dir=data_dir, namespace=namespace)


def load_shared_settings(broker: str | None, data_dir: Path | None, namespace: str | None) -> Settings:
    """The same for a command that meets other processes at the broker. Raises: InvalidSetting."""
    settings = load_settings(broker, data_dir, namespace)
    if settings.broker.startswith("memory:"):
        raise InvalidSetting(
            "memory:// keeps events inside one API process, where no other can see them: "
            "use --broker embedded:// (PULSE_BROKER) or nats://host:4222"
        )
    return settings
