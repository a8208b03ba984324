"""Options that several commands share, and the settings that they make."""

from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

from pulse_radar.errors import InvalidSetting
from pulse_radar.settings import CommandSettings, Settings

__all__ = [
    "DEFAULT_BROKER",
    "BrokerOption",
    "DataDirOption",
    "DeclaringAppArgument",
    "JsonOption",
    "NamespaceOption",
    "OutputOption",
    "PortOption",
    "broker_option",
    "default_of",
    "load_shared_settings",
    "refuse_memory",
]

# A command line is several processes: the default of the library, memory://, is inside one.
DEFAULT_BROKER: Final = "embedded://"

DeclaringAppArgument: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="MODULE:NAME", help="An app, a function that makes one, or a Pulse: main:app."),
]
OutputOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        dir_okay=False,
        callback=lambda path: None if path == Path("-") else path,
        help="The file; else, or with '-', standard output.",
    ),
]


def default_of(setting: str) -> str:
    """The default of a setting, to be shown where an option that is not given leaves it as it is."""
    return str((Settings.model_fields | CommandSettings.model_fields)[setting].default)


def broker_option(default: str) -> Any:
    """--broker, with what is shown as its default."""
    return typer.Option(
        "--broker",
        envvar="PULSE_BROKER",
        show_default=default,
        help="Where events are kept: embedded:// (on this machine) or nats://host:4222.",
    )


BrokerOption: TypeAlias = Annotated[str | None, broker_option(DEFAULT_BROKER)]
DataDirOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="PULSE_DATA_DIR",
        show_default=default_of("data_dir"),
        help="Where embedded:// keeps its data.",
    ),
]
NamespaceOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--namespace", envvar="PULSE_NAMESPACE", help="Prefix that keeps systems on one broker apart."
    ),
]
PortOption: TypeAlias = Annotated[
    int | None, typer.Option(envvar="PULSE_PORT", show_default=default_of("port"), help="The port.")
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object a line, for programs.")
]


def load_shared_settings(broker: str | None, data_dir: Path | None, namespace: str | None) -> Settings:
    """The settings of a command that meets other processes at the broker: its options, else the environment.

    Raises: InvalidSetting.
    """
    settings = Settings.load(broker=broker or DEFAULT_BROKER, data_dir=data_dir, namespace=namespace)
    refuse_memory(settings)
    return settings


def refuse_memory(settings: Settings) -> None:
    """Raises: InvalidSetting, where no other process can see the events."""
    if settings.broker.startswith("memory:"):
        raise InvalidSetting(
            "memory:// keeps events inside one API process, where no other can see them: "
            "use --broker embedded:// (PULSE_BROKER) or nats://host:4222"
        )
