"""How one process asks another: answered by whoever is there, else told that nobody is."""

import pytest

from pulse_radar.brokers.base import NobodyThere
from pulse_radar.errors import InvalidKey
from pulse_radar.testing.broker_contract.laboratory import Laboratory

__all__ = ["ControlContract"]


def _echo(verb: str, content: bytes) -> bytes:
    return verb.encode() + b" " + content


class ControlContract:
    async def test_whoever_answers_at_an_address_is_asked_from_anywhere(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.answer("worker-1", _echo)
            assert broker.is_answering("worker-1")
            assert await broker.ask("worker-1", "cancel", b"3f9c") == b"cancel 3f9c"
            assert await other.ask("worker-1", "ping") == b"ping "

    async def test_an_address_where_nobody_answers_is_told_at_once(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            assert not broker.is_answering("nobody")
            with pytest.raises(NobodyThere):
                await broker.ask("nobody", "cancel", patience_seconds=60)

    async def test_an_address_is_a_key(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            with pytest.raises(InvalidKey):
                await broker.answer("a.b", _echo)
            with pytest.raises(InvalidKey):
                await broker.ask("*", "cancel")
