"""What this process is called: host and process, as the key of an event or as an address for requests."""

import os
import re
import socket
from typing import Final

__all__ = ["name_of_this_process"]

# What a key may not have in it; `:` divides the parts of the name.
_MISPLACED: Final = re.compile(r"[^A-Za-z0-9_-]")


def name_of_this_process(host_length: int) -> str:
    """`host:process`. `host_length`: characters of the host's name, so that all of it fits where it is to be put."""
    return f"{_MISPLACED.sub('-', socket.gethostname())[:host_length]}:{os.getpid()}"
