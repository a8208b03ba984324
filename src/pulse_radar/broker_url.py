"""Where a broker is, fit for logs, errors and `/health`: never with what its URL holds of credentials."""

from urllib.parse import urlsplit

__all__ = ["for_people", "place"]


def place(server: str) -> str:
    """Host and port of one server. Raises: ValueError, for what names none; it says nothing of the text."""
    url = urlsplit(server)
    # With a path, a query or a fragment, a password may have been cut in two, and the first half taken for a host.
    if not url.hostname or url.port == 0 or url.path.strip("/") or url.query or url.fragment:
        raise ValueError("no place of a server")
    return f"{url.hostname}:{url.port or 4222}"


def for_people(url: str) -> str:
    """The URL without credentials; of several servers by commas, the place of each."""
    if "@" not in url:
        return url
    scheme, mark, _ = url.partition("://")
    try:
        return f"{scheme}://{','.join(place(server.strip()) for server in url.split(','))}"
    except ValueError:
        # Where it is cannot be told from who may go there.
        return f"{scheme}://…" if mark else "…"
