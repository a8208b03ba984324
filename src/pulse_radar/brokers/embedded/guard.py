"""The guard: a small process that owns the lock and the nats-server, for as long as its owner lives.

It is run as a script, by path, in the data directory, and imports the standard library only, and little of
that: it must start in milliseconds, and one sits beside every API process.

    python -I -S guard.py BINARY OWNER_PID STOP_SECONDS

It waits for the lock, starts the server, starts it again when it dies, and stops it when the owner is gone.
To its owner it says, a line each:

    waiting        another guard holds the directory; we take over when it ends
    started PID    the server runs (whether it answers, the owner sees at the port)
    exited STATUS  the server ended by itself; negative: by that signal

Every death here is the end of a file, because the kernel closes files however a process dies:

- the owner's: its end of our standard input closes;
- the server's: it inherits the writing end of a pipe and does nothing with it;
- the lock's: it is a flock on the data directory itself, inherited by the server, so that it ends when guard
  and server are both gone and never while one could still write. No lock file is there to delete by mistake.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
import time

__all__ = ["CONFIG_FILE", "RECORD_FILE", "main", "next_pause"]

CONFIG_FILE = "nats-server.conf"
RECORD_FILE = "server.pid"

STDIN, STDOUT, STDERR = 0, 1, 2

# systemd and others signal every process of a service at once, but the application still needs its broker to
# drain: the guard ends with its owner only.
OUTLIVED_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

# A child that the owner forked without exec (multiprocessing on Linux) holds a copy of our standard input
# and keeps it open when the owner is killed. So the parent's pid is looked at, too: one system call a second.
PARENT_CHECK_SECONDS = 1.0

# A server that lived this long is started again at once: that is rare enough. One that dies while it starts
# waits longer each time, from "not noticed" to "not a burden", since the cause (disk, port) may go away.
STEADY_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0


def next_pause(last_pause: float, lived_seconds: float) -> float:
    """Seconds to wait before starting again what lived this long."""
    if lived_seconds >= STEADY_SECONDS:
        return 0.0
    return min(max(last_pause * 2, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)


def main(binary: str, owner_pid: int, stop_seconds: float) -> None:
    """Guard the server in the working directory until the owner is gone."""
    os.umask(0o077)
    _let_go_of_what_is_not_ours()
    _outlive_signals()
    owner = Owner(owner_pid)
    lock = os.open(".", os.O_RDONLY)
    if take_lock(lock, owner):
        guard_server(binary, lock, owner, stop_seconds)


class Owner:
    """The process that we work for, at the other ends of our standard input and output."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        # An owner that is stopped or busy does not read: the words are lost then, the server is not.
        os.set_blocking(STDOUT, False)

    def tell(self, word: str) -> None:
        """Say one line, if the owner still listens."""
        try:
            os.write(STDOUT, f"{word}\n".encode())
        except (BlockingIOError, BrokenPipeError):
            return  # its end is noticed by `is_gone`, where it has an answer

    def is_gone(self, *, until: int | None = None, seconds: float = float("inf")) -> bool:
        """Wait for the owner's end (True), or until a descriptor is readable or the time is up (False)."""
        watched = [STDIN] if until is None else [STDIN, until]
        deadline = time.monotonic() + seconds
        while True:
            left = max(0.0, deadline - time.monotonic())
            readable, _, _ = select.select(watched, [], [], min(left, PARENT_CHECK_SECONDS))
            if STDIN in readable or os.getppid() != self._pid:
                return True
            if readable or left == 0.0:
                return False


