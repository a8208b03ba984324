"""Untyped publishes to a topic of typed events: warned of where the events are declared, and never refused."""

import logging
from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import pytest
from pydantic import Field

from pulse_radar import Event, Pulse
from pulse_radar.settings import Settings
from tests.server.serving import app_with

TOKEN = "a-token-of-sixteen-characters"


class OrderPlaced(Event, topic="typed_orders"):
    id: str
    at: datetime


class OrderShipped(Event, topic="typed_orders"):
    id: str = Field(alias="orderId")


PLACED = {"id": "o1", "at": "2026-01-01T12:00:00Z"}


@pytest.fixture
async def pulse() -> AsyncIterator[Pulse]:
    made = Pulse(settings=Settings.load(publish_token=TOKEN))
    made.topic("typed_orders")
    made.topic("untyped_orders")
    async with made:
        yield made


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_name_that_no_typed_event_has_is_warned_of_once(
    pulse: Pulse, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        await pulse.publish("typed_orders", "order_plced", PLACED)
    [warning] = warnings(caplog)
    assert (
        "'order_plced' is no typed event of 'typed_orders', which has order_placed, order_shipped" in warning
    )


async def test_data_that_its_class_refuses_is_warned_of_without_its_values(
    pulse: Pulse, caplog: pytest.LogCaptureFixture
) -> None:
    await pulse.publish("typed_orders", "order_placed", {"id": "o1", "at": "a secret"})
    [warning] = warnings(caplog)
    assert "is not what OrderPlaced says: 'at': Input should be a valid datetime" in warning
    assert "a secret" not in warning


async def test_posts_are_compared_as_well(pulse: Pulse, caplog: pytest.LogCaptureFixture) -> None:
    transport = httpx.ASGITransport(app_with(pulse))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        answer = await http.post(
            "/publish",
            json={"topic": "typed_orders", "event": "order_placed", "data": {"id": "o1"}},
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
    assert answer.status_code == 201
    [warning] = warnings(caplog)
    assert "'at': Field required" in warning


async def test_nothing_is_said_of_what_is_right_or_cannot_be_told(
    pulse: Pulse, caplog: pytest.LogCaptureFixture
) -> None:
    await pulse.publish("typed_orders", "order_placed", PLACED)
    await pulse.publish(OrderPlaced.model_validate(PLACED))
    # Sent by its name, read by its alias.
    await pulse.publish("typed_orders", "order_shipped", {"id": "o1"})
    await pulse.publish("untyped_orders", "order_plced", 1)
    assert warnings(caplog) == []
