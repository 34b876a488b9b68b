"""Writes object masks of pictures, by an exported segmenter.

  python -m tfcomgan.segment PICTURE... --model=runs/scenes --out=masks

A mask is an 8-bit grey PNG as large as its picture (turned as its EXIF data say):
255 times the probability of object, rounded. Transparent pictures are laid over white.
Each picture gets a line: its name, its mask, and the share of its pixels that are object,
with a probability of at least one half.

The mask of a.jpg is a.png. Pictures that share a stem keep their extension, as in
a.jpg.png and a.gif.png; those that share the whole name are numbered, as in a.jpg.png and
a.jpg-2.png. Masks of a former run are overwritten, the pictures given never.

Exit codes: 0 done, 1 a defect, 2 something to put right (the message says what; pictures
that can be read are done all the same), 130 interrupted.
"""

import collections
import os
import pathlib
import sys
from collections.abc import Sequence

import numpy as np
from absl import flags
from PIL import Image

# TensorFlow is imported by export.load: --help and a misspelt name must not wait.
from tfcomgan import command_line, export, figures
from tfcomgan.data import pictures as picture_files
from tfcomgan.errors import UserError

_MODEL = flags.DEFINE_string(
    "model",
    None,
    "Required. A run folder (its newest export is used), a folder of versions, as in "
    "runs/scenes/serving/segmenter, or one version, as in runs/scenes/serving/segmenter/1.",
)
_OUT = flags.DEFINE_string(
    "out", None, "Required. Folder of the masks; made if missing."
)


def _check(arguments: Sequence[str]) -> None:
    if not arguments:
        raise UserError("No PICTURE. Name picture files, as in photos/*.jpg.")
    if not _MODEL.value:
        raise UserError("No --model. Try --model=runs/scenes.")
    if not _OUT.value:
        raise UserError("No --out. Try --out=masks.")


def find_model(folder: pathlib.Path) -> pathlib.Path:
    """The version folder meant by a run folder, a folder of versions or a version.

    Raises:
      UserError: There is no such folder or no export in it.
    """
    if not folder.is_dir():
        raise UserError(f"--model must be a folder. Received: {folder}.")
    if (folder / "saved_model.pb").is_file():
        return folder
    return export.latest(
        folder if export.versions(folder) else export.serving_dir(folder)
    )


def mask_names(pictures: Sequence[pathlib.Path]) -> list[str]:
    """A file name for the mask of each picture, all different; see the module."""
    stems = collections.Counter(picture.stem for picture in pictures)
    names = {}
    for picture in pictures:
        base = picture.stem if stems[picture.stem] == 1 else picture.name
        name, number = f"{base}.png", 1
        while name in names:
            number += 1
            name = f"{base}-{number}.png"
        names[name] = picture
    return list(names)


def segment(
    pictures: Sequence[pathlib.Path], model_dir: pathlib.Path, out: pathlib.Path
):
    """Writes the masks, a printed line each; skips what cannot be read.

    Args:
      pictures: Files.
      model_dir: As `--model`.
      out: Folder of the masks, made if missing.

    Raises:
      UserError: There is no model, a picture is missing or cannot be read, or `out`
        cannot be written or would overwrite a picture.
    """
    for picture in pictures:
        if os.path.isdir(picture):
            raise UserError(f"{picture} is a folder. Name its files: {picture}/*.jpg.")
        if not os.path.exists(picture):
            raise UserError(f"There is no picture {picture}.")
    version = find_model(model_dir)
    masks = [out / name for name in mask_names(pictures)]
    given = {picture.resolve() for picture in pictures}
    for mask in masks:
        if mask.resolve() in given:
            raise UserError(f"--out={out} would overwrite {mask}. Name another folder.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out={out} cannot be made a folder: {error}") from error

    model = export.load(version)
    unread = 0
    for picture, mask in zip(pictures, masks, strict=True):
        try:
            image = picture_files.read(picture)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            unread += 1
            continue
        probability = model(image[np.newaxis])[0]
        try:
            Image.fromarray(figures.mask_to_uint8(probability)[..., 0]).save(mask)
        except OSError as error:
            raise UserError(f"{mask} cannot be written: {error}") from error
        share = np.mean(probability >= 0.5)
        print(f"{picture}  {mask}  object {share:.1%}", flush=True)
    if unread:
        raise UserError(f"{unread} of {len(pictures)} pictures could not be read.")


def _main(arguments: Sequence[str]) -> None:
    pictures = [pathlib.Path(name) for name in arguments]
    segment(pictures, pathlib.Path(_MODEL.value), pathlib.Path(_OUT.value))


def run() -> None:
    """The command line."""
    command_line.run(
        _main,
        doc=__doc__,
        flag="model",
        check=_check,
        explain=lambda error: str(error) if isinstance(error, UserError) else None,
        interrupted="interrupted",
    )


if __name__ == "__main__":
    run()
