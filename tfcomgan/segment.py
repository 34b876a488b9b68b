"""Writes object masks of pictures, by an exported segmenter.

  python -m tfcomgan.segment photo.jpg --model=runs/scenes --out=segmented
  python -m tfcomgan.segment photos 'more/**/*.jpg' --model=runs/scenes --out=segmented
      --write=masks,cutouts,overlays

PICTURE is a file, a folder (searched to the bottom) or a pattern. Each gets

  OUT/masks/NAME.png     8-bit grey, 255 on the object, 0 on the ground, between at edges
  OUT/cutouts/NAME.png   the object in its own colours, with that mask as its opacity
  OUT/overlays/NAME.png  the picture with the object tinted red
  OUT/areas.csv          a row: size, pixels and share of object (mask >= one half)

all as large as the picture, turned as its EXIF data say; transparent pictures are laid
over white. --write chooses among the first three. NAME of a.jpg is a, that of photos/x/a.jpg
in the folder photos is x/a. Pictures that share a name keep their extension, as in
a.jpg.png and a.gif.png; those that share the whole name are numbered.

The network sees few pixels. --refine draws its mask to the edges of the picture itself:
grabcut (default), guided, or none for 255 times the probability that the network gives.
--average lets it see each picture mirrored too, --threshold makes hard masks (below 0.5:
larger ones), --invert is for a model that has learned the ground for the object.

A stopped command goes on where it stopped: what areas.csv lists is not done again,
unless the picture, its name, the model or one of these choices has changed. What cannot
be read is listed.

Exit codes: 0 done, 1 a defect, 2 something to put right (the message says what; pictures
that can be read are done all the same), 130 interrupted.
"""

import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tqdm
from absl import flags

# TensorFlow is imported by export.load: --help and a misspelt name must not wait.
from tfcomgan import command_line
from tfcomgan.data import pictures as picture_files
from tfcomgan.data.parallel import in_parallel
from tfcomgan.data.pictures import BadPicture
from tfcomgan.errors import UserError
from tfcomgan.images import is_whole_png, mask_to_uint8, save_png
from tfcomgan.photos import edges, finding, foreground, ledger
from tfcomgan.photos.edges import Choices
from tfcomgan.photos.finding import Photo
from tfcomgan.photos.ledger import Row
from tfcomgan.serving import export_segmenter, versions
from tfcomgan.system import marks

_AREAS = "areas.csv"
_DEFAULT = Choices()
_RED = np.array([255, 0, 0], np.float32)
_QUICK = 1  # PNG compression: a ninth of the default's time, files a quarter larger.


