"""What a check found, and what to do about it."""

from enum import StrEnum
from typing import Final

import msgspec

__all__ = ["MEND_IT", "Finding", "Verdict", "doubt", "fine", "skipped", "trouble"]

# Of a setting that cannot work.
MEND_IT: Final = "mend it; docs/OPERATIONS.md has the table of settings"


class Verdict(StrEnum):
    """How bad it is."""

    FINE = "ok"
    SKIPPED = "skipped"  # it could not be looked at
    DOUBT = "warning"  # it runs, and may not as it is meant to
    TROUBLE = "failed"  # it does not


class Finding(msgspec.Struct, frozen=True):
    """`check`: what was looked at. `advice`: what to do next, where there is anything."""

    check: str
    verdict: Verdict
    said: str
    advice: str = ""


def fine(check: str, said: str) -> Finding:
    return Finding(check, Verdict.FINE, said)


def skipped(check: str, said: str, advice: str = "") -> Finding:
    return Finding(check, Verdict.SKIPPED, said, advice)


def doubt(check: str, said: str, advice: str) -> Finding:
    return Finding(check, Verdict.DOUBT, said, advice)


def trouble(check: str, said: str, advice: str) -> Finding:
    return Finding(check, Verdict.TROUBLE, said, advice)
