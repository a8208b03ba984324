"""`pulse-radar asyncapi`: an app's topics and events as an AsyncAPI 3 document, and a check that it still holds."""

import json
from typing import Annotated

import typer

from pulse_radar.cli.generated import CheckOption, generate
from pulse_radar.cli.options import DeclaringAppArgument, OutputOption, default_of
from pulse_radar.client.address import Address
from pulse_radar.settings import CommandSettings

__all__ = ["asyncapi"]


def asyncapi(
    app: DeclaringAppArgument,
    output: OutputOption = None,
    check: CheckOption = False,
    title: Annotated[str, typer.Option(help="What the document calls itself.")] = "Events",
    api_version: Annotated[str, typer.Option(help="The version of what it describes.")] = "1.0.0",
    url: Annotated[
        str | None,
        typer.Option(
            envvar="PULSE_URL", show_default=default_of("url"), help="Where clients find the server."
        ),
    ] = None,
) -> None:
    """Write an AsyncAPI 3 document of all topics and events, as JSON."""
    # Here, so that other commands start without pydantic's schemas.
    from pulse_radar.catalogue.asyncapi import read_asyncapi, to_asyncapi
    from pulse_radar.cli.declared_by import declared_by

    server = Address.parse(CommandSettings.load(url=url).url)
    declared = declared_by(app)
    document = to_asyncapi(declared, title=title, version=api_version, server=server)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    generate(text, output, declared, read_asyncapi, command=f"asyncapi {app}", check=check)
