"""Writes the pictures of a split as arrays, so that a process that is killed loses seconds."""

import contextlib
import errno
import json
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import tqdm

from tfcomgan.data import arrays
from tfcomgan.data.reading import Rows
from tfcomgan.errors import UserError
from tfcomgan.system import files

_STATE = "state.json"
_SECONDS = 20.0  # Of work that a killed process loses.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Kind(NamedTuple):
    """shape: Of a picture's row in an array. dtype: Of its values."""

    shape: tuple[int, ...]
    dtype: type

    @property
    def bytes(self) -> int:
        """Of a row."""
        return int(np.prod(self.shape, dtype=int)) * np.dtype(self.dtype).itemsize


def kinds(size: int) -> dict[str, Kind]:
    """The arrays of pictures of this size, by the fields of `reading.Rows`."""
    return {
        "images": Kind((size, size, 3), np.uint8),
        "masks": Kind((size, size, 1), np.uint8),
        "labels": Kind((), np.int64),
    }


def decode(
    work: pathlib.Path,
    wanted: Mapping[str, Kind],
    read: Callable[[int], Iterator[Rows]],
    *,
    most: int,
    what: str,
) -> dict[str, str]:
    """Writes `work`/NAME.npy of each array wanted.

    Args:
      work: Folder of this work alone; what it holds of the same work is gone on with.
      wanted: Arrays, by the fields of `Rows`.
      read: How many stored examples to pass over, to those that follow.
      most: Pictures at most.
      what: For messages, as in "split 'train' of `folder`".

    Returns:
      Hex SHA-256 of the rows, by array.

    Raises:
      UserError: The disk has not as much room as needed, or the pictures cannot be read,
        or there is none; of these nothing is left in `work`.
    """
    needed = most * sum(kind.bytes for kind in wanted.values())
    work.mkdir(parents=True, exist_ok=True)
    done, count = _state(work, wanted)
    _check_room(work, needed, what)
    try:
        with contextlib.ExitStack() as stack:
            writers = {}
            for name, kind in wanted.items():
                path = work / f"{name}.npy"
                writers[name] = arrays.Writer(path, kind.shape, kind.dtype, count)
                stack.callback(writers[name].close)
            _write(work, writers, read(done), most=most)
            if not next(iter(writers.values())).count:
                raise UserError(f"There are no pictures in {what}.")
            return {name: writer.finish() for name, writer in writers.items()}
    except UserError:  # What is made anew instead has another name.
        shutil.rmtree(work, ignore_errors=True)
        raise
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise _no_room(work, needed, what, str(error.strerror)) from error


def _write(work, writers, parts, *, most: int) -> None:
    count = next(iter(writers.values())).count
    with tqdm.tqdm(
        desc="decoding pictures",
        total=most,
        initial=count,
        delay=2,
        leave=False,
        disable=None,  # Not into a file.
    ) as bar:
        saved = time.monotonic()
        for part in parts:
            for name, writer in writers.items():
                writer.append(getattr(part, name))
            count += len(part.images)
            bar.update(len(part.images))
            if time.monotonic() - saved > _SECONDS:
                for writer in writers.values():
                    writer.sync()
                state = {"wanted": list(writers), "done": part.done, "count": count}
                files.write_text(work / _STATE, json.dumps(state))
                saved = time.monotonic()


def _state(work: pathlib.Path, wanted: Mapping[str, Kind]) -> tuple[int, int]:
    """Stored examples passed, and rows written; 0 and 0 unless it is the same work."""
    try:
        state = json.loads((work / _STATE).read_text(encoding="utf-8"))
        done, count = int(state["done"]), int(state["count"])
        is_whole = state["wanted"] == list(wanted) and all(
            (work / f"{name}.npy").stat().st_size >= count * kind.bytes
            for name, kind in wanted.items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return 0, 0
    return (done, count) if is_whole else (0, 0)


def _check_room(work: pathlib.Path, needed: int, what: str) -> None:
    written = sum(path.stat().st_size for path in work.glob("*.npy"))
    free = shutil.disk_usage(work).free
    if needed - written > free:
        raise _no_room(work, needed, what, f"its disk has {size(free)} left")


def _no_room(work: pathlib.Path, needed: int, what: str, why: str) -> UserError:
    root = work.parents[2]
    return UserError(
        f"The decoded pictures of {what} take {needed:,} bytes ({size(needed)}) in "
        f"{work.parent}, and there is no room for them: {why}. Free some space, or set "
        f"--data_dir to a larger disk. Whatever else lies in {root} may be deleted; it is "
        "made again where needed. The same command goes on from here."
    )


def size(count: int) -> str:
    """A number of bytes for people, as in '1.5 GiB'."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if count >= 1024**power:
            return f"{count / 1024**power:.1f} {unit}"
    return f"{count} bytes"


def move(work: pathlib.Path, folder: pathlib.Path, names) -> None:
    """Gives finished arrays their places in `folder`; the work is over."""
    for name in names:
        os.replace(work / f"{name}.npy", folder / f"{name}.npy")
    files.sync(folder)
    shutil.rmtree(work, ignore_errors=True)
