"""Disks in memory, for trials of what happens on a full or a read-only one; needs root."""

import contextlib
import os
import pathlib
import subprocess
from collections.abc import Iterator

_ROOM = 2**30


class Disk:
    """A mounted disk; see `disk`."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder

    def used(self) -> int:
        """Bytes taken, with what file systems need for each file."""
        about = os.statvfs(self.folder)
        return (about.f_blocks - about.f_bfree) * about.f_frsize

    def leave(self, free: int) -> None:
        """Makes it so small that this many bytes are free."""
        _mount("-o", f"remount,size={max(1, self.used() + free)}", self.folder)

    def protect(self) -> None:
        """Makes it read-only."""
        _mount("-o", "remount,ro", self.folder)

    def mend(self) -> None:
        """Makes it large and writable."""
        _mount("-o", f"remount,rw,size={_ROOM}", self.folder)


@contextlib.contextmanager
def disk(folder: pathlib.Path) -> Iterator[Disk]:
    """A large disk in memory, mounted at a folder that is made for it."""
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={_ROOM}", "tmpfs", folder)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


def _mount(*arguments) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)
