"""Texts in the database: alike in all of them, although PostgreSQL keeps no NUL character."""

from sqlalchemy import Dialect, String, Text
from sqlalchemy.types import TypeDecorator

__all__ = ["KeptName", "KeptText"]


class KeptText(TypeDecorator[str]):
    """A text without the NUL characters that are in it: they are not seen, and would refuse a whole export."""

    impl: type[String] = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.replace("\0", "") if value else value


class KeptName(KeptText):
    """One of a bounded length: an id, a kind. Longer ones are refused before they come here; SQLite would take them."""

    impl = String
    cache_ok = True
