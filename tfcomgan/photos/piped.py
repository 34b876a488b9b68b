"""A picture from standard input, its result to standard output: PICTURE is '-'."""

import os
import pathlib
import sys
import tempfile

from tfcomgan.data.pictures import BadPicture
from tfcomgan.errors import UserError
from tfcomgan.photos import edges, finishing, reading, results
from tfcomgan.photos.segmenting import Wanted
from tfcomgan.serving import export_segmenter, versions

NAME = "-"


def segment(model_dir: pathlib.Path, wanted: Wanted) -> None:
    """Writes one result, whole or not at all.

    Args:
      model_dir: See `versions.find`.
      wanted: Of one kind.

    Raises:
      UserError: There is no model, or what comes is no picture.
    """
    version = versions.find(model_dir, versions.SEGMENTER)
    finishing.check(wanted.finish)
    if sys.stdout.isatty():
        raise UserError(
            "The result is a file's bytes. Send it to one, as in: > cut.png"
        )
    with tempfile.TemporaryDirectory(prefix="tfcomgan-") as folder:
        given = pathlib.Path(folder, "picture")
        given.write_bytes(sys.stdin.buffer.read())
        try:
            photo = reading.read(given)
        except BadPicture as error:
            raise UserError(
                f"Standard input cannot be read as a picture: {error.reason}"
            ) from error
        if photo.note:
            print(photo.note, file=sys.stderr)
        model = export_segmenter.ExportedSegmenter(version)
        alpha = edges.opacity(model, model.image_size, photo.image, wanted.choices)
        made = pathlib.Path(folder, "result")
        results.write(wanted.kinds[0], made, photo, alpha, wanted.finish)
        _send(made.read_bytes())


def _send(content: bytes) -> None:
    """To standard output, past its text stream."""
    try:
        sys.stdout.flush()
        number = sys.stdout.fileno()
        while content:
            content = content[os.write(number, content) :]
    except OSError as error:
        raise UserError(f"Standard output cannot be written: {error}") from error
