"""The contract of a broker as a suite: any broker, ours or yours, must pass it. Needs pytest.

    class TestMyBroker(BrokerContract):
        @pytest.fixture
        async def laboratory(self, tmp_path): ...   # yields a Laboratory

What cannot happen to a broker is not among its laboratory's faults, and the tests of it are skipped by name.
"""

from pulse_radar.testing.broker_contract.control import ControlContract
from pulse_radar.testing.broker_contract.faults import FaultContract
from pulse_radar.testing.broker_contract.history import HistoryContract
from pulse_radar.testing.broker_contract.laboratory import Fault, Laboratory
from pulse_radar.testing.broker_contract.ledger import Ledger, gaps, ids, numbers
from pulse_radar.testing.broker_contract.lost_streams import LostStreamContract
from pulse_radar.testing.broker_contract.state import StateContract
from pulse_radar.testing.broker_contract.state_faults import StateFaultContract
from pulse_radar.testing.broker_contract.storing import StoringContract
from pulse_radar.testing.broker_contract.tails import TailContract
from pulse_radar.testing.broker_contract.watcher import Publishing, Watcher, draft

__all__ = [
    "BrokerContract",
    "Fault",
    "Laboratory",
    "Ledger",
    "Publishing",
    "Watcher",
    "draft",
    "gaps",
    "ids",
    "numbers",
]


class BrokerContract(
    StoringContract,
    HistoryContract,
    TailContract,
    FaultContract,
    LostStreamContract,
    StateContract,
    StateFaultContract,
    ControlContract,
):
    """All of it."""
