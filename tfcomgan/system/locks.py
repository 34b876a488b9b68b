"""Folders that one process at a time writes to: by a lock, which dies with its process."""

import contextlib
import errno
import json
import os
import pathlib
import shlex
import socket
import sys
import tempfile
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
    if not _has_locks(place):
        print(
            f"{flag}={folder} lies on a file system without locks: see to it that no other "
            "process writes there.",
            file=sys.stderr,
        )
        yield
        return
    lock = filelock.FileLock(str(place / _LOCK))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        who = f"{flag}={folder} is in use by {_holder(place)}."
        if wait is None:
            raise UserError(
                f"{who} Wait for its end, or name another folder."
            ) from None
        wait(f"{who} Waiting for its end.")
        lock.acquire()
    holder = place / _HOLDER
    _ours.add(place)
    try:
        holder.write_text(json.dumps(_me()), encoding="utf-8")
        yield
    finally:
        _ours.discard(place)
        holder.unlink(missing_ok=True)
        lock.release()


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
