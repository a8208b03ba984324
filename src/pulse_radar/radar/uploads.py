"""Exports that come over HTTP: streamed to the disk of the data directory, bounded, gone once they are ingested."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from pulse_radar.errors import PulseError
from pulse_radar.settings import Settings

__all__ = ["UploadTooLarge", "check_size", "forget_upload", "is_upload", "keep_upload", "uploads_of"]


class UploadTooLarge(PulseError):
    """More came than is allowed."""


def uploads_of(settings: Settings) -> Path:
    """Where uploads are until they are ingested."""
    return settings.data_dir.absolute() / "uploads"


def check_size(size: int, limit_bytes: int) -> None:
    """Raises: UploadTooLarge."""
    if size > limit_bytes:
        raise UploadTooLarge(f"an upload has at most {limit_bytes} bytes (PULSE_UPLOAD_LIMIT_BYTES)")


async def keep_upload(path: Path, content: AsyncIterator[bytes], limit_bytes: int) -> None:
    """Write all of it to this new file; nothing is left where it is too large, or where it breaks off.

    Raises: UploadTooLarge, OSError, what reading raises.
    """
    file = await asyncio.to_thread(_create, path)
    try:
        await _write(file, content, limit_bytes)
    except BaseException:
        # At once, not in a thread: whoever is cancelled waits for nothing more.
        _forget(path)
        raise
    finally:
        file.close()


def is_upload(path: Path, settings: Settings) -> bool:
    """Whether this file came over HTTP, and is ours to delete."""
    return path.parent == uploads_of(settings)


def forget_upload(path: Path, settings: Settings) -> None:
    """Delete this file, if it is an upload of ours."""
    if is_upload(path, settings):
        _forget(path)


async def _write(file: BinaryIO, content: AsyncIterator[bytes], limit_bytes: int) -> None:
    size = 0
    async for part in content:
        size += len(part)
        check_size(size, limit_bytes)
        await asyncio.to_thread(file.write, part)
    await asyncio.to_thread(file.flush)


def _forget(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path.open("xb", buffering=1024 * 1024)
