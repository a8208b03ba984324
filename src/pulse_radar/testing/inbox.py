"""What came for a test and was not looked at yet, in order, and at its end why nothing more comes."""

import asyncio

from pulse_radar.protocol.frames import ServerFrame, UnknownFrame

__all__ = ["Inbox"]


class Inbox:
    """Frames that wait; who brings more than it holds waits, too, until somebody looks or nobody does any more."""

    def __init__(self, limit: int) -> None:
        self._frames: asyncio.Queue[ServerFrame | UnknownFrame | None] = asyncio.Queue(limit)
        self._end: BaseException | None = None
        # Nobody looks any more: what still comes is dropped.
        self._is_left = False

    @property
    def is_full(self) -> bool:
        return self._frames.full()

    async def put(self, frame: ServerFrame | UnknownFrame) -> None:
        if not self._is_left:
            await self._frames.put(frame)

    async def finish(self, end: BaseException) -> None:
        """Nothing more comes: whoever looks behind the last frame is told why."""
        self._end = end
        if not self._is_left:
            await self._frames.put(None)

    async def take(self) -> ServerFrame | UnknownFrame:
        """The next frame. Raises: why there will be none."""
        frame = await self._frames.get()
        if frame is None:
            assert self._end is not None, "it was finished"
            # It stays so.
            self._frames.put_nowait(None)
            raise self._end
        return frame

    def leave(self) -> None:
        """Look no more: an app that waits for room ends only if it gets it."""
        self._is_left = True
        while not self._frames.empty():
            self._frames.get_nowait()

    def __len__(self) -> int:
        return self._frames.qsize()

    def __repr__(self) -> str:
        return f"<Inbox, {len(self)} frames wait{', finished' if self._end else ''}>"
