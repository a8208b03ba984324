"""`pulse-radar telegram` as a process: what is said where the bot is, is there once, whatever dies in between."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from pulse_radar.errors import InvalidSetting
from pulse_radar.radar.bot import BotRefused, follow_bot
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store import Agent, Provider, open_store
from tests.radar.bot.local_bot_api import TOKEN, Json, LocalBotApi, local_bot_api
from tests.radar.knowledge.provider.local_provider import completion, http, local_provider
from tests.radar.station import Data, Station, station
from tests.radar.test_keys_of_providers_never_leave import holding

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOT = "telegram-bot-4242"
TEAM = {"id": -1001234567890, "type": "supergroup", "title": "Team"}
ANN = {"id": 11, "is_bot": False, "first_name": "Ann", "last_name": "Lee"}
CHAT_ID = 1234567890


def said(number: int, text: str = "We decided to ship on Friday.", **more: Any) -> Json:
    return {
        "message_id": number,
        "date": 1_700_000_000 + number,
        "chat": TEAM,
        "from": ANN,
        "text": text,
    } | more


class Bot:
    """The process, started again when it ended."""

    def __init__(self, at: Station, api: LocalBotApi) -> None:
        self._place = ("--broker", at.server.url, "--data-dir", str(at.settings.data_dir))
        self._environment = {"PULSE_TELEGRAM_TOKEN": TOKEN, "PULSE_TELEGRAM_SERVER": api.url}
        self._log = at.directory / "bot.log"
        self._process: asyncio.subprocess.Process

    async def start(self) -> None:
        command = (sys.executable, "-m", "pulse_radar.cli", "telegram", *self._place)
        environment = os.environ | self._environment
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdout=log, stderr=log, env=environment
            )

    async def end(self, number: signal.Signals) -> int:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        async with asyncio.timeout(60):
            return await self._process.wait()

    async def log(self) -> str:
        return await asyncio.to_thread(self._log.read_text)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Station]:
    async with station(tmp_path_factory.mktemp("bot")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[LocalBotApi]:
    async with local_bot_api() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(at: Station, api: LocalBotApi) -> AsyncIterator[Bot]:
    bot = Bot(at, api)
    await bot.start()
    try:
        yield bot
    finally:
        await bot.end(signal.SIGKILL)


async def heard(at: Station, added: int, **wanted: object) -> Data:
    """What is told of the bot once so many messages were new."""
    return await at.until("messages", BOT, "ingestion_progress", added=added, **wanted)


async def numbers(at: Station) -> list[int]:
    """The messages of the team in the database, in their order there."""
    return [number for chat, number in (await at.stored())[0] if chat == CHAT_ID]


# In this order: what one has brought, the next finds.


async def test_what_is_said_becomes_messages_and_atoms_live(at: Station, api: LocalBotApi, bot: Bot) -> None:
    await api.say(said(1), said(2, "It is at https://example.org/plan", reply_to_message=said(1)))
    first = await heard(at, 2)
    assert (first["status"], first["is_live"], first["error"]) == ("running", True, None)
    assert (first["file"], first["chat"]) == ("@radar_bot", "Team")
    await api.say(said(3, "Ann, can you review it?"))
    await heard(at, 3)
    await api.forgotten()
    assert await numbers(at) == [1, 2, 3]
    told = [e["data"] for e in await at.events("knowledge") if e["event"] == "atom_created"]
    kinds = {atom["message_id"]: atom["kind"] for atom in told}
    assert (kinds["1"], kinds["2"]) == ("decision", "link")


async def test_trouble_is_told_and_outlived(at: Station, api: LocalBotApi, bot: Bot) -> None:
    api.troubles = [
        (429, {"description": "Too Many Requests", "parameters": {"retry_after": 0.1}}),
        (409, {"description": "Conflict: terminated by other getUpdates request"}),
    ]
    conflict = "the Bot API answers: Conflict: terminated by other getUpdates request"
    await at.until("messages", BOT, "ingestion_progress", error=conflict)
    await api.say(said(4))
    assert (await heard(at, 4))["error"] is None
    assert f"{conflict}; tried again in" in await bot.log()


async def test_what_cannot_be_read_hides_nothing_beside_it(at: Station, api: LocalBotApi, bot: Bot) -> None:
    await api.say({"message_id": 5, "chat": "of a shape to come"}, said(6))
    await api.say(said(7), kind="channel_post")
    await heard(at, 6)
    await api.forgotten()
    assert "is passed over, for we cannot read it" in await bot.log()
    assert await numbers(at) == [1, 2, 3, 4, 6, 7]


async def test_one_that_is_killed_between_its_commit_and_the_next_poll_loses_and_doubles_nothing(
    at: Station, api: LocalBotApi, bot: Bot
) -> None:
    api.most_at_once = 10
    api.goes_deaf = True
    await api.say(*(said(number) for number in range(8, 28)))
    await heard(at, 16)
    await bot.end(signal.SIGKILL)
    # The server has not heard that they came.
    assert api.waiting[0]["message"]["message_id"] == 8
    api.goes_deaf = False
    await bot.start()
    await heard(at, 26)
    await api.forgotten()
    assert await numbers(at) == [1, 2, 3, 4, *range(6, 28)]


async def test_what_comes_again_under_other_numbers_after_a_quiet_week_is_there_once(
    at: Station, api: LocalBotApi, bot: Bot
) -> None:
    await api.begin_anew(7)
    await api.say(said(27), said(28))
    assert (await heard(at, 27))["skipped"] == 1
    await api.forgotten()
    assert (await numbers(at))[-2:] == [27, 28]


async def test_it_says_that_it_goes_and_its_token_is_nowhere(at: Station, api: LocalBotApi, bot: Bot) -> None:
    assert await bot.end(signal.SIGTERM) == 0
    assert (await heard(at, 27, status="paused"))["done"] == 28
    told = [await at.events(topic) for topic in at.records]
    assert TOKEN not in f"{await bot.log()} {told}"
    assert holding(at.settings.data_dir, TOKEN) == []


async def test_a_token_that_nobody_knows_is_no_matter_of_waiting(at: Station, api: LocalBotApi) -> None:
    radar = RadarSettings.load(telegram_token="4242:another", telegram_server=api.url)
    with pytest.raises(BotRefused, match="PULSE_TELEGRAM_TOKEN") as refused:
        await follow_bot(at.settings, radar)
    assert "another" not in str(refused.value)
    with pytest.raises(InvalidSetting, match="PULSE_TELEGRAM_TOKEN is not set"):
        await follow_bot(at.settings, RadarSettings.load())


async def test_an_agent_whose_provider_is_of_no_use_for_a_while_misses_nothing(
    at: Station, api: LocalBotApi
) -> None:
    claim = {"message": 0, "kind": "claim", "title": "The agent found this", "confidence": 0.9}
    radar = RadarSettings.load(telegram_token=TOKEN, telegram_server=api.url, allow_private_providers=True)
    async with local_provider(lambda _: http(401), lambda _: completion(claim)) as provider:
        base_url = provider.url.replace("provider.example", "127.0.0.1")
        async with open_store(at.settings, radar) as store, store.writing() as session:
            session.add(Provider(id="p", name="Own", base_url=base_url, model="small"))
            await session.flush()
            session.add(Agent(id="a", name="Archivist", instructions="", provider_id="p", is_enabled=True))
        following = asyncio.create_task(follow_bot(at.settings, radar, "Archivist"))
        await api.say(said(29, "It is what it is"))
        assert (await heard(at, 28))["fallbacks"] == 0
        following.cancel()
        await asyncio.wait([following])
    told = [e["data"] for e in await at.events("messages", BOT)]
    assert any("status 401" in (one["error"] or "") for one in told)
    [atom] = [e["data"] for e in await at.events("knowledge") if e["data"].get("message_id") == "29"]
    assert atom["title"] == "The agent found this"
