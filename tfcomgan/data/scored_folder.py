"""A folder of pictures with masks that a run is scored on and learns nothing of.

  FOLDER/images/**/NAME.jpg, FOLDER/masks/**/NAME.png    as the data set `folder` takes them
  FOLDER/unknown/**/NAME.png                              white where the truth is open

The folder `unknown` may be missing; where it is there, each picture has a file in it.
"""

import contextlib
import hashlib
import pathlib
import re
from typing import NamedTuple

import numpy as np

from tfcomgan.data import arrays, listing, parallel, pictures, reading
from tfcomgan.data.listing import Listing
from tfcomgan.data.pictures import BadPicture
from tfcomgan.data.reading import Examples
from tfcomgan.data.walking import shown, some
from tfcomgan.errors import UserError

_UNKNOWN = "unknown"


class Scored(NamedTuple):
    """Pictures to score on; memory maps of files in a folder given for them.

    name: Of the folder and the part of it, as in 'flowers17-odd'.
    examples: Pictures with masks.
    known: uint8 [N,S,S,1] in {0, 1}, 0 where the truth is open; None where it never is.
    """

    name: str
    examples: Examples
    known: np.ndarray | None


def content(folder: str, part: str, data_dir: pathlib.Path | None = None) -> str:
    """Hex SHA-256 of the names and bytes of all that is scored.

    Args:
      folder, part: As for `load`.
      data_dir: Keeps the digests of files, see `digests.of_files`.

    Raises:
      UserError: As for `load`, but for files that cannot be read.
    """
    files, chosen = choose(folder, part)
    hashed = hashlib.sha256(files.content(data_dir).encode())
    for index in chosen:
        hashed.update(files.pictures[index].encode(errors="surrogateescape") + b"\0")
        if path := _unknown(files, index):
            hashed.update(path.read_bytes() if path.is_file() else b"missing")
    return hashed.hexdigest()


def load(
    folder: str, part: str, *, crop: str, size: int, place: pathlib.Path
) -> Scored:
    """Reads the pictures and masks of a folder.

    Args:
      folder: As in the module's text.
      part: 'all'; 'even' or 'odd', by the last number in the file's name; or a text file
        with a name of `images`, less its folder, on each line.
      crop: 'center' or 'full', see `InputSettings`.
      size: Pixels of the square pictures returned.
      place: Folder that the squares are written to.

    Raises:
      UserError: There is no such folder or part, a picture has no mask, or a file cannot
        be read.
    """
    if crop == "box":
        raise UserError(
            "`evaluation.folder` has no boxes to crop by. Set "
            "--gin_param=\"evaluate/input_pipeline.crop='center'\"."
        )
    files, chosen = choose(folder, part)

    def read(index):
        path = files.root / files.pictures[index]
        try:
            image, mask = files.read(index)
            masks = [mask]
            if unknown := _unknown(files, index):
                masks.append(pictures.read_mask(unknown))
        except (BadPicture, OSError) as error:
            raise UserError(f"`evaluation.folder`: {error}") from error
        if any(m.shape[:2] != image.shape[:2] for m in masks):
            raise UserError(
                f"`evaluation.folder`: {path} and its masks have different sizes."
            )
        return reading.squared(image, masks, crop=crop, size=size)

    place.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        channels = {"images": 3, "masks": 1} | (
            {"known": 1} if _has_unknown(files) else {}
        )
        paths = [place / f"scored-{name}.npy" for name in channels]
        writers = [
            stack.enter_context(arrays.spooled(path, (size, size, depth), np.uint8))
            for path, depth in zip(paths, channels.values(), strict=True)
        ]
        for image, (mask, *unknown) in parallel.in_parallel(
            read, chosen, pixels=files.pixels
        ):
            made = [image, mask, *(1 - u for u in unknown)]
            for written, array in zip(writers, made, strict=True):
                written.append(array[np.newaxis])
    stored = [arrays.read(path) for path in paths]
    names = [shown(files.pictures[index]) for index in chosen]
    known = stored[2] if len(stored) > 2 else None
    return Scored(_name(folder, part), Examples(*stored[:2], names), known)


def choose(folder: str, part: str) -> tuple[Listing, list[int]]:
    """The files of the folder, and places of those in the part; see `load`."""
    root = pathlib.Path(folder).expanduser()
    files = listing.scan(root) if root.is_dir() else None
    if files is None or files.masks is None:
        raise UserError(
            f"`evaluation.folder` must hold folders images and masks. Received: {root}."
        )
    chosen = range(len(files.pictures))
    if part in ("even", "odd"):
        rest = ("even", "odd").index(part)
        chosen = [i for i in chosen if _number(files.pictures[i]) % 2 == rest]
    elif part != "all":
        chosen = _listed(files, pathlib.Path(part).expanduser())
    if not chosen:
        raise UserError(
            f"`evaluation.part` leaves no picture of {root}. Received: {part!r}."
        )
    if bare := [files.pictures[i] for i in chosen if files.masks[i] is None]:
        raise UserError(
            f"`evaluation.folder`: pictures of {root} have no mask: {some(bare)}. Move "
            "them away, or choose others by `evaluation.part`."
        )
    return files, list(chosen)


def _number(name: str) -> int:
    numbers = re.findall(r"\d+", pathlib.PurePosixPath(name).stem)
    if not numbers:
        raise UserError(
            "`evaluation.part` by 'even' and 'odd' needs numbers in the names of the "
            f"pictures. Received: {shown(name)}."
        )
    return int(numbers[-1])


def _listed(files: Listing, path: pathlib.Path) -> list[int]:
    """Places of the pictures that a text file names."""
    if not path.is_file():
        raise UserError(
            "`evaluation.part` must be 'all', 'even', 'odd' or a file with a name on "
            f"each line. Received: {str(path)!r}."
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(
            f"`evaluation.part`: {path} is no text in UTF-8 ({error}). Save it as UTF-8."
        ) from error
    wanted = {line.strip() for line in lines} - {""}
    places = {name.partition("/")[2]: i for i, name in enumerate(files.pictures)}
    if missing := sorted(wanted - places.keys()):
        raise UserError(
            f"{path} names pictures that {files.root / 'images'} does not have: "
            f"{some(missing)}."
        )
    return sorted(places[name] for name in wanted)


def _unknown(files: Listing, index: int) -> pathlib.Path | None:
    """Where it is told what of a picture is open; None without such a folder."""
    if not _has_unknown(files):
        return None
    name = pathlib.PurePosixPath(files.pictures[index].partition("/")[2])
    return files.root / _UNKNOWN / name.with_suffix(".png")


def _has_unknown(files: Listing) -> bool:
    return (files.root / _UNKNOWN).is_dir()


def _name(folder: str, part: str) -> str:
    """What stands for the split in the name of a protocol, which '_' divides."""
    path = pathlib.Path(folder).expanduser().resolve()
    names = [path.name] + ([] if part == "all" else [pathlib.Path(part).stem])
    return "-".join(re.sub(r"[^\w.]+|_+", "-", name).strip("-") for name in names)
