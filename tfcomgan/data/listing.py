"""The files of a folder of pictures, with masks or without, and what they contain.

  photos/**/NAME.jpg                                    without masks
  photos/images/**/NAME.jpg, photos/masks/**/NAME.png   a mask for each picture

Pictures are the files with a suffix of `SUFFIXES`, in subfolders too (linked folders are
not entered). Hidden files and run folders (those with a run.json) are passed over.
"""

import functools
import hashlib
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tfcomgan import run_folder
from tfcomgan.data import pictures
from tfcomgan.data.pictures import BadPicture
from tfcomgan.errors import UserError

# HEIC, which Pillow cannot read, comes from telephones: better refused than passed over.
SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg"),
    *(".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"),
)
_SHOWN = 10  # File names in a sentence.


class Listing(NamedTuple):
    """Files of a folder, by name relative to it, sorted.

    root: The folder.
    pictures: Names of the pictures.
    masks: Names of their masks, there or not; None where the layout has no masks.
    ignored: Other files.
    """

    root: pathlib.Path
    pictures: tuple[str, ...]
    masks: tuple[str, ...] | None
    ignored: tuple[str, ...]

    def read(self, index: int, *, invert_masks: bool = False):
        """A picture uint8 [H,W,3] and its mask uint8 [H,W,1] in {0, 1}, or None.

        Raises:
          BadPicture: One of them is missing or cannot be read, or their sizes differ.
        """
        path = self.root / self.pictures[index]
        image = pictures.read(path)
        if self.masks is None:
            return image, None
        mask_name = self.masks[index]
        if not (self.root / mask_name).is_file():
            raise BadPicture(path, f"its mask {shown(mask_name)} is missing")
        try:
            mask = pictures.read_mask(self.root / mask_name)
        except BadPicture as error:
            reason = f"its mask {shown(mask_name)} cannot be read: {error.reason}"
            raise BadPicture(path, reason) from error
        if mask.shape[:2] != image.shape[:2]:
            sizes = [f"{x.shape[1]} x {x.shape[0]}" for x in (image, mask)]
            raise BadPicture(path, f"it has {sizes[0]} pixels, its mask {sizes[1]}")
        return image, 1 - mask if invert_masks else mask

    def content(self) -> str:
        """Hex SHA-256 of the names and bytes of pictures and masks."""
        content = hashlib.sha256()
        for name in (*self.pictures, *(self.masks or ())):
            path = self.root / name
            try:
                s = path.stat()
                digest = _digest(str(path), s.st_size, s.st_mtime_ns, s.st_ctime_ns)
            except OSError as error:  # Reported by name when the pictures are read.
                digest = type(error).__name__.encode()
            content.update(os.fsencode(name) + b"\0" + digest + b"\0")
        return content.hexdigest()


def scan(manual_dir: pathlib.Path | None) -> Listing:
    """Finds the pictures of a folder, and their masks.

    Raises:
      UserError: There is no such folder, or no picture in it.
    """
    if manual_dir is None or not manual_dir.is_dir():
        raise UserError(
            "`folder` needs --manual_dir, the folder of your pictures, as in "
            f"--manual_dir=photos. Received: {manual_dir}."
        )
    names = sorted(files(manual_dir))
    has_masks = (manual_dir / "masks").is_dir()
    found = tuple(
        name
        for name in names
        if name.lower().endswith(SUFFIXES)
        and (name.startswith("images/") or not has_masks)
    )
    masks = tuple(map(_mask_of, found)) if has_masks else None
    used = {*found, *(masks or ())}
    ignored = tuple(name for name in names if name not in used)
    if not found:
        where = manual_dir / "images" if has_masks else manual_dir
        other = f" It holds other files: {some(ignored)}." if ignored else ""
        raise UserError(
            f"--manual_dir={manual_dir} has no picture in {where}.{other} Expected "
            f"are files named {' '.join(SUFFIXES)}, there or in folders below; "
            "with masks/NAME.png beside it, a picture is images/NAME.jpg."
        )
    return Listing(manual_dir, found, masks, ignored)


def _mask_of(picture: str) -> str:
    """'masks/a/b.png' for 'images/a/b.jpg'."""
    inside = pathlib.PurePosixPath(picture).relative_to("images")
    return str("masks" / inside.with_suffix(".png"))


def files(root: pathlib.Path) -> Iterator[str]:
    """Names of the files below a folder; see the module for what is passed over."""
    for folder, folders, files in os.walk(root):
        if run_folder.MARK in files:  # A run makes its own pictures, and changes them.
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                path = os.path.relpath(os.path.join(folder, name), root)
                yield path.replace(os.sep, "/")


def shown(name: str) -> str:
    """A file name that can be printed and stored, also where it is no UTF-8."""
    return os.fsencode(name).decode(errors="replace")


def some(names: Iterable[str]) -> str:
    """The first names and the number of others, for a sentence."""
    names = [shown(name) for name in names]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


@functools.cache
def _digest(path: str, size: int, mtime_ns: int, ctime_ns: int) -> bytes:
    """SHA-256 of a file; the other arguments tell when to read it again."""
    del size, mtime_ns, ctime_ns
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
