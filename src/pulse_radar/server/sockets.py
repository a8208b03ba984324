"""The sockets that carry requests to a server, by whom they come from: silent ones would take every file there is."""

from pulse_radar.server.places import NOBODY, Places, Whose, network_of
from pulse_radar.server.proxies import TrustedProxies

__all__ = ["SocketPlace", "Sockets"]


class SocketPlace:
    """The place of one socket: whichever protocol has the socket when it ends gives it back."""

    __slots__ = ("_places", "_whose")

    def __init__(self, places: Places, whose: Whose) -> None:
        self._places: Places | None = places
        self._whose = whose

    def give_back(self) -> None:
        """Twice is once."""
        places, self._places = self._places, None
        if places is not None:
            places.give_back(self._whose)

    def __repr__(self) -> str:
        return f"<SocketPlace {'given back' if self._places is None else 'taken'}>"


class Sockets:
    """Places of sockets. Those of trusted proxies are bounded by the process alone: they say who is behind them."""

    def __init__(self, places: Places, proxies: TrustedProxies) -> None:
        self._places = places
        self._proxies = proxies

    def take(self, peer: str | None) -> SocketPlace | None:
        """A place for a socket from there, to be given back; None: there is none."""
        whose = NOBODY if self._proxies.trust(peer) else Whose(network_of(peer))
        if self._places.refusal(whose) is not None:
            return None
        self._places.take(whose)
        return SocketPlace(self._places, whose)

    def __repr__(self) -> str:
        return f"<Sockets {self._places!r}>"
