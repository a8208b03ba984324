"""Texts in the database: alike in all of them, although PostgreSQL keeps no NUL character."""

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

__all__ = ["KeptText"]


class KeptText(TypeDecorator[str]):
    """A text without the NUL characters that are in it: they are not seen, and would refuse a whole export."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.replace("\0", "") if value else value
