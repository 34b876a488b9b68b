"""Splits decoded once, cropped and resized, as arrays on the disk that runs share.

  DATA_DIR/decoded/NAME-DIGEST/      of one prepared data set
    about.json                       where that lies
    train-center-152px/              of one split, crop and size
      images.npy, images.json        an array; its shape, type and SHA-256
      masks.npy, masks.json, ...     as asked for

They are opened as memory maps: what is in use lies in the system's page cache, once for
all processes, and what does not fit there is read again. An array counts once its `.json`
is there, which is written last; its SHA-256 is taken again where the file's size or time
have changed since, as after a copy. Arrays of data sets that are gone, and such as nobody
opened for a month, are removed when others are made.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import sys
import time
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
import tqdm
from absl import logging

from tfcomgan.data import arrays, decoding, reading
from tfcomgan.data.reading import Examples, View
from tfcomgan.system import files, locks

FOLDER = "decoded"
_ABOUT = "about.json"
_WORK = ".decoding"
_UNUSED = 30 * 24 * 3600.0  # Seconds.


def load(
    builder: tfds.core.DatasetBuilder,
    adapt,
    view: View,
    *,
    identity: object,
    homes: Sequence[pathlib.Path],
) -> Examples:
    """A split as memory maps, decoded if nobody has yet.

    Args:
      builder, adapt, view: As for `reading.rows`.
      identity: Plain JSON; whatever changes `adapt` must change it.
      homes: Folders that may hold `FOLDER`; it is made in the first that can be written to.

    Returns:
      The same numbers as `reading.load`, without names.

    Raises:
      UserError: As for `reading.load`, or the disk has no room.
    """
    reading.check_split(builder, view.split)
    wanted = ["images"] + ["masks"] * view.with_masks + ["labels"] * view.with_labels
    place = pathlib.Path(_set_name(builder, identity), _view_name(builder, view))
    for home in homes:
        opened = _opened(home / FOLDER / place, wanted)
        if len(opened) == len(wanted):
            return _examples(opened)
    home = next((h for h in homes if os.access(h, os.W_OK)), homes[-1])
    folder = home / FOLDER / place

    def tell(line):
        tqdm.tqdm.write(line, file=sys.stderr)

    def read(skip):
        return reading.rows(builder, adapt, view, skip=skip)

    with locks.hold(folder.parent, "--data_dir", wait=tell):
        root = os.path.realpath(home / FOLDER)  # Which may be a link to another disk.
        about = {"prepared": os.path.relpath(os.path.realpath(builder.data_dir), root)}
        files.write_text(folder.parent / _ABOUT, json.dumps(about))
        _sweep(home / FOLDER)
        opened = _opened(folder, wanted)  # Meanwhile, by who was waited for.
        kinds = decoding.kinds(view.size)
        missing = {key: kinds[key] for key in wanted if key not in opened}
        if missing:
            digests = decoding.decode(
                folder / _WORK,
                missing,
                read,
                most=builder.info.splits[view.split].num_examples,
                what=f"split {view.split!r} of `{builder.name}`",
            )
            decoding.move(folder / _WORK, folder, missing)
            for key, digest in digests.items():
                _note(folder, key, digest)
            opened |= _opened(folder, list(missing))
    return _examples(opened)


def _examples(opened: dict[str, np.ndarray]) -> Examples:
    return Examples(opened["images"], opened.get("masks"), None, opened.get("labels"))


def _set_name(builder: tfds.core.DatasetBuilder, identity: object) -> str:
    """A folder's name for all that decoding depends on beside split, crop and size."""
    folder = pathlib.Path(builder.data_dir)
    stored = sorted(path for path in folder.iterdir() if path.is_file())
    content = [
        reading.VERSION,
        tf.__version__,  # Decodes and resizes.
        identity,
        builder.info.full_name,
        [(path.name, path.stat().st_size) for path in stored],
        (folder / "dataset_info.json").read_text(encoding="utf-8"),
    ]
    text = json.dumps(content, sort_keys=True, default=str)
    return f"{builder.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _view_name(builder, view: View) -> str:
    safe = re.sub(r"[^\w+]", "_", view.split)
    if safe != view.split:
        safe += f"-{hashlib.sha256(view.split.encode()).hexdigest()[:8]}"
    # Where only some pictures have a mask, these are other rows.
    masked = (
        "-masked" if view.with_masks and "has_mask" in builder.info.features else ""
    )
    return f"{safe}-{view.crop}-{view.size}px{masked}"


def _note(folder: pathlib.Path, key: str, digest: str) -> None:
    """Makes an array count."""
    path = folder / f"{key}.npy"
    array = arrays.read(path)
    content = {"shape": array.shape, "dtype": str(array.dtype), "sha256": digest}
    files.write_text(
        folder / f"{key}.json", json.dumps(content | {"seen": _seen(path)})
    )


def _seen(path: pathlib.Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _opened(folder: pathlib.Path, keys: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays that are there and whole."""
    tried = {key: _open(folder, key) for key in keys}
    opened = {key: array for key, array in tried.items() if array is not None}
    if opened:
        with contextlib.suppress(OSError):  # Of a folder that is for reading alone.
            os.utime(folder)
    return opened


def _open(folder: pathlib.Path, key: str) -> np.ndarray | None:
    path, note = folder / f"{key}.npy", folder / f"{key}.json"
    if not note.is_file():
        return None
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        array, seen = arrays.read(path), _seen(path)
        is_same = list(array.shape) == known["shape"] and array.dtype == known["dtype"]
        if is_same and known["seen"] != seen:
            is_same = arrays.digest(path) == known["sha256"]
            if is_same:
                with contextlib.suppress(OSError):
                    files.write_text(note, json.dumps(known | {"seen": seen}))
        if is_same:
            return array
        problem = "its content has changed"
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = str(error)
    logging.warning("%s is damaged (%s); decoded anew.", path, problem)
    return None


def _sweep(root: pathlib.Path) -> None:
    """Removes what is not used any more, but for what others hold."""
    for about in root.glob(f"*/{_ABOUT}"):
        with contextlib.suppress(Exception), locks.hold(about.parent, "--data_dir"):
            path = json.loads(about.read_text(encoding="utf-8"))["prepared"]
            prepared = pathlib.Path(os.path.realpath(root), path)
            is_gone = not (prepared / "dataset_info.json").is_file()
            for view in filter(pathlib.Path.is_dir, about.parent.iterdir()):
                if is_gone or view.stat().st_mtime < time.time() - _UNUSED:
                    shutil.rmtree(view, ignore_errors=True)
            if is_gone:
                shutil.rmtree(about.parent, ignore_errors=True)
