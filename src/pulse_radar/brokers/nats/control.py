"""Questions from process to process over core NATS: answered or timed out, never kept."""

import logging
from typing import Final

from pulse_radar.brokers.base import Answering, NobodyThere
from pulse_radar.brokers.nats.link import Link
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.requests import NobodyAnswers
from pulse_radar.brokers.nats.wire_format import Incoming
from pulse_radar.errors import BrokerError
from pulse_radar.protocol.grammar import check_key

__all__ = ["Control"]

_logger: Final = logging.getLogger(__name__)


class Control:
    """Asks and answers under `pulse.control`. Keys are words of a subject as they are."""

    def __init__(self, link: Link, naming: Naming) -> None:
        self._link = link
        self._naming = naming

    async def answer(self, address: str, answering: Answering) -> None:
        pattern = self._naming.control(check_key(address))

        def asked(message: Incoming) -> None:
            verb = message.subject.rpartition(".")[2]
            if not message.reply:
                return
            try:
                self._link.reply(message, answering(verb, message.data))
            except BrokerError:
                # Whoever asks is told by time.
                _logger.debug("an answer to %s went nowhere", message.subject, exc_info=True)

        self._link.listen(pattern, asked)

    def is_answering(self, address: str) -> bool:
        return self._link.is_heard(self._naming.control(address))

    async def ask(self, address: str, verb: str, content: bytes, patience_seconds: float) -> bytes:
        subject = self._naming.control(check_key(address), verb)
        try:
            [message] = await self._link.ask(subject, content, patience_seconds=patience_seconds)
        except NobodyAnswers as error:
            raise NobodyThere(f"nobody answers at {address}") from error
        return message.data
