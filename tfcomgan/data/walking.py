"""The files below a folder, and what there was left out and why.

Left out are results of this package (see `marks`; run folders, by their run.json), what
is hidden, by-products of storage systems and unpackers, and pipes and devices. Linked
folders are entered, each folder once: so loops end, and no picture comes twice.
"""

import collections
import os
import pathlib
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from tfcomgan import run_folder
from tfcomgan.system import marks

# HEIC, which Pillow alone cannot read, comes from telephones: better refused than passed
# over.
SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg"),
    *(".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"),
)
_SHOWN = 10  # File names in a sentence.
# Folders of Synology, QNAP, macOS's archives, Windows, ext4 and Android, in small letters.
# Those of others begin with a dot.
_BY_PRODUCTS = (
    *("@eadir", "#recycle", "#snapshot"),
    *("@recycle", "@recently-snapshot", "@__thumb", "@tmp"),
    *("__macosx", "$recycle.bin", "recycler", "system volume information"),
    *("lost+found", "lost.dir"),
)


class Walk(NamedTuple):
    """What is below a folder, by names relative to it, with '/' between.

    files: Names of the files, sorted.
    locked: Folders that cannot be opened, and the reason.
    passed_over: What was left out, and why.
    """

    files: list[str]
    locked: dict[str, str]
    passed_over: dict[str, str]


def walk(root: str | os.PathLike, depth: int | None = None) -> Walk:
    """Looks through a folder.

    Args:
      root: The folder; a mark on itself says nothing, as it was named.
      depth: Parts of the longest names wanted; None goes to the bottom.
    """
    walker = _Walker(pathlib.Path(root), depth)
    return walker.seen._replace(files=sorted(walker.seen.files))


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture."""
    return name.lower().endswith(SUFFIXES)


def told(passed_over: dict[str, str]) -> list[str]:
    """A line for each reason, with the names."""
    by_reason = collections.defaultdict(list)
    for name, why in sorted(passed_over.items()):
        by_reason[why].append(name)
    return [f"Passed over, {why}: {some(names)}." for why, names in by_reason.items()]


def shown(name: str) -> str:
    """A file name that can be printed and stored, also where it is no UTF-8."""
    return os.fsencode(name).decode(errors="replace")


def folded(name: str) -> str:
    """A name as disks compare it that mind neither capitals nor the form of Unicode."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def some(names: Iterable[str]) -> str:
    """The first names and the number of others, for a sentence."""
    names = [shown(name) for name in names]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


class _Walker:
    """Enters what lies below first and links last: a name without links is preferred."""

    def __init__(self, root: pathlib.Path, depth: int | None):
        self.seen = Walk([], {}, {})
        self._depth = depth
        self._results: set[str] = set()  # By what marks say, in names from the root.
        real = root.resolve()
        # A link up would lead back here, by way of everything beside.
        self._entered = {_identity(path): str(path) for path in real.parents}
        folders, links = collections.deque([(root, "")]), collections.deque()
        while folders or links:
            path, name = (folders or links).popleft()
            if (entries := self._open(path, name)) is None:
                continue
            self._results |= {_inside(name, below) for below in marks.read(path)}
            for entry in entries:
                inside = _inside(name, entry.name)
                if self._takes_folder(entry, inside):
                    later = links if entry.is_symlink() else folders
                    later.append((entry.path, inside))

    def _open(self, path, name: str) -> list[os.DirEntry] | None:
        """The entries of a folder that is to be entered."""
        try:
            key = _identity(path)
            if key in self._entered:
                why = f"the same folder as {shown(self._entered[key])}"
                self.seen.passed_over[name] = why
                return None
            self._entered[key] = name or str(path)
            if name and marks.ALL in marks.read(path):
                self.seen.passed_over[name] = "results of tfcomgan"
                return None
            with os.scandir(path) as entries:
                entries = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.seen.locked[name or "."] = error.strerror
            return None
        # A run makes its own pictures, and changes them.
        if any(entry.name == run_folder.MARK for entry in entries):
            self.seen.passed_over[name or "."] = "a run folder of tfcomgan"
            return None
        return entries

    def _takes_folder(self, entry: os.DirEntry, name: str) -> bool:
        """Takes or passes over a file; of a folder, whether it is to be entered."""
        try:
            is_folder = entry.is_dir()
            # What a link names and is not there is reported by whoever reads it.
            is_file = entry.is_file() or not (is_folder or os.path.exists(entry.path))
        except OSError:  # A link to itself, or through a locked folder.
            is_folder, is_file = False, True
        is_meant = is_folder or is_picture(name)
        if name in self._results:
            self.seen.passed_over[name] = "results of tfcomgan"
        elif entry.name.startswith("."):
            if is_meant:
                self.seen.passed_over[name] = "hidden"
        elif is_folder and entry.name.casefold() in _BY_PRODUCTS:
            self.seen.passed_over[name] = "by-products of a system"
        elif is_folder:
            return self._depth is None or name.count("/") + 1 < self._depth
        elif is_file:
            self.seen.files.append(name)
        elif is_meant:
            self.seen.passed_over[name] = "no file but a pipe or a device"
        return False


def _inside(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _identity(path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
