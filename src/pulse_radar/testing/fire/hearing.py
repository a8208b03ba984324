"""One client's logbook heard: each record goes to the judge of its feed, and what a run reports is counted. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from pulse_radar.testing.fire.judge import LogFeedJudge
from pulse_radar.testing.fire.logbook import (
    ClientRecord,
    Closed,
    Confirmed,
    Damaged,
    Forgot,
    Opened,
    Seen,
    Stopped,
    Told,
    Waits,
)
from pulse_radar.testing.fire.objection import Breach, Objection
from pulse_radar.testing.fire.state_judge import StateFeedJudge
from pulse_radar.testing.fire.truth import Truth

__all__ = ["Heard", "hear"]


class Heard(msgspec.Struct, frozen=True):
    """What one client's logbook says."""

    objections: tuple[Objection, ...]
    deliveries: int
    connections: int
    snapshots: int
    # Stopped because the network had damaged what it heard or said.
    damages: int
    gaps: Counter[str]
    closes: Counter[int]


def hear(
    truth: Truth,
    who: str,
    feeds: Sequence[str],
    records: Iterable[ClientRecord],
    damage: AbstractSet[Damaged] = frozenset(),
) -> Heard:
    """Judge a client that follows these feeds. `damage`: the connections on which the network flipped a bit."""
    judges = {feed: _judge(truth, who, feed) for feed in feeds}
    opened = stopped = 0
    closes: Counter[int] = Counter()
    objections: list[Objection] = []
    for record in records:
        match record:
            case Seen():
                judges[record.feed].seen(record)
            case Told():
                judges[record.feed].told(record)
            case Confirmed():
                judges[record.feed].confirmed(record)
            case Forgot():
                objections += _forget(judges[record.feed], who, record.feed)
            case Opened():
                opened += 1
                for judge in judges.values():
                    judge.opened(record)
            case Stopped():
                stopped += 1
                objections += _stop(who, record, damage)
            case Closed():
                closes[record.code] += 1
            case Waits():
                pass
    for judge in judges.values():
        objections += judge.finished()
    return Heard(
        tuple(objections),
        sum(judge.deliveries for judge in judges.values()),
        opened,
        sum(judge.snapshots for judge in judges.values() if isinstance(judge, StateFeedJudge)),
        stopped,
        Counter(gap.reason for judge in judges.values() for gap in judge.gaps),
        closes,
    )


def _judge(truth: Truth, who: str, feed: str) -> LogFeedJudge | StateFeedJudge:
    is_log = truth.topics[feed.partition("/")[0]].is_log
    return LogFeedJudge(truth, who, feed) if is_log else StateFeedJudge(truth, who, feed)


def _forget(judge: LogFeedJudge | StateFeedJudge, who: str, feed: str) -> list[Objection]:
    if isinstance(judge, StateFeedJudge):
        judge.forgot()
        return []
    return [Objection(Breach.UNTRUE, who, feed, 0, "a snapshot on a log topic")]


def _stop(who: str, record: Stopped, damage: AbstractSet[Damaged]) -> list[Objection]:
    if Damaged(record.link, record.port) in damage:
        return []
    return [Objection(Breach.STOPPED, who, f"link {record.link}", record.port, record.why)]
