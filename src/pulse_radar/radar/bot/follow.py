"""Reading along: news of the Bot API, into the database, before the API is told that they came."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Final

from pulse_radar.errors import InvalidSetting
from pulse_radar.radar.bot.api import BotApi, open_bot_api
from pulse_radar.radar.bot.errors import BotAway, BotRefused
from pulse_radar.radar.bot.shapes import RawUpdate, RawUser, decode_message
from pulse_radar.radar.bot.translate import message_of
from pulse_radar.radar.events import IngestionProgress, IngestionStatus
from pulse_radar.radar.ingestion import AgentFailed
from pulse_radar.radar.ingestion.agent import open_agent
from pulse_radar.radar.ingestion.looking import Looking
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store.live import LiveRecord, open_live_record
from pulse_radar.radar.store.publishing import open_publishing_store
from pulse_radar.radar.telegram import TelegramMessage
from pulse_radar.settings import Settings

__all__ = ["follow_bot"]

_log: Final = logging.getLogger("pulse_radar.bot")

# Between two tries, longer each time, where the API does not say how long.
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0


async def follow_bot(settings: Settings, radar: RadarSettings, agent: str | None = None) -> None:
    """Read along, until it is cancelled. `agent`: who finds what is said, by id or name; else the default extraction.

    Raises: InvalidSetting, AgentFailed, BotRefused, BrokerUnavailable, BrokerRefused, SQLAlchemyError, OutboxFull.
    """
    if radar.telegram_token is None:
        raise InvalidSetting("PULSE_TELEGRAM_TOKEN is not set: @BotFather of Telegram gives one to each bot")
    async with (
        open_publishing_store(settings, radar) as store,
        open_bot_api(radar.telegram_token, radar.telegram_server) as api,
        nullcontext() if agent is None else open_agent(agent, store, radar) as extractor,
    ):
        bot = await _introduced(api)
        record = await open_live_record(store, f"telegram-bot-{bot.id}", f"@{bot.username}")
        await _Following(api, bot, Looking(store, extractor), record).run()


async def _introduced(api: BotApi) -> RawUser:
    patience = _Patience()
    while True:
        try:
            return await api.me()
        except BotAway as error:
            await patience.wait(error)


class _Following:
    def __init__(self, api: BotApi, bot: RawUser, looking: Looking, record: LiveRecord) -> None:
        self._api = api
        self._bot = bot
        self._record = record
        self._looking = looking
        # The last one that something was said in.
        self._chat: str | None = None

    async def run(self) -> None:
        """Read along, until it is cancelled; that is told, if the database lets us. Raises: BotRefused."""
        await self._record.tell(self._told("running"))
        _log.info("reading along as @%s", self._bot.username)
        try:
            await self._follow()
        except BotRefused as error:
            await self._record.tell(self._told("failed", str(error)))
            raise
        except asyncio.CancelledError:
            await self._record.tell(self._told("paused"))
            raise

    async def _follow(self) -> None:
        patience = _Patience()
        while True:
            try:
                updates = await self._api.updates(self._record.next_update)
                await self._take(updates)
            except (BotAway, AgentFailed) as error:
                # What was not taken comes again.
                await self._record.tell(self._told("running", str(error)))
                await patience.wait(error)
            else:
                patience.renew()

    async def _take(self, updates: Sequence[RawUpdate]) -> None:
        """Raises: AgentFailed."""
        if not updates:
            await self._record.tell(self._told("running"))
            return
        messages = list(self._messages(updates))
        if messages:
            self._chat = messages[-1].chat.name
        batch = await self._looking.through(messages)
        next_update = max(update.update_id for update in updates) + 1
        await self._record.add(batch, next_update, lambda: self._told("running"))
        if self._record.added:
            await self._looking.refresh_topics_in_time()

    def _messages(self, updates: Sequence[RawUpdate]) -> Iterator[TelegramMessage]:
        for update in updates:
            raw = bytes(update.message) or bytes(update.channel_post)
            try:
                if raw:
                    yield message_of(decode_message(raw), self._bot.id)
            except (ValueError, OverflowError, OSError) as error:
                _log.error("update %d is passed over, for we cannot read it: %s", update.update_id, error)

    def _told(self, status: IngestionStatus, error: str | None = None) -> IngestionProgress:
        record = self._record
        return IngestionProgress(
            ingestion_id=f"telegram-bot-{self._bot.id}",
            status=status,
            done=record.done,
            added=record.added,
            skipped=record.done - record.added,
            chat=self._chat,
            file=f"@{self._bot.username}",
            error=error,
            fallbacks=record.fallbacks,
            fallback_reason=record.fallback_reason,
            is_live=True,
        )


class _Patience:
    """How long to wait for who does not help, longer each time."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE_SECONDS

    def renew(self) -> None:
        self._pause = _FIRST_PAUSE_SECONDS

    async def wait(self, error: BotAway | AgentFailed) -> None:
        asked = error.retry_after if isinstance(error, BotAway) else None
        pause = self._pause if asked is None else asked
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        _log.warning("%s; tried again in %g s", error, pause)
        await asyncio.sleep(pause)
