"""`pulse-radar doctor`: looks at settings, machine, broker, streams and delivery, and says what to do next."""

import logging
import shutil
import textwrap
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import msgspec
import typer

from pulse_radar.cli.checks.finding import Finding, Verdict
from pulse_radar.cli.checks.of_app import Layer, check_app, layers_of
from pulse_radar.cli.extras import has_radar
from pulse_radar.cli.loops import run
from pulse_radar.cli.options import (
    DEFAULT_BROKER,
    BrokerOption,
    DataDirOption,
    JsonOption,
    NamespaceOption,
)
from pulse_radar.cli.wording import counted
from pulse_radar.errors import InvalidSetting
from pulse_radar.settings import Settings

__all__ = ["doctor"]

_COLOURS: Final = {
    Verdict.FINE: typer.colors.GREEN,
    Verdict.SKIPPED: typer.colors.BRIGHT_BLACK,
    Verdict.DOUBT: typer.colors.YELLOW,
    Verdict.TROUBLE: typer.colors.RED,
}

# Of the two columns before what was found.
_VERDICT_WIDTH: Final = 9
_CHECK_WIDTH: Final = 12
# Longer lines are hard to read, however wide the terminal is.
_WIDTH: Final = 110


def doctor(
    context: typer.Context,
    app: Annotated[
        str | None,
        typer.Argument(metavar="MODULE:APP", help="Your own app, as in main:app; else the application."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", help="Look at a server that runs, too: http://127.0.0.1:8000, with the routes' prefix."
        ),
    ] = None,
    as_json: JsonOption = False,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Check that events can come through, and say what to do where not. Exit code 1, where something failed.

    Looks at settings, versions, limits, the broker, the streams of the declared topics and the clock, and publishes an
    event of its own, which must come back. Nothing that you have published is touched.
    """
    from pulse_radar.cli.apps import hand_down, prefer_working_directory

    prefer_working_directory()
    hand_down(broker=broker, data_dir=data_dir, namespace=namespace)
    is_loud = bool(context.parent and context.parent.params["debug"])
    with _quiet(unless=is_loud):
        verdicts = run(_tell(_findings(app, url), as_json=as_json))
    if verdicts[Verdict.TROUBLE]:
        raise typer.Exit(1)


async def _findings(app: str | None, url: str | None) -> AsyncIterator[Finding]:
    from pulse_radar.cli.checks.of_broker import check_broker
    from pulse_radar.cli.checks.of_machine import check_machine
    from pulse_radar.cli.checks.of_server import check_server
    from pulse_radar.cli.checks.of_settings import check_environment, check_fit

    for finding in (*check_machine(), *check_environment()):
        yield finding
    layers = layers_of(app) if app is not None else _of_application()
    if isinstance(layers, Finding):
        yield layers
        layers = ()
    elif app is not None:
        for finding in check_app(app, layers):
            yield finding
    for layer in layers:
        for finding in check_fit(layer.settings, authenticates=layer.authenticates):
            yield finding
        async for finding in check_broker(layer.settings, layer.topics):
            yield finding
    if url is not None:
        async for finding in check_server(url):
            yield finding


def _of_application() -> tuple[Layer, ...]:
    """Without an app: that of the application, or where it is not installed whatever the environment says."""
    try:
        settings = Settings.load()
    except InvalidSetting:
        # Told already, with all that is wrong.
        return ()
    if "broker" not in settings.model_fields_set:
        settings = settings.model_copy(update={"broker": DEFAULT_BROKER})
    if not has_radar():
        return (Layer(settings, ()),)
    from pulse_radar.radar.topics import TOPICS

    return (Layer(settings, TOPICS),)


async def _tell(findings: AsyncIterator[Finding], *, as_json: bool) -> Counter[Verdict]:
    """Print each as it is found: some take seconds."""
    verdicts = Counter[Verdict]()
    async for finding in findings:
        verdicts[finding.verdict] += 1
        if as_json:
            typer.echo(msgspec.json.encode(finding))
        else:
            _print(finding)
    if not as_json:
        typer.echo()
        typer.echo(_summary(verdicts))
    return verdicts


def _print(finding: Finding) -> None:
    width = min(_WIDTH, shutil.get_terminal_size().columns) - _VERDICT_WIDTH - _CHECK_WIDTH
    verdict = typer.style(finding.verdict.value.ljust(_VERDICT_WIDTH), fg=_COLOURS[finding.verdict])
    first, *more = textwrap.wrap(finding.said, width) or [""]
    typer.echo(f"{verdict}{finding.check.ljust(_CHECK_WIDTH)}{first}")
    margin = " " * (_VERDICT_WIDTH + _CHECK_WIDTH)
    for line in more:
        typer.echo(margin + line)
    for line in textwrap.wrap(finding.advice, width, initial_indent="→ ", subsequent_indent="  "):
        typer.echo(margin + typer.style(line, bold=finding.verdict is Verdict.TROUBLE))


def _summary(verdicts: Counter[Verdict]) -> str:
    failed, warned = verdicts[Verdict.TROUBLE], verdicts[Verdict.DOUBT]
    if failed:
        return typer.style(f"{failed} failed, {counted(warned, 'warning')}", fg=typer.colors.RED, bold=True)
    if warned:
        return typer.style(f"nothing failed, {counted(warned, 'warning')}", fg=typer.colors.YELLOW, bold=True)
    unseen = verdicts[Verdict.SKIPPED]
    said = f"all is well, as far as it was seen: {unseen} skipped" if unseen else "all is well"
    return typer.style(said, fg=typer.colors.GREEN, bold=True)


@contextmanager
def _quiet(*, unless: bool) -> Iterator[None]:
    """What is logged on the way is among the findings."""
    if not unless:
        logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
