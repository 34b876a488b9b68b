"""SHA-256 of files, kept in the data folder, so that only what has changed is read again.

  DATA_DIR/digests/KEY.txt    a line for each file of one folder: digest, size, times, name

A file counts as unchanged where its size, its time of change and that of its record in the
file system (which programs cannot set) are as before. What changed within two seconds of
being read is not kept: it might change again without another time.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import time
from collections.abc import Sequence

from tfcomgan.data import parallel
from tfcomgan.system import files

FOLDER = "digests"
_HEAD = "tfcomgan digests 1"
_SOON = 2 * 10**9  # Nanoseconds; file systems have times of up to two seconds.
_known: dict[tuple[str, str], str] = {}  # By path and stamp: digests of this process.


def of_files(
    root: pathlib.Path, names: Sequence[str], data_dir: pathlib.Path | None = None
) -> list[str]:
    """Hex SHA-256 of each file, or the name of the error where it cannot be read.

    Args:
      root: Their folder.
      names: Relative to it.
      data_dir: Folder of prepared data sets, which keeps them; None, or one that is not
        there yet, for this process alone.
    """
    ledger = None
    if data_dir is not None and data_dir.is_dir():
        key = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
        ledger = data_dir / FOLDER / f"{key}.txt"
    kept = _read(ledger) if ledger else {}
    now = time.time_ns()
    paths = {name: os.path.join(root, name) for name in names}
    stamps = {name: stamp_of(path) for name, path in paths.items()}
    digests, unknown = {}, []
    for name, stamp in stamps.items():
        digest = _known.get((paths[name], stamp))
        if digest is None and kept.get(name, ("", ""))[0] == stamp:
            digest = kept[name][1]
        if digest is None:
            unknown.append(name)
        else:
            digests[name] = digest
    made = parallel.in_parallel(lambda name: _digest(paths[name]), unknown)
    digests |= dict(zip(unknown, made, strict=True))
    _known.update({(paths[n], stamps[n]): digests[n] for n in names})
    if ledger:
        sure = {n: (stamps[n], digests[n]) for n in names if _is_old(stamps[n], now)}
        if sure != kept:
            with contextlib.suppress(OSError):  # Of a folder that is for reading alone.
                _write(ledger, sure)
    return [digests[name] for name in names]


def stamp_of(path: str) -> str:
    """Size and times of a file; what is wrong with one that is not there."""
    try:
        stat = os.stat(path)
        return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"
    except OSError as error:
        return type(error).__name__


def _is_old(stamp: str, now: int) -> bool:
    times = stamp.split(" ")[1:]
    return bool(times) and max(map(int, times)) < now - _SOON


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:  # Reported by name when the pictures are read.
        return type(error).__name__


def _read(ledger: pathlib.Path) -> dict[str, tuple[str, str]]:
    """Stamp and digest by name; nothing of a file that is missing or none of ours."""
    try:
        head, *lines = ledger.read_text(encoding="utf-8").splitlines()
        if head != _HEAD:
            return {}
        noted = {}
        for line in lines:
            digest, size, changed, recorded, name = line.split(" ", 4)
            noted[json.loads(name)] = f"{size} {changed} {recorded}", digest
        return noted
    except (OSError, ValueError):
        return {}


def _write(ledger: pathlib.Path, kept: dict[str, tuple[str, str]]) -> None:
    with (
        files.replacing(ledger, is_durable=False) as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        file.write(f"{_HEAD}\n")
        for name, (stamp, digest) in kept.items():
            file.write(f"{digest} {stamp} {json.dumps(name)}\n")
