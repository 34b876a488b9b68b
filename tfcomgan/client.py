"""Asks a TensorFlow Serving server for the masks of picture files.

  python -m tfcomgan.client PICTURE... --server=grpc://localhost:8500 --out=masks
  python -m tfcomgan.client PICTURE... --server=http://localhost:8501 --out=masks

gRPC needs the package tensorflow-serving-api, REST nothing more. Pictures are sent as they
are; those that are turned by their EXIF data, or neither JPEG nor PNG, as an upright PNG.
The mask of a.jpg is a.jpg.png in --out, an 8-bit grey PNG as large as the upright picture:
255 times the probability of object. Each picture gets a line with the share of it that is
object. A server that is busy or away is asked again, waiting longer each time.

Exit codes: 0 done, 1 a defect, 2 something to put right (the message says what; pictures
that the server takes are done all the same), 130 interrupted.
"""

import collections
import contextlib
import io
import pathlib
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import tqdm
from absl import flags
from PIL import Image

from tfcomgan import command_line
from tfcomgan.data import metadata
from tfcomgan.data import pictures as picture_files
from tfcomgan.errors import UserError
from tfcomgan.serving.requests import Answer, Ask, Rejected, connect, patient


def to_send(picture: pathlib.Path) -> bytes:
    """A picture file, or an upright PNG file of it where the server would not see it so.

    Raises:
      BadPicture: It cannot be read.
    """
    # Errors are told by `read`, in the words of the other commands.
    with contextlib.suppress(Exception), Image.open(picture) as image:
        is_plain = metadata.turn(image) is None and metadata.is_srgb(image)
        if is_plain and image.format in ("JPEG", "PNG"):
            return picture.read_bytes()
    file = io.BytesIO()
    Image.fromarray(picture_files.read(picture)).save(file, "PNG", compress_level=1)
    return file.getvalue()


def answers(
    pictures: Sequence[pathlib.Path], ask: Ask, batch_size: int
) -> Iterator[tuple[pathlib.Path, Answer | UserError]]:
    """Each picture with its answer, or with what is wrong with it."""
    for start in range(0, len(pictures), batch_size):
        files = {}
        for picture in pictures[start : start + batch_size]:
            try:
                files[picture] = to_send(picture)
            except UserError as error:
                yield picture, error
        try:
            yield from zip(
                files, ask(list(files.values())) if files else (), strict=True
            )
        except Rejected:  # One of them is broken: which?
            for picture, file in files.items():
                try:
                    yield picture, ask([file])[0]
                except Rejected as error:
                    yield picture, Rejected(f"{picture}: {error}")


def segment(
    pictures: Sequence[pathlib.Path], ask: Ask, out: pathlib.Path, batch_size: int
) -> None:
    """Writes the masks, with a progress bar and a printed line each.

    Raises:
      UserError: Two pictures share a name, `out` cannot be made a folder, the server does
        not answer, or some picture cannot be used.
    """
    names = collections.Counter(picture.name for picture in pictures)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise UserError(f"Several pictures are called {twice[0]}; ask for them apart.")
    command_line.make_folder(out, *(f"{picture.name}.png" for picture in pictures))
    failed = 0
    answered = tqdm.tqdm(
        answers(pictures, ask, batch_size), total=len(pictures), unit=" pictures"
    )
    for picture, answer in answered:
        if isinstance(answer, UserError):
            tqdm.tqdm.write(f"error: {answer}", file=sys.stderr)
            failed += 1
            continue
        mask = Image.fromarray(np.round(255 * answer.mask[..., 0]).astype(np.uint8))
        size = (int(answer.width), int(answer.height))
        mask.resize(size, Image.Resampling.BILINEAR).save(out / f"{picture.name}.png")
        tqdm.tqdm.write(f"{picture}  object {answer.foreground_area:.1%}")
    if failed:
        raise UserError(f"{failed} of {len(pictures)} pictures could not be segmented.")


def _check(arguments: Sequence[str]) -> None:
    if not arguments:
        raise UserError("No PICTURE. Name picture files, as in photos/*.jpg.")
    if not flags.FLAGS.out:
        raise UserError("No --out. Try --out=masks.")


def _main(arguments: Sequence[str]) -> None:
    given = flags.FLAGS
    pictures = [pathlib.Path(name) for name in arguments]
    ask = patient(connect(given.server))
    segment(pictures, ask, pathlib.Path(given.out), given.batch_size)


def run() -> None:
    """The command line."""
    flags.DEFINE_string("server", "http://localhost:8501", "Address of the server.")
    flags.DEFINE_string("out", None, "Required. Folder of the masks; made if missing.")
    flags.DEFINE_integer("batch_size", 8, "Pictures in a request.", lower_bound=1)
    command_line.run(
        _main,
        doc=__doc__,
        flag="server",
        check=_check,
        explain=lambda error: str(error) if isinstance(error, UserError) else None,
        interrupted="interrupted",
    )


if __name__ == "__main__":
    run()
