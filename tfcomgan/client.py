"""Asks a TensorFlow Serving server for the masks of pictures.

  python -m tfcomgan.client PICTURE... --server=grpc://localhost:8500 --out=masks
  python -m tfcomgan.client PICTURE... --server=http://localhost:8501 --out=masks

PICTURE is a file, a folder (searched to the bottom) or a pattern, as of tfcomgan-segment.
gRPC needs the package tensorflow-serving-api, REST nothing more. Pictures are sent as they
are; those that are turned by their EXIF data, of other colours than sRGB, of a colour that
counts as transparent, or neither JPEG nor PNG, as an upright PNG. The mask of a.jpg is
a.png in --out, that of photos/x/a.jpg in the folder photos is x/a.png: an 8-bit grey PNG as
large as the upright picture, 255 times the probability of object. Each picture gets a line
with the share of it that is object. A server that is busy, away or loading its model is
asked again, waiting longer each time.

Exit codes: 0 done, 1 a defect, 2 something to put right (the message says what; pictures
that the server takes are done all the same), 130 interrupted.
"""

import contextlib
import errno
import io
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tqdm
from absl import flags
from PIL import Image

from tfcomgan import command_line
from tfcomgan.data import metadata
from tfcomgan.data import pictures as picture_files
from tfcomgan.errors import UserError
from tfcomgan.images import save_png
from tfcomgan.photos import finding, reading
from tfcomgan.photos.finding import Photo
from tfcomgan.serving.requests import Answer, Ask, Rejected, connect, patient


def to_send(
    picture: str | pathlib.Path, tell: Callable[[str], None] = lambda line: None
) -> bytes:
    """A picture file, or a PNG file of what `tfcomgan-segment` sees of it.

    Args:
      picture: The file; sent as it is where the server sees the same.
      tell: Takes a line on what was done to its levels that may surprise.

    Raises:
      BadPicture: It cannot be read.
    """
    picture_files.check(picture)
    # Errors are told by `read`, in the words of the other commands.
    with contextlib.suppress(Exception), Image.open(picture) as image:
        if _is_plain(image):
            return pathlib.Path(picture).read_bytes()
    photo, file = reading.read(picture), io.BytesIO()
    if photo.note:
        tell(f"{picture}: {photo.note}")
    Image.fromarray(photo.image).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _is_plain(image: Image.Image) -> bool:
    """Whether the server sees a picture's file as `photos.reading` does."""
    is_deep = image.mode in ("I", "F") or image.mode.startswith("I;16")
    # TensorFlow takes a PNG's tRNS for the opacity of a palette alone.
    has_clear_colour = "transparency" in image.info and image.mode != "P"
    return (
        image.format in ("JPEG", "PNG")
        and not has_clear_colour
        and not is_deep
        and metadata.turn(image) is None
        and metadata.is_srgb(image)
    )


def answers(
    photos: Sequence[Photo],
    ask: Ask,
    batch_size: int,
    tell: Callable[[str], None] = lambda line: None,
) -> Iterator[tuple[Photo, Answer | UserError]]:
    """Each picture with its answer, or with what is wrong with it; see `to_send`."""
    for start in range(0, len(photos), batch_size):
        files = {}
        for photo in photos[start : start + batch_size]:
            try:
                files[photo] = to_send(photo.path, tell)
            except UserError as error:
                yield photo, error
        try:
            yield from zip(
                files, ask(list(files.values())) if files else (), strict=True
            )
        except Rejected:  # One of them is broken: which?
            for photo, file in files.items():
                try:
                    yield photo, ask([file])[0]
                except Rejected as error:
                    yield photo, Rejected(f"{photo.path}: {error}")


def segment(
    photos: Sequence[Photo], ask: Ask, out: pathlib.Path, batch_size: int
) -> None:
    """Writes the masks, with a progress bar and a printed line each.

    Raises:
      UserError: `out` cannot be made a folder, is in use or holds other files, the server
        does not answer or is none, or some picture cannot be used.
    """
    names = [f"{photo.name}.png" for photo in photos]
    command_line.refuse_to_overwrite(out, *names)
    failed = 0
    answered = tqdm.tqdm(
        answers(photos, ask, batch_size, _tell),
        total=len(photos),
        unit=" pictures",
        disable=None,
    )
    with command_line.results(out, *names):
        for photo, answer in answered:
            try:
                if isinstance(answer, UserError):
                    raise answer
                _write(out / f"{photo.name}.png", answer)
            except UserError as error:
                _tell(f"error: {error}")
                failed += 1
                continue
            tqdm.tqdm.write(f"{photo.path}  object {answer.foreground_area:.1%}")
    if failed:
        raise UserError(f"{failed} of {len(photos)} pictures could not be segmented.")


def _tell(line: str) -> None:
    tqdm.tqdm.write(line, file=sys.stderr)


def _write(path: pathlib.Path, answer: Answer) -> None:
    mask = Image.fromarray(np.round(255 * answer.mask[..., 0]).astype(np.uint8))
    size = (answer.width, answer.height)
    try:
        save_png(path, np.asarray(mask.resize(size, Image.Resampling.BILINEAR)))
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # That of this picture alone.
            raise UserError(f"{path} cannot be written: {error.strerror}") from error
        raise


def _check(arguments: Sequence[str]) -> None:
    if not arguments:
        raise UserError("No PICTURE. Name picture files or folders, as in photos.")
    if not flags.FLAGS.out:
        raise UserError("No --out. Try --out=masks.")


def _main(arguments: Sequence[str]) -> None:
    given = flags.FLAGS
    ask, out = patient(connect(given.server)), pathlib.Path(given.out)
    photos = finding.find(arguments, tell=lambda line: print(line, file=sys.stderr))
    segment(photos, ask, out, given.batch_size)


def run() -> None:
    """The command line."""
    flags.DEFINE_string("server", "http://localhost:8501", "Address of the server.")
    flags.DEFINE_string("out", None, "Required. Folder of the masks; made if missing.")
    flags.DEFINE_integer("batch_size", 8, "Pictures in a request.", lower_bound=1)
    command_line.run(_main, _check, explain=command_line.explain)


if __name__ == "__main__":
    run()
