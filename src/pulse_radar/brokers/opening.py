"""From `PULSE_BROKER` to a connected broker; a driver is imported only when it is asked for."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib import import_module
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.memory import MemoryBroker
from pulse_radar.errors import BrokerRefused, InvalidSetting
from pulse_radar.settings import Settings

__all__ = ["open_broker"]


def open_broker(settings: Settings, *, is_owner: bool) -> AbstractAsyncContextManager[Broker]:
    """The broker that the settings name, connected while the context lasts.

    `is_owner`: this process creates topics and may run an embedded server; a publisher only attaches.
    Raises: InvalidSetting, for a URL of no broker. BrokerRefused, where this process cannot use it. On
    entering also BrokerUnavailable.
    """
    match urlsplit(settings.broker).scheme:
        case "memory" if is_owner:
            return MemoryBroker(show_traceparent=settings.show_traceparent)
        case "memory":
            raise BrokerRefused(
                "memory:// lives inside one API process, and a publisher of its own would speak to nobody: "
                "set PULSE_BROKER to embedded:// (on this machine) or nats://…"
            )
        case "nats" | "tls":
            credentials = _driver("nats").Credentials.of(settings)
            return _nats(
                settings,
                settings.broker,
                is_owner=is_owner,
                replicas=settings.replicas,
                credentials=credentials,
                inbox_prefix=settings.nats_inbox_prefix,
            )
        case "embedded":
            return _embedded(settings, is_owner=is_owner)
        case _:
            raise InvalidSetting(
                f"broker {settings.broker_for_people!r} (PULSE_BROKER) is none: "
                "use memory://, embedded:// or nats://host:4222"
            )


def _nats(
    settings: Settings,
    url: str,
    *,
    is_owner: bool,
    **more: Any,
) -> Broker:
    broker: Broker = _driver("nats").NatsBroker(
        url,
        namespace=settings.namespace,
        create=is_owner,
        duplicate_window_seconds=settings.duplicate_window,
        show_traceparent=settings.show_traceparent,
        **more,
    )
    return broker


@asynccontextmanager
async def _embedded(settings: Settings, *, is_owner: bool) -> AsyncIterator[Broker]:
    driver = _driver("embedded")
    directory = settings.data_dir
    async with AsyncExitStack() as stack:
        if is_owner:
            owned = driver.EmbeddedServer(driver.EmbeddedSettings(directory=directory))
            url = (await stack.enter_async_context(owned)).url
        else:
            url = await driver.attach(directory)
        yield await stack.enter_async_context(
            _nats(settings, url, is_owner=is_owner, store_directory=directory)
        )


def _driver(extra: str) -> ModuleType:
    try:
        return import_module(f"pulse_radar.brokers.{extra}")
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "pulse_radar":
            raise
        raise BrokerRefused(
            f'{extra}:// needs its extra ({error}): pip install "pulse-radar[{extra}]"'
        ) from error