def mask(image: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """uint8 [H,W], 255 times the probability; `image` is not looked at."""
    del image
    return mask_to_uint8(probability)[..., 0]


def overlay(image: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """uint8 [H,W,3]: the picture, half of it red where the object is for certain."""
    mixed = image + probability / 2 * (_RED - image)
    return np.rint(mixed).astype(np.uint8)


RESULTS = {"masks": mask, "cutouts": foreground.cutout, "overlays": overlay}


def _check(arguments: Sequence[str]) -> None:
    given = flags.FLAGS
    if not arguments:
        raise UserError("No PICTURE. Name picture files or folders, as in photos.")
    if not given.model:
        raise UserError("No --model. Try --model=runs/scenes.")
    if not given.out:
        raise UserError("No --out. Try --out=segmented.")
    if unknown := [kind for kind in given.write if kind not in RESULTS]:
        raise UserError(
            f"--write must be some of {','.join(RESULTS)}. Received: {unknown[0]}."
        )


def segment(
    arguments: Sequence[str],
    model_dir: pathlib.Path,
    out: pathlib.Path,
    kinds: Sequence[str] = ("masks",),
    choices: Choices = _DEFAULT,
) -> None:
    """Writes the results of pictures; skips what is done, or cannot be read.

    Args:
      arguments: Files, folders and patterns; see `photos.find`.
      model_dir: See `saved_models.find`.
      out: Folder of the results, made if missing.
      kinds: Of RESULTS.
      choices: How masks are made.

    Raises:
      UserError: There is no model, a picture is missing or cannot be read, or `out`
        cannot be written or holds the pictures.
    """
    found = finding.find(
        arguments,
        [out / kind for kind in RESULTS],
        tell=lambda line: print(line, file=sys.stderr),
    )
    version = versions.find(model_dir, versions.SEGMENTER)
    _refuse_masks_of_others(out, kinds)
    with command_line.results(out, _AREAS, *kinds):
        for (
            kind
        ) in kinds:  # Each with a mark of its own, as it may be moved from there.
            command_line.make_folder(out / kind)
        _segment(found, version, out, kinds, choices)


def _segment(found: list[Photo], version, out, kinds, choices: Choices) -> None:
    digest = "-".join([versions.digest(version), *_told(choices)])
    done = set()
    kept = _kept(out, found, digest=digest, kinds=kinds, done=done)
    file = ledger.begin(out / _AREAS, kept)
    todo = [photo for photo in found if photo.path not in done]
    unread = 0
    bar = tqdm.tqdm(total=len(found), initial=len(done), unit="photo", disable=None)
    with file, bar:
        work = _worker(version, digest, out, kinds, choices) if todo else None
        for result in in_parallel(work, todo, pixels=_pixels):
            if isinstance(result, Row):
                ledger.add(file, result)
            else:
                bar.write(f"skipped: {result}", file=sys.stderr)
                unread += 1
            bar.update()
    print(
        f"{len(todo) - unread} pictures segmented, {len(done)} done before, {unread} "
        f"skipped: {out}"
    )
    if unread:
        raise UserError(f"{unread} of {len(found)} pictures could not be read.")


def _refuse_masks_of_others(out: pathlib.Path, kinds: Sequence[str]) -> None:
    """Raises UserError where files that are not ours lie in the folders of results."""
    for kind in kinds:
        folder = out / kind
        is_ours = (out / _AREAS).exists() or marks.ALL in marks.read(folder)
        if not is_ours and folder.is_dir() and any(folder.iterdir()):
            raise UserError(
                f"--out={out} has a folder {kind} with files that are not of this "
                "command, and masks of yours could be overwritten. Name another folder."
            )


def _kept(out, found: list[Photo], *, digest, kinds, done: set[str]) -> Iterator[Row]:
    """Rows of an earlier run that stay; fills `done` with those of `found`."""
    given = {photo.path: photo for photo in found}
    names = {photo.name for photo in found}
    for row in ledger.read(out / _AREAS):
        photo = given.get(row.picture)
        if photo is None and row.name not in names:
            yield row  # Of other pictures.
        elif (
            photo is not None
            and photo.path not in done
            and ledger.is_current(row, photo, digest)
            and all(is_whole_png(_file(out, kind, photo)) for kind in kinds)
        ):
            done.add(photo.path)
            yield row


def _told(choices: Choices) -> Iterator[str]:
    """The choices, in words for the ledger."""
    yield choices.refine
    for name in ("average", "invert"):
        if getattr(choices, name):
            yield name
    if choices.threshold is not None:
        yield f"{choices.threshold:g}"


def _worker(
    version, digest, out, kinds, choices: Choices
) -> Callable[[Photo], Row | BadPicture]:
    """Segments one picture and writes its results."""
    # Later than all that can be wrong without it.
    model = export_segmenter.ExportedSegmenter(version)

    def work(photo):
        modified = ledger.modified(photo)
        try:
            image = picture_files.read(photo.path)
        except BadPicture as error:
            return error
        probability = edges.opacity(model, model.image_size, image, choices)
        for kind in kinds:
            path = _file(out, kind, photo)
            try:
                result = RESULTS[kind](image, probability)
                save_png(path, result, compress_level=_QUICK, is_durable=False)
            except OSError as error:
                raise UserError(f"{path} cannot be written: {error}") from error
        height, width = image.shape[:2]
        area = int(np.count_nonzero(probability >= 0.5))
        share = area / (width * height)
        return Row(*photo, width, height, area, share, modified, digest)

    return work


def _pixels(photo: Photo) -> int:
    return picture_files.pixels(photo.path)


def _file(out: pathlib.Path, kind: str, photo: Photo) -> pathlib.Path:
    return out / kind / f"{photo.name}.png"


def _main(arguments: Sequence[str]) -> None:
    given = flags.FLAGS
    model, out = pathlib.Path(given.model), pathlib.Path(given.out)
    choices = Choices(given.refine, given.average, given.threshold, given.invert)
    segment(arguments, model, out, given.write, choices)


def run() -> None:
    """The command line."""
    # Not at import: flags of these names belong to other commands too.
    flags.DEFINE_string(
        "model",
        None,
        "Required. A run folder (its newest export is used), its folder serving or a copy of "
        "it, a folder of versions, as in runs/scenes/serving/segmenter, or one version, as in "
        "runs/scenes/serving/segmenter/1.",
    )
    flags.DEFINE_string(
        "out", None, "Required. Folder of the results; made if missing."
    )
    flags.DEFINE_list(
        "write", ["masks"], "Of masks,cutouts,overlays; areas.csv is always written."
    )
    flags.DEFINE_enum(
        "refine",
        _DEFAULT.refine,
        edges.METHODS,
        "How masks are drawn to the picture's edges.",
    )
    flags.DEFINE_bool("average", False, "See each picture mirrored too; takes longer.")
    flags.DEFINE_float(
        "threshold",
        None,
        "Masks of 0 and 255 alone: object from this probability on.",
        lower_bound=0.01,
        upper_bound=0.99,
    )
    flags.DEFINE_bool("invert", False, "The object is what the model takes for ground.")
    command_line.run(
        _main,
        doc=__doc__,
        flag="model",
        check=_check,
        explain=command_line.explain,
        interrupted="interrupted; the same command goes on from there",
    )


if __name__ == "__main__":
    run()
