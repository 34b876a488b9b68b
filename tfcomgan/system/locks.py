"""Folders that one process at a time writes to: by a lock, which dies with its process.

Some file systems of several hosts know no locks, or keep them to each host. So the holder
also touches a file every few seconds: where that is seen, another host is at work.
"""

import contextlib
import errno
import json
import os
import pathlib
import shlex
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

import filelock

from tfcomgan.errors import UserError

try:
    import fcntl
except ImportError:  # Windows has locks of its own, everywhere.
    fcntl = None  # type: ignore[assignment]

_LOCK = ".tfcomgan-lock"
# What a file system without locks answers. The lock of `filelock` that would do there stays
# behind when its process is killed.
_WITHOUT = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
_HOLDER = ".tfcomgan-lock.json"  # Who it is, for the message to others.
_BEAT = 3.0  # Seconds between two touches of it.
_MISSED = 4 * _BEAT  # Without one for so long, its process is gone.
_ours: set[pathlib.Path] = set()


@contextlib.contextmanager
def hold(
    folder: str | os.PathLike,
    flag: str,
    *,
    wait: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Holds a folder, which is made if missing; again within the block will do.

    Args:
      folder: The folder.
      flag: How a user names it, as '--out'.
      wait: Takes a line that says who is waited for; None to refuse.

    Raises:
      UserError: Another process holds it.
      OSError: The folder cannot be made or written to.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    place = folder.resolve()
    if place in _ours:
        yield
        return
    if _has_locks(place):
        lock = filelock.FileLock(str(place / _LOCK))
    else:
        lock = None
        print(
            f"{flag}={folder} lies on a file system without locks: see to it that no other "
            "process writes there.",
            file=sys.stderr,
        )
    if not _take(place, lock, timeout=0):
        who = f"{flag}={folder} is in use by {_holder(place)}."
        if wait is None:
            raise UserError(f"{who} Wait for its end, or name another folder.")
        wait(f"{who} Waiting for its end.")
        while not _take(place, lock, timeout=-1):
            pass
    _ours.add(place)
    try:
        with _beating(place / _HOLDER):
            yield
    finally:
        _ours.discard(place)
        if lock:
            lock.release()


def was_held(folder: str | os.PathLike) -> bool:
    """Whether a process holds this very folder, or one did: its lock stays behind."""
    return any(os.path.lexists(os.path.join(folder, n)) for n in (_LOCK, _HOLDER))


def _take(place: pathlib.Path, lock: filelock.FileLock | None, *, timeout) -> bool:
    """Takes a folder's lock; False where another process has it, here or elsewhere."""
    if lock:
        try:
            lock.acquire(timeout=timeout)
        except filelock.Timeout:
            return False
    if not _is_beating(place / _HOLDER, is_here_too=lock is None):
        return True
    if lock:
        lock.release()
    return False


@contextlib.contextmanager
def _beating(holder: pathlib.Path) -> Iterator[None]:
    """Says who holds the folder, and that it lives, until the block ends."""
    ended = threading.Event()

    def beat():
        while not ended.wait(_BEAT):
            with contextlib.suppress(OSError):
                os.utime(holder)

    holder.write_text(json.dumps(_me()), encoding="utf-8")
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        holder.unlink(missing_ok=True)


def _is_beating(holder: pathlib.Path, *, is_here_too: bool) -> bool:
    """Whether a process of another host holds a folder, or `is_here_too` one of this.

    Takes some seconds where one was killed there.
    """
    try:
        with holder.open(encoding="utf-8") as file:
            is_here = json.load(file)["host"] == socket.gethostname()
        if is_here and not is_here_too:
            return False  # The lock has told: it was killed.
        first, end = _touched(holder), time.monotonic() + _MISSED
        while time.monotonic() < end:
            if _touched(holder) != first:
                return True
            time.sleep(_BEAT / 10)
    except (OSError, ValueError, KeyError, TypeError):
        return False  # There is none, or it has just ended.
    return False


def _touched(holder: pathlib.Path) -> int:
    """When the holder's file was last touched; opened, as NFS asks its server then."""
    with holder.open("rb") as file:
        return os.fstat(file.fileno()).st_mtime_ns


def _has_locks(place: pathlib.Path) -> bool:
    """Whether the file system of a folder knows locks; some over a network do not."""
    if fcntl is None:
        return True
    with tempfile.TemporaryFile(dir=place) as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in _WITHOUT
    return True


def _me() -> dict:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "command": shlex.join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]])[:1000],
    }


def _holder(place: pathlib.Path) -> str:
    try:
        holder = json.loads((place / _HOLDER).read_text(encoding="utf-8"))
        return (
            f"process {holder['pid']} on {holder['host']} since {holder['since']} "
            f"({holder['command']})"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
