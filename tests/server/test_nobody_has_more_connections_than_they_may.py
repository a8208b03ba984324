"""Bounds of connections: of a process, of an address, also behind a proxy, and of a principal."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection
from websockets.exceptions import InvalidStatus

from pulse_radar import Pulse
from pulse_radar.auth import Principal
from pulse_radar.server.places import ConnectionBound, ConnectionBounds, Places, Whose, network_of
from tests.server.serving import Client, Server, StreamReader, app_with, make_pulse, serving
from tests.waiting import eventually


@contextlib.asynccontextmanager
async def bounded(**given: Any) -> AsyncIterator[tuple[Pulse, Server]]:
    """A server whose clients say where they are, as behind a proxy on this machine."""
    pulse = make_pulse(trusted_proxies="127.0.0.1", **given)
    async with serving(app_with(pulse)) as server:
        yield pulse, server


def client_at(server: Server, address: str, query: str = "?topics=knowledge", **headers: str) -> Client:
    return Client(server.port, query, additional_headers={"X-Forwarded-For": address, **headers})


def reader_at(server: Server, address: str, **headers: str) -> StreamReader:
    return StreamReader(server.port, "?topics=knowledge", **{"X-Forwarded-For": address, **headers})


def named(connection: HTTPConnection) -> object:
    """Who says its name is that one; `Principal` of ours or an object of the app's own."""
    name = connection.headers.get("x-name", "")
    return Principal(subject=name) if name.islower() else name


async def refused_before_the_upgrade(server: Server, address: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with client_at(server, address):
            pass
    assert caught.value.response.status_code == 503
    assert caught.value.response.headers["Retry-After"] == "10"


async def test_a_process_has_so_many_and_one_more_when_one_has_left() -> None:
    async with bounded(max_connections=2) as (pulse, server):
        async with client_at(server, "198.51.100.1") as first, reader_at(server, "198.51.100.2") as second:
            await first.until("subscription")
            await second.until("subscription")
            await refused_before_the_upgrade(server, "198.51.100.3")
            position = await pulse.publish("knowledge", "meanwhile", {})
            assert await first.events(1) == await second.events(1) == [position.sequence]
        await eventually(lambda: pulse.stats().hub.connections == 0)
        async with client_at(server, "198.51.100.3") as third:
            await third.until("subscription")
        assert pulse.stats().refused["process"] == 1


async def test_an_address_has_so_many_and_the_others_come_in(caplog: pytest.LogCaptureFixture) -> None:
    async with bounded(max_connections_per_address=1) as (pulse, server):
        with caplog.at_level(logging.WARNING, logger="pulse_radar.server"):
            async with client_at(server, "198.51.100.1") as first, client_at(server, "198.51.100.2") as other:
                await first.until("subscription")
                await other.until("subscription")
                await refused_before_the_upgrade(server, "198.51.100.1")
        assert pulse.stats().refused["address"] == 1
    assert "refused a connection of 198.51.100.1" in caplog.text
    assert "PULSE_MAX_CONNECTIONS_PER_ADDRESS" in caplog.text


async def test_a_stream_that_has_no_place_is_told_when_to_come_back() -> None:
    """A browser's EventSource would never come back after a 503."""
    async with (
        bounded(max_connections_per_address=1) as (_, server),
        reader_at(server, "2001:db8::1") as first,
    ):
        await first.until("subscription")
        async with reader_at(server, "2001:db8::ffff:2") as second:
            assert await second.closed() == (1013, "retry=10000")
            assert second.retry_ms == 10_000


@pytest.mark.parametrize("name", ["ada", "ADA"], ids=["a principal", "an object of the app"])
async def test_a_principal_has_so_many_wherever_they_come_from(name: str) -> None:
    async with bounded(authenticate=named, max_connections_per_principal=1) as (pulse, server):
        first = client_at(server, "198.51.100.1", **{"X-Name": name})
        other = client_at(server, "198.51.100.2", **{"X-Name": "grace"})
        second = client_at(server, "198.51.100.3", **{"X-Name": name})
        async with first, other, second:
            await first.until("subscription")
            await other.until("subscription")
            assert await second.closed() == (1013, "retry=10000")
        assert pulse.stats().refused["principal"] == 1


async def test_people_of_whom_is_known_only_that_they_may_come_are_not_one_person() -> None:
    async with (
        bounded(authenticate=lambda _connection: True, max_connections_per_principal=1) as (pulse, server),
        client_at(server, "198.51.100.1") as first,
        client_at(server, "198.51.100.2") as second,
    ):
        await first.until("subscription")
        await second.until("subscription")
        assert pulse.stats().refused["principal"] == 0


async def test_many_who_come_at_once_take_no_more_places_than_there_are() -> None:
    """While they are looked up nobody has a place yet: the last look is when one is taken."""
    gate = asyncio.Event()

    async def authenticate(_connection: HTTPConnection) -> object:
        await gate.wait()
        return "ada"

    async with bounded(authenticate=authenticate, max_connections=3) as (pulse, server):
        clients = [client_at(server, f"198.51.100.{number}") for number in range(8)]
        entering = [asyncio.ensure_future(client.__aenter__()) for client in clients]
        await eventually(lambda: len(server.server_state.tasks) == 8)
        gate.set()
        await asyncio.gather(*entering)
        await eventually(lambda: pulse.stats().refused["process"] == 5)
        assert pulse.stats().hub.connections == 3
        for client in clients:
            await client.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", None),
        ("127.8.9.10", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("testclient", None),
        ("", None),
        (None, None),
    ],
)
def test_what_counts_as_one_address(host: str | None, network: str | None) -> None:
    assert network_of(host) == network


whoses = st.builds(
    Whose, st.sampled_from([None, "a", "b"]), st.sampled_from([None, "ada", ("of", "the app")])
)


@given(st.lists(st.one_of(whoses, st.integers(0, 9)), max_size=60))
def test_places_are_never_more_than_may_be_and_come_back(steps: list[Whose | int]) -> None:
    bounds = ConnectionBounds(in_process=5, of_address=3, of_principal=2)
    places, taken = Places(bounds), list[Whose]()
    for step in steps:
        if isinstance(step, int):
            if taken:
                places.give_back(taken.pop(step % len(taken)))
        elif places.refusal(step) is None:
            places.take(step)
            taken.append(step)
        assert len(taken) <= 5
        assert all(sum(one.network == name for one in taken) <= 3 for name in "ab")
        assert all(sum(one.principal == name for one in taken) <= 2 for name in ["ada", ("of", "the app")])
    for whose in taken:
        places.give_back(whose)
    assert repr(places) == "<Places 0 of 5 taken, from 0 networks>"
    assert places.refusal(Whose("a", "ada")) is None


def test_which_bound_is_reached_is_counted() -> None:
    places = Places(ConnectionBounds(in_process=9, of_address=1, of_principal=1))
    places.take(Whose("a", "ada"))
    asked = [Whose("a"), Whose("b", "ada"), Whose("b", "grace"), Whose()]
    assert [places.refusal(whose) for whose in asked] == [
        ConnectionBound.ADDRESS,
        ConnectionBound.PRINCIPAL,
        None,
        None,
    ]
    assert dict(places.refused) == {ConnectionBound.ADDRESS: 1, ConnectionBound.PRINCIPAL: 1}