def take_lock(lock: int, owner: Owner) -> bool:
    """Wait for the lock without using the processor. False: the owner was gone first."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner.tell("waiting")
        return _lock_in_turn(lock, owner)
    return True


def _lock_in_turn(lock: int, owner: Owner) -> bool:
    # A thread blocks in flock and this one in select: nothing is polled and the lock is taken at once. The
    # thread only waits: the server is forked from this one, because PR_SET_PDEATHSIG fires when the forking
    # thread ends. Imported here, because most guards never wait.
    import threading

    taken, told = os.pipe()

    def wait() -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.write(told, b"!")
        finally:
            os.close(told)

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    if owner.is_gone(until=taken):
        return False
    waiter.join()
    if os.read(taken, 1) != b"!":
        raise SystemExit("the data directory cannot be locked")  # the reason is above it in the log
    os.close(taken)
    return True


def guard_server(binary: str, lock: int, owner: Owner, stop_seconds: float) -> None:
    """Run the server, again and again, until the owner is gone."""
    pause = 0.0
    while not owner.is_gone(seconds=pause):
        server = Server(binary, lock)
        _write_record(server.pid)
        owner.tell(f"started {server.pid}")
        if owner.is_gone(until=server.life):
            server.stop(stop_seconds)
            break
        status = server.reap()
        pause = next_pause(pause, server.lived_seconds())
        owner.tell(f"exited {status}")
    _remove_record()


class Server:
    """One running nats-server, our child. `life` becomes readable when it dies."""

    def __init__(self, binary: str, lock: int) -> None:
        self._started = time.monotonic()
        guard = os.getpid()
        self.life, held = os.pipe()
        # Until exec the child has our handlers, which would swallow a signal meant to stop the server.
        signal.pthread_sigmask(signal.SIG_BLOCK, OUTLIVED_SIGNALS)
        self.pid = os.fork()
        if self.pid == 0:
            _become_server(binary, keep=(lock, held), guard=guard)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, OUTLIVED_SIGNALS)
        os.close(held)

    def lived_seconds(self) -> float:
        return time.monotonic() - self._started

    def stop(self, within_seconds: float) -> None:
        """End it: politely, then surely."""
        os.kill(self.pid, signal.SIGTERM)
        ended, _, _ = select.select([self.life], [], [], within_seconds)
        if not ended:
            os.kill(self.pid, signal.SIGKILL)
        self.reap()

    def reap(self) -> int:
        """Its exit status; negative: the signal that ended it."""
        os.close(self.life)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)


def _become_server(binary: str, *, keep: tuple[int, ...], guard: int) -> None:
    # Runs in the forked child and never returns. Standard output would keep the owner's pipe open.
    try:
        _heed_signals()
        _die_with(guard)
        os.dup2(os.open(os.devnull, os.O_RDONLY), STDIN)
        os.dup2(STDERR, STDOUT)
        for descriptor in keep:
            os.set_inheritable(descriptor, True)
        os.execv(binary, [binary, "-c", CONFIG_FILE])  # noqa: S606 - no shell is what we want
    except OSError as error:
        os.write(STDERR, f"{binary}: {error}\n".encode(errors="replace"))
    finally:
        os._exit(127)


def _die_with(guard: int) -> None:
    # Linux kills the server when its guard is killed. Elsewhere, and where Python has no ctypes, the server
    # lives on as an orphan that keeps the lock, until the next owner finds and ends it (`record.py`).
    # Imported here, in the child, so that the guard stays small: exec throws it away.
    if sys.platform != "linux":
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, ctypes.c_ulong(signal.SIGKILL))  # 1 is PR_SET_PDEATHSIG
    except (ImportError, AttributeError):
        return
    if os.getppid() != guard:  # it was killed before we asked
        os._exit(127)


def _write_record(server: int) -> None:
    # Who serves, for `record.py`: whole or not at all, and written after the fork, so that a later process
    # with the same number began after the file was written.
    temporary = f"{RECORD_FILE}.tmp"
    try:
        record = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(record, f"{server} {os.getpid()}\n".encode())
        os.close(record)
        os.replace(temporary, RECORD_FILE)  # noqa: PTH105 - pathlib costs as much as all other imports
    except OSError as error:  # a full disk: serving what is stored is worth more than the record
        os.write(STDERR, f"guard: {RECORD_FILE}: {error}\n".encode())


def _remove_record() -> None:
    try:
        os.unlink(RECORD_FILE)  # noqa: PTH108
    except OSError:
        return  # never written, or the directory is gone: there is nothing to be misled by


def _let_go_of_what_is_not_ours() -> None:
    # uvloop hands down everything inheritable, and servers make the socket inheritable that they listen on: with us,
    # or with the server, it would keep the port when the owner is killed. What the system lists is closed one by one,
    # because a range up to the limit may be a million.
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - pathlib costs as much as all other imports
        try:
            if int(name) > STDERR:
                os.close(int(name))
        except OSError:
            continue  # it was that of the listing


def _outlive_signals() -> None:
    # A handler, because what is ignored is discarded even while it is blocked, on some systems: see Server.
    for number in OUTLIVED_SIGNALS:
        signal.signal(number, lambda _number, _frame: None)


def _heed_signals() -> None:
    for number in OUTLIVED_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    # All of them: the thread that started the guard may have blocked more than we did.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
