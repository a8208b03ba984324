"""How clients of each peer begin that follow these topics."""

from benchmarks.readers import Kind

__all__ = ["centrifugo", "floor", "ours", "socket_io", "uwebsockets"]


def ours(*topics: str) -> Kind:
    """Ready once the last one is live; it answers pings."""
    return Kind(
        f"/ws?topics={','.join(topics)}",
        ready=f'"subscribed","topic":"{topics[-1]}"',
        answers=('{"type":"ping"', '{"action":"pong"}'),
    )


def socket_io(*topics: str) -> Kind:
    """Without topics it is in no room, and gets what goes to all."""
    rooms = f"&topics={','.join(topics)}" if topics else ""
    return Kind(
        f"/socket.io/?EIO=4&transport=websocket{rooms}", says=("40",), ready="40{", answers=("2", "3")
    )


def uwebsockets(*topics: str) -> Kind:
    return Kind(says=(",".join(topics),), ready="subscribed")


def centrifugo(*topics: str) -> Kind:
    """An empty text is its ping, and the answer to it."""
    subscribing = (
        f'{{"id":{place},"subscribe":{{"channel":"{topic}"}}}}' for place, topic in enumerate(topics, 2)
    )
    says = ('{"id":1,"connect":{}}', *subscribing)
    return Kind("/connection/websocket", says=says, ready=f'"id":{len(says)}', answers=("{}", "{}"))


def floor(*topics: str) -> Kind:
    return Kind(f"/ws?topics={','.join(topics)}")
