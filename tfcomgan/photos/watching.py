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
from tfcomgan.photos import segmenting
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
        tell = True
        while True:
            now = _look(folders, out, tell)
            settled = {p: state for p, state in now.items() if before.get(p) == state}
            if any(finished.get(photo) != state for photo, state in settled.items()):
                # What could not be read is not tried again unless it has changed.
                todo = [p for p, state in settled.items() if unreadable.get(p) != state]
                for photo, _ in segmentation.round(todo):
                    unreadable[photo] = settled[photo]
                finished |= settled
            before, tell = now, False
            time.sleep(_SECONDS)


def _look(folders: Sequence[str], out: pathlib.Path, tell: bool) -> dict[Photo, tuple]:
    """The pictures there are, each with size and time of change."""
    try:
        photos = segmenting.find(folders, out, tell)
    except UserError:  # None yet, or a drive of the network is away.
        return {}
    states = {}
    for photo in photos:
        with contextlib.suppress(OSError):  # Gone again.
            state = os.stat(photo.path)
            states[photo] = (state.st_mtime_ns, state.st_size)
    return states
