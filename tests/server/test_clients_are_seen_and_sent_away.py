"""`pulse.clients()` and `pulse.evict()`: who is here, and away with one of them."""

import pytest

from pulse_radar import ClientStats, Refused
from pulse_radar.testing import connect
from tests.server.serving import app_with, make_pulse


async def test_a_client_is_seen_sent_away_and_told_why() -> None:
    pulse = make_pulse()
    async with connect(app_with(pulse), "knowledge") as ws:
        await ws.receive()
        (seen,) = pulse.clients()
        assert isinstance(seen, ClientStats)
        assert (seen.connection_id, seen.feeds) == (ws.connection.connection_id, ("knowledge",))
        assert (seen.behind, seen.unsent_bytes) == (0, 0)
        assert not pulse.evict("nobody")
        assert pulse.evict(seen.connection_id)
        with pytest.raises(Refused) as refused:
            await ws.receive()
        assert refused.value.code == 4003
        assert pulse.stats().hub.dismissed == {"evicted": 1}
