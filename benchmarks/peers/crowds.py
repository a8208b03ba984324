"""How clients of each peer begin that follow these topics: words for native/reader.c."""

__all__ = ["centrifugo", "floor", "ours", "socket_io", "uwebsockets"]


def ours(*topics: str) -> tuple[str, ...]:
    """Ready once the last one is live; it answers pings."""
    return (
        *("--path", f"/ws?topics={','.join(topics)}", "--ready", f'"subscribed","topic":"{topics[-1]}"'),
        *("--answer", '{"type":"ping"', '{"action":"pong"}'),
    )


def socket_io(*topics: str) -> tuple[str, ...]:
    """Without topics it is in no room, and gets what goes to all."""
    rooms = f"&topics={','.join(topics)}" if topics else ""
    return (
        *("--path", f"/socket.io/?EIO=4&transport=websocket{rooms}", "--say", "40", "--ready", "40{"),
        *("--answer", "2", "3"),
    )


def uwebsockets(*topics: str) -> tuple[str, ...]:
    return ("--path", "/ws", "--say", ",".join(topics), "--ready", "subscribed")


def centrifugo(*topics: str) -> tuple[str, ...]:
    words = [
        '{"id":1,"connect":{}}',
        *(f'{{"id":{place},"subscribe":{{"channel":"{topic}"}}}}' for place, topic in enumerate(topics, 2)),
    ]
    said = (part for word in words for part in ("--say", word))
    return ("--path", "/connection/websocket", *said, "--ready", f'"id":{len(words)}', "--answer", "{}", "{}")


def floor(*topics: str) -> tuple[str, ...]:
    return ("--path", f"/ws?topics={','.join(topics)}")
