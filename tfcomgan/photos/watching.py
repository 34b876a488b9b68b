"""Folders that are watched: new pictures are segmented as they come.

Folders are looked at once a second; what the file system tells of changes does not come
over a network, and does not say when a file is complete. A picture is taken when two looks
found it the same, and looked at again when it changes.
"""

import contextlib
import os
import pathlib
import sys
import time
from collections.abc import Sequence

from tfcomgan.errors import UserError
from tfcomgan.photos import finding, segmenting
from tfcomgan.photos.finding import Photo
from tfcomgan.photos.segmenting import Wanted

_SECONDS = 1.0


def check(arguments: Sequence[str]) -> None:
    """Raises UserError where there is nothing to watch."""
    for argument in arguments:
        if not os.path.isdir(os.path.expanduser(argument)):
            raise UserError(f"--watch takes folders. Received: {argument}.")


def watch(
    folders: Sequence[str], model_dir: pathlib.Path, out: pathlib.Path, wanted: Wanted
) -> None:
    """Segments pictures as they come, until a signal ends the command.

    Arguments and errors as of `segmenting.segment`; no picture is needed to begin with.
    """
    with segmenting.started(model_dir, out, wanted) as segmentation:
        print(f"watching {', '.join(folders)}; Ctrl-C ends", file=sys.stderr)
        before: dict[Photo, tuple] = {}
        finished: dict[Photo, tuple] = {}
        unreadable: dict[Photo, tuple] = {}
        look = _Look(folders, out)
        while True:
            now = look()
            settled = {p: state for p, state in now.items() if before.get(p) == state}
            if any(finished.get(photo) != state for photo, state in settled.items()):
                # What could not be read is not tried again unless it has changed.
                todo = [p for p, state in settled.items() if unreadable.get(p) != state]
                for photo, _ in segmentation.round(todo):
                    unreadable[photo] = settled[photo]
                finished |= settled
            before = now
            time.sleep(_SECONDS)


class _Look:
    """The pictures there are at a look, each with size and time of change.

    A folder that is empty or away, as a drive of the network, stops no other. The names
    of what was in it stay taken while it is away, so that those of the others stay.
    """

    def __init__(self, folders: Sequence[str], out: pathlib.Path):
        self._folders, self._results = folders, segmenting.folders(out)
        self._seen: dict[str, dict[str, str]] = {}

    def __call__(self) -> dict[Photo, tuple]:
        folders = [os.path.expanduser(folder) for folder in self._folders]
        for folder in folders:
            if os.path.isdir(folder):
                # What is passed over is told once, not each second.
                tell = _silent if folder in self._seen else _tell
                with contextlib.suppress(UserError):  # It went away in this moment.
                    self._seen[folder] = finding.files(folder, self._results, tell=tell)
        given: dict[str, str] = {}
        for folder in folders:
            files = self._seen.get(folder, {})
            given |= {path: name for path, name in files.items() if path not in given}
        states = {}
        for photo in finding.named(given):
            with contextlib.suppress(OSError):  # Gone again.
                state = os.stat(photo.path)
                states[photo] = (state.st_mtime_ns, state.st_size)
        return states


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _silent(line: str) -> None:
    del line
