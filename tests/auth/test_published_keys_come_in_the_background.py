"""The keys of a real issuer over HTTP: rotated, slow, away, and asked no more often than is good for it."""

import asyncio
import contextlib
import gzip
import time

import pytest
from fastapi import Response

from pulse_radar import Pulse
from pulse_radar.auth import Jwt
from pulse_radar.auth.published import KeyPending, PublishedKeys
from tests.auth.issuer import AUDIENCE, ISSUER, Issuer, issuing
from tests.server.serving import PATIENCE, Client, Server, app_with, serving


def keys_of(issuer: Issuer, pause_seconds: float = 0.05) -> PublishedKeys:
    return PublishedKeys(issuer.url, refresh_seconds=60.0, shortest_pause_seconds=pause_seconds)


async def appears(keys: PublishedKeys, kid: str, *, may_be_unknown: bool = False) -> None:
    """Wait as a client does: it comes back."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(KeyPending):
                found = keys.find(kid)
                assert found is not None or may_be_unknown
                if found is not None:
                    return
            await asyncio.sleep(0.01)


async def test_a_new_key_is_fetched_once_a_token_names_it_and_the_old_one_is_gone() -> None:
    async with issuing() as issuer, keys_of(issuer) as keys:
        assert keys.find("first") is not None
        issuer.rotate("second")
        began = time.monotonic()
        with pytest.raises(KeyPending):
            keys.find("second")
        assert time.monotonic() - began < 1.0, "it waited"
        await appears(keys, "second")
        with pytest.raises(KeyPending):
            keys.find("first")


async def test_an_id_that_the_issuer_does_not_know_is_unknown_once_it_was_asked() -> None:
    async with issuing() as issuer, keys_of(issuer) as keys:
        with pytest.raises(KeyPending):
            keys.find("made up")
        async with asyncio.timeout(PATIENCE):
            while issuer.asked < 2:
                await asyncio.sleep(0.01)
            while True:
                with contextlib.suppress(KeyPending):
                    assert keys.find("made up") is None
                    break
                await asyncio.sleep(0.01)


async def test_a_key_that_was_named_before_its_issuer_had_it_is_let_in_all_the_same() -> None:
    """Whoever guesses the name of the next key would lock out everybody for as long as keys are kept."""
    async with issuing() as issuer, keys_of(issuer) as keys:
        with pytest.raises(KeyPending):
            keys.find("second")
        async with asyncio.timeout(PATIENCE):
            while issuer.asked < 2:
                await asyncio.sleep(0.01)
        issuer.rotate("second")
        await appears(keys, "second", may_be_unknown=True)


async def test_a_thousand_made_up_ids_ask_the_issuer_no_more_often_than_the_clock_does() -> None:
    async with issuing() as issuer, keys_of(issuer, 30.0) as keys:
        for number in range(1_000):
            with pytest.raises(KeyPending):
                keys.find(f"made up {number}")
        await asyncio.sleep(0.2)
        assert issuer.asked == 1
        assert len(keys._unknown) <= 101
        assert keys.find("first") is not None


@pytest.mark.parametrize(
    "answer",
    [
        Response("no JSON"),
        Response("{}"),
        Response("[" * 100_000),
        Response(b"x" * 300_000),
        Response(gzip.compress(b'{"keys": []}'), headers={"Content-Encoding": "gzip"}),
        Response(status_code=500),
        Response(status_code=307, headers={"Location": "https://evil.example/jwks.json"}),
    ],
)
async def test_an_issuer_that_answers_nonsense_leaves_the_keys_that_are_here(answer: Response) -> None:
    async with issuing() as issuer, keys_of(issuer) as keys:
        issuer.answer = answer
        with pytest.raises(KeyPending):
            keys.find("second")
        async with asyncio.timeout(PATIENCE):
            while issuer.asked < 2:
                await asyncio.sleep(0.01)
        assert keys.find("first") is not None
        issuer.answer = None
        issuer.rotate("second")
        with contextlib.suppress(KeyPending):
            keys.find("second")
        await appears(keys, "second")


async def test_an_issuer_that_hangs_is_left_behind_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async with issuing() as issuer:
        issuer.delay_seconds = 2.0
        with monkeypatch.context() as hasty:
            hasty.setattr("pulse_radar.auth.published._FETCH_SECONDS", 0.2)
            async with keys_of(issuer) as keys:
                with pytest.raises(KeyPending):
                    keys.find("first")
        issuer.delay_seconds = 0.0
        async with keys_of(issuer) as keys:
            assert keys.find("first") is not None


async def test_an_app_starts_without_its_issuer_and_asks_clients_to_come_back() -> None:
    async with issuing() as issuer:
        pulse = Pulse(authenticate=Jwt(jwks=issuer.url, issuer=ISSUER, audience=AUDIENCE))
        pulse.topic("knowledge")
        issuer.answer = Response(status_code=503)
        async with serving(app_with(pulse)) as server:
            headers = {"Authorization": f"Bearer {issuer.token()}"}
            async with Client(server.port, additional_headers=headers) as client:
                assert await client.closed() == (1013, "")
            async with Client(server.port, additional_headers={"Authorization": "Bearer x.y.z"}) as client:
                assert await client.closed() == (4401, "unauthenticated")


async def test_three_lines_let_in_who_the_issuer_knows_and_renew_it() -> None:
    async with issuing() as issuer:
        pulse = Pulse(authenticate=Jwt(jwks=issuer.url, issuer=ISSUER, audience=AUDIENCE))
        pulse.topic("knowledge")
        pulse.topic("messages")
        async with serving(app_with(pulse)) as server:
            await follows(server, issuer)


async def follows(server: Server, issuer: Issuer) -> None:
    headers = {"Authorization": f"Bearer {issuer.token()}"}
    async with Client(server.port, additional_headers=headers) as client:
        assert (await client.next())["data"]["topics"] == ["knowledge"]
        await client.until("subscription")
        end = time.time() + 3600
        await client.say(action="auth", token=issuer.token(exp=end, read=["messages"]))
        assert (await client.until("auth"))["data"]["expiresAt"] == int(end)
        assert (await client.next())["data"] == {"action": "unsubscribed", "topic": "knowledge"}
        await client.say(action="auth", token=issuer.token(sub="eve"))
        assert (await client.until("error"))["data"]["code"] == "unauthenticated"
