"""Files written whole or not at all, also where the power fails or the disk is full."""

import collections
import contextlib
import errno
import hashlib
import itertools
import os
import pathlib
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator

from tfcomgan.system import locks

# What begins so was left by a process that was killed, or is being written.
UNFINISHED = ".unfinished-"
_LEFT = re.compile(re.escape(UNFINISHED) + r"[0-9a-f]{16}-\w+")
_REPLACED = ".replaced-"  # An older folder, for as long as a newer one takes its place.


@contextlib.contextmanager
def replacing(
    path: str | os.PathLike, *, is_durable: bool = True
) -> Iterator[pathlib.Path]:
    """A temporary file beside `path`, which takes its place when the body ends well.

    Its content is on the disk before it has the name, and the name before this returns;
    where the body fails the temporary file is gone and `path` is as before. Makes the
    folder if needed.

    Args:
      path: The file.
      is_durable: Whether to wait for the disk, some milliseconds. Else a power cut may
        leave a file that is empty or cut off.

    Raises:
      OSError: The disk is full or may not be written.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A number of the process alone would be 1 in any container.
    temporary = unfinished(path, f"{os.getpid()}_{secrets.token_hex(4)}")
    try:
        yield temporary
        if is_durable:
            sync(temporary)
        os.replace(temporary, path)
        if is_durable and os.name == "posix":  # Elsewhere folders cannot be opened.
            sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def unfinished(path: str | os.PathLike, ending: str) -> pathlib.Path:
    """What `path` is called, of file or folder, until it is whole; see `sweep`.

    Args:
      path: The file or folder.
      ending: Letters, digits and '_'.
    """
    # In the same folder, because os.replace is atomic only within one file system; a name
    # may have 255 bytes, and `path` may have all of them.
    path = pathlib.Path(path)
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    return path.with_name(f"{UNFINISHED}{digest}-{ending}")


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text as UTF-8, whole or not at all; what it cannot hold is escaped."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def renew_text(path: str | os.PathLike, text: str) -> None:
    """As `write_text`, where the file does not hold this text."""
    path = pathlib.Path(path)
    wanted = text.encode("utf-8", "backslashreplace")
    if not path.is_file() or path.read_bytes() != wanted:
        write_text(path, text)


@contextlib.contextmanager
def unfinished_folder(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """An empty folder beside `path` to work in; it is gone when the body ends.

    To be called by who holds the folder above, see `sweep`.

    Raises:
      OSError: The disk is full or may not be written.
    """
    path = pathlib.Path(path)
    made = unfinished(path, "folder")
    shutil.rmtree(made, ignore_errors=True)  # Of a process that was killed.
    made.mkdir(parents=True)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def replacing_folder(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """An `unfinished_folder`, which takes the place of `path` when the body ends well.

    A folder of that name is removed then; where the body or the replacing fails it is as
    before. Does not wait for the disk. What a process left that was killed between the
    two renames has its name again when this is called anew, and is not swept before.
    """
    path = pathlib.Path(path)
    old = path.with_name(f"{_REPLACED}{path.name}")
    _settle(path, old)
    with unfinished_folder(path) as made:
        yield made
        try:
            if path.exists():
                os.replace(path, old)
            os.replace(made, path)
        finally:
            _settle(path, old)


def _settle(path: pathlib.Path, old: pathlib.Path) -> None:
    """Gives an older folder its name again where no newer one has it, else removes it."""
    if old.is_dir() and not path.exists():
        os.replace(old, path)
    shutil.rmtree(old, ignore_errors=True)


def publish(made: str | os.PathLike, place: str | os.PathLike) -> None:
    """Gives a folder its final name, with all in it on the disk before.

    Raises:
      OSError: `place` is there and not an empty folder, or the disk may not be written.
    """
    sync_all(made)
    os.replace(made, place)
    sync(pathlib.Path(place).parent)


def sync_all(folder: str | os.PathLike) -> None:
    """Waits until a folder and all below it are on the disk."""
    for root, _, names in os.walk(os.fspath(folder)):
        for name in names:
            sync(os.path.join(root, name))
        sync(root)


def sync(path: str | os.PathLike) -> None:
    """Waits until a file's content, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Of file systems that cannot promise it, as some of those over a network.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def sweep(folder: str | os.PathLike, names: Iterable[str]) -> None:
    """Removes what killed processes left unfinished of some names in a folder.

    Of a name of a folder that is all below. But nothing in folders below that another
    command locks or has locked, as each run's: they are swept by who is given them. Nor
    is what only begins as `UNFINISHED` does.

    To be called by who holds the folder, see `locks`: nobody is writing there.

    Args:
      folder: The folder.
      names: Of files and folders in it that the caller writes, as 'a.csv', 'x/a.png'.
    """
    top = pathlib.Path(folder)
    by_folder = collections.defaultdict(set)
    for path in (top / name for name in names):
        by_folder[path.parent].add(path.name)
    for parent, theirs in by_folder.items():
        above = itertools.takewhile(lambda p: p != top, (parent, *parent.parents))
        if parent.is_dir() and not any(map(locks.was_held, above)):
            _sweep_names(parent, theirs)


def _sweep_names(folder: pathlib.Path, names: Iterable[str]) -> None:
    paths = [folder / name for name in names]
    starts = {unfinished(path, "").name for path in paths}
    _remove(folder, (n for n in os.listdir(folder) if n[: n.rfind("-") + 1] in starts))
    with os.scandir(folder) as entries:
        folders = [e for e in entries if e.is_dir(follow_symlinks=False)]
    for path in (e.path for e in folders if e.name in names):
        if not locks.was_held(path):
            _sweep_below(path)


def _sweep_below(folder: str) -> None:
    for root, folders, found in os.walk(folder):
        _remove(root, (*folders, *found))
        folders[:] = [f for f in folders if not locks.was_held(os.path.join(root, f))]


def _remove(folder: str | os.PathLike, names: Iterable[str]) -> None:
    """Removes those of the names that are of `unfinished`."""
    for path in (pathlib.Path(folder, name) for name in filter(_LEFT.fullmatch, names)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
