"""A live layer that nobody started, which whoever asks is told."""

__all__ = ["NotRunning"]


class NotRunning(RuntimeError):
    """The app was started without the lifespan of its Pulse."""

    def __init__(self) -> None:
        super().__init__(
            "Pulse Radar does not run: give the app its lifespan, FastAPI(lifespan=pulse.lifespan), "
            "or use `async with pulse:` in your own"
        )
