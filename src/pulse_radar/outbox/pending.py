"""The events of one session's transaction, until its commit writes them as the last thing it does."""

import zlib
from collections.abc import Callable
from typing import Final, Self

from msgspec.structs import asdict
from sqlalchemy import Select, func, insert, select
from sqlalchemy.event import contains, listen
from sqlalchemy.orm import Session, SessionTransaction

from pulse_radar.brokers.base import Draft
from pulse_radar.errors import InvalidSetting, OutboxFull
from pulse_radar.outbox.tables import OutboxTables

__all__ = ["Pending", "how_many", "watch_commits"]

# In `Session.info`: a transaction's events by the name of their outbox's table, and whether its commit has begun.
_INFO: Final = "pulse_radar.outbox"
_COMMITS: Final = "pulse_radar.outbox commits"


def watch_commits() -> None:
    """Know of each session whether its commit has begun: hooks of others may add the first event in its flush."""
    if not contains(Session, "before_commit", _commit_began):
        listen(Session, "before_commit", _commit_began)
        listen(Session, "after_transaction_end", _commit_ended)


def _commit_began(session: Session) -> None:
    if session.get_nested_transaction() is None:
        session.info[_COMMITS] = True


def _commit_ended(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:
        session.info.pop(_COMMITS, None)


class Pending:
    """What was added to a session and is not committed. A savepoint that is rolled back takes its own with it.

    Written at the end, for the order: whoever writes holds a lock until its commit, so that no other is numbered
    before it and committed after it. That lock is the last one a transaction takes, so nobody waits in a circle. Only
    what is added when the commit has come so far, by a hook of a flush, is written there and then.
    """

    def __init__(self, tables: OutboxTables, limit: int, committed: Callable[[], None]) -> None:
        self._tables = tables
        self._limit = limit
        self._committed = committed
        # Each with the savepoint in which it was added, None outside of any.
        self._drafts: list[tuple[SessionTransaction | None, Draft]] = []
        self._session: Session
        self._is_written = False
        # The end has come: nobody asks us again before the commit.
        self._is_too_late_to_wait = False

    @classmethod
    def of(cls, session: Session, tables: OutboxTables, limit: int, committed: Callable[[], None]) -> Self:
        """That of this session; made with its first event."""
        all_of_them: dict[str, Self] = session.info.setdefault(_INFO, {})
        pending = all_of_them.get(tables.events.name)
        if pending is None:
            pending = all_of_them[tables.events.name] = cls(tables, limit, committed)
            pending._watch(session)
        return pending

    def _watch(self, session: Session) -> None:
        self._session = session
        self._is_too_late_to_wait = _COMMITS in session.info
        listen(session, "before_commit", self._before_commit)
        listen(session, "after_commit", self._after_commit)
        listen(session, "after_transaction_end", self._after_end)

    def add(self, draft: Draft) -> None:
        """Raises: OutboxFull and InvalidSetting, where it is too late for the commit to do so."""
        if self._is_too_late_to_wait:
            self._write([draft])
        else:
            self._drafts.append((self._session.get_nested_transaction(), draft))

    def _before_commit(self, session: Session) -> None:
        savepoint = session.get_nested_transaction()
        if savepoint is not None:
            # Released: what was added in it belongs to what surrounds it.
            around = savepoint.parent if savepoint.parent and savepoint.parent.nested else None
            self._drafts = [(around if inside is savepoint else inside, d) for inside, d in self._drafts]
        else:
            if self._drafts:
                session.flush()
                self._write([draft for _, draft in self._drafts])
                self._drafts.clear()
            self._is_too_late_to_wait = True

    def _write(self, drafts: list[Draft]) -> None:
        _write(self._session, self._tables, drafts, self._limit)
        self._is_written = True

    def _after_commit(self, session: Session) -> None:
        if self._is_written and session.get_nested_transaction() is None:
            self._is_written = False
            self._committed()

    def _after_end(self, _session: Session, ended: SessionTransaction) -> None:
        # What is still here of a transaction that ended was rolled back.
        if ended.nested:
            self._drafts = [(inside, d) for inside, d in self._drafts if inside is not ended]
        elif ended.parent is None:
            self._drafts.clear()
            self._is_written = self._is_too_late_to_wait = False

    def __repr__(self) -> str:
        return f"<Pending {len(self._drafts)} events>"


def _write(session: Session, tables: OutboxTables, drafts: list[Draft], limit: int) -> None:
    """Write these behind all that are committed. Raises: OutboxFull, InvalidSetting."""
    match session.get_bind(clause=tables.events).dialect.name:
        case "postgresql":
            session.execute(select(func.pg_advisory_xact_lock(zlib.crc32(tables.events.fullname.encode()))))
        case "sqlite":
            # It has one writer at a time.
            pass
        case name:
            raise InvalidSetting(f"an outbox needs PostgreSQL or SQLite, and this is {name}")
    events = tables.events.c
    # Their number is at most that, which costs two looks however many they are: only who waits for long makes it more.
    span = select(func.max(events.id) - func.min(events.id) + 1).where(events.refused.is_(None))
    room = limit - len(drafts)
    if (session.scalar(span) or 0) > room and (waiting := session.scalar(how_many(tables)) or 0) > room:
        raise OutboxFull(
            f"{waiting} events of {tables.events.name} wait to be published, at most {limit} may: "
            "is a relay running, and can it reach the broker?"
        )
    session.execute(insert(tables.events), [_row_of(draft) for draft in drafts])


def how_many(tables: OutboxTables) -> Select[int]:
    """How many events wait. Cost: it counts them."""
    return select(func.count()).select_from(tables.events).where(tables.events.c.refused.is_(None))


def _row_of(draft: Draft) -> dict[str, object]:
    """The row in which a draft waits."""
    row = asdict(draft)
    row["event_id"] = row.pop("id")
    return row
