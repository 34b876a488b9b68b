"""Picture files of any kind as arrays, or a message that says why not.

Pictures come upright, as their EXIF data say, and in sRGB, as their colour profiles say;
of an animation comes the first picture. Refused are files that are cut off, no picture, of
more than 178,956,970 pixels (twice Pillow's MAX_IMAGE_PIXELS: a decompression bomb), or of
32 bits a channel, whose range nobody knows.
"""

import contextlib
import errno
import io
import os
import pathlib
import re
import stat
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from tfcomgan.data import metadata
from tfcomgan.errors import UserError

try:  # The extra `heif`: photos of telephones.
    import pillow_heif
except ImportError:
    HAS_HEIF = False
else:
    HAS_HEIF = True
    pillow_heif.register_heif_opener()

# Of what is made of a file here; raise it when one gives other pixels than before.
VERSION = 2
_MOST_PIXELS = 2 * Image.MAX_IMAGE_PIXELS  # Pillow's own limit.
_LARGE = 2**25  # Pixels; larger JPEGs may be decoded at a part of their size.


class BadPicture(UserError):
    """A picture or mask file that cannot be used: its `path`, and the `reason`."""

    def __init__(self, path: str | os.PathLike, reason: str, kind: str = "picture"):
        super().__init__(f"{path} cannot be read as a {kind}: {reason}")
        self.path, self.reason = path, reason


def read(path: str | os.PathLike, *, at_least: int | None = None) -> np.ndarray:
    """A picture file as uint8 [H,W,3].

    Transparent pictures are laid over white, palettes are expanded, grey is repeated,
    CMYK is converted, 16 bits a channel are scaled to 8.

    Args:
      path: The file.
      at_least: Pixels of the short side that are enough. A very large JPEG then comes at
        a half, a quarter or an eighth of its size, four times as large or more; other
        pictures come as they are.

    Raises:
      BadPicture: It cannot be read.
    """
    with opened(path, at_least=at_least) as (image, stored):
        return _rgb(image, _deep(image, stored.format))


def size(path: str | os.PathLike) -> tuple[int, int]:
    """Height and width of a picture file, upright.

    Raises:
      BadPicture: It cannot be read.
    """

    def look(stored):
        # Of a TIFF Pillow gives the upright size already.
        is_turned = metadata.turn(stored) in metadata.QUARTER_TURNS
        is_lying = is_turned and stored.format != "TIFF"
        return stored.size if is_lying else stored.size[::-1]

    with _named(path, "picture"):
        return _look_at(path, look)


def kind(path: str | os.PathLike) -> str:
    """Format and Pillow's mode of a picture file, as 'JPEG RGB'.

    Raises:
      BadPicture: It cannot be read.
    """
    with _named(path, "picture"):
        return _look_at(path, lambda stored: f"{stored.format} {stored.mode}")


def check(path: str | os.PathLike) -> None:
    """Raises BadPicture where there is no file, but nothing, a folder or a pipe."""
    with _named(path, "picture"):
        _check_file(path)


def pixels(path: str | os.PathLike) -> int:
    """The number of pixels of a picture file, by its header; 0 where it has no good one."""
    try:
        return _look_at(path, lambda stored: stored.width * stored.height)
    except Exception:  # Reported where the pixels are read.
        return 0


def from_pil(image: Image.Image) -> np.ndarray:
    """A picture of PIL as uint8 [H,W,3], like a file, but not turned.

    Raises:
      ValueError: It has 32 bits a channel, or is empty.
    """
    if not image.width * image.height:
        raise ValueError("it has no pixel")
    return _rgb(image, _deep(image, image.format))


def read_mask(path: str | os.PathLike) -> np.ndarray:
    """A mask file as uint8 [H,W,1] in {0, 1}, 1 on the object.

    Object is what is brighter than half of white. Two kinds of file are read by
    another rule: with a palette, object is every colour but black (VOC, DAVIS); where no
    value is above 1, object is 1. What is transparent is no object.

    Raises:
      BadPicture: It cannot be read, or is neither black nor has a value above half of
        white: it numbers objects or colours them darkly, which must not pass for empty.
    """
    with opened(path, "mask") as (image, stored):
        levels = _deep(image, stored.format)
        if image.mode == "1":
            return np.asarray(image, np.uint8)[..., np.newaxis]
        has_palette = image.mode in ("P", "PA")
        if image.has_transparency_data:
            image = over(image, "black")
        if has_palette:
            colours = np.asarray(image.convert("RGB"))
            return np.any(colours > 0, axis=-1, keepdims=True).astype(np.uint8)
        white = 255 if levels is None else 65535
        levels = np.asarray(image.convert("L")) if levels is None else levels
        brightest = int(levels.max())
        if 1 < brightest <= white // 2:
            raise ValueError(
                f"its brightest value is {brightest} of {white}, so it is neither black "
                f"and white nor of 0 and 1. Write {white} (or 1) where the object is"
            )
        threshold = 0 if brightest <= 1 else white // 2
        return (levels > threshold).astype(np.uint8)[..., np.newaxis]


@contextlib.contextmanager
def opened(
    path: str | os.PathLike, kind: str = "picture", *, at_least: int | None = None
) -> Iterator[tuple[Image.Image, Image.Image]]:
    """A picture file for whoever wants more than its pixels: upright, and as it is stored.

    What is raised in the block becomes a `BadPicture` too. Arguments as of `read`; `kind`
    is what the message calls it.
    """

    def load(stored):
        if at_least and stored.width * stored.height > _LARGE:
            stored.draft(None, (4 * at_least, 4 * at_least))
        stored.load()
        return stored

    with _named(path, kind):
        stored = _look_at(path, load)
        turn = metadata.turn(stored)
        yield stored if turn is None else stored.transpose(turn), stored


@contextlib.contextmanager
def _named(path, kind: str):
    """Turns what is raised over a file into a `BadPicture`."""
    try:
        yield
    except Exception as error:
        # Of a damaged file Pillow's decoders raise OSError, SyntaxError, struct.error, ...
        raise BadPicture(path, _reason(path, error), kind) from error


def _look_at(path, look: Callable[[Image.Image], Any]):
    """look(picture) of a file; if need be, of its pixels without what lies beside them."""
    _check_file(path)
    try:
        with Image.open(path) as stored:
            return look(stored)
    except Image.DecompressionBombError:
        raise
    except Exception:
        bare = _bare(path)
        if bare is not None:
            with contextlib.suppress(Exception), Image.open(io.BytesIO(bare)) as stored:
                return look(stored)
        raise


def _bare(path) -> bytes | None:
    """A JPEG or PNG file without what lies beside its pixels; other files are not read."""
    with open(path, "rb") as file:
        start = file.read(8)
        is_known = metadata.is_jpeg_or_png(start)
        return metadata.without(start + file.read()) if is_known else None


def _check_file(path) -> None:
    """Raises OSError for a folder, and for a pipe, which would be waited for."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        os.scandir(path).close()  # Of a locked one that says so.
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no file but a pipe or a device")


def _deep(image: Image.Image, file_format: str | None) -> np.ndarray | None:
    """The levels of a grey picture of 16 bits, uint16 [H,W]; None of other pictures."""
    # Pillow's mode for them is `I;16`, or `I` in these formats, which end at 16.
    is_deep = image.mode.startswith("I;16") or (
        image.mode == "I" and file_format in ("PNG", "PPM")
    )
    if image.mode in ("I", "F") and not is_deep:
        raise ValueError("32 bits a channel, of unknown range; save it with 8 or 16")
    return np.asarray(image).astype(np.uint16) if is_deep else None


def _rgb(image: Image.Image, levels: np.ndarray | None) -> np.ndarray:
    if levels is not None:
        grey = np.round(levels / np.float32(257)).astype(np.uint8)
        return np.repeat(grey[..., np.newaxis], 3, axis=-1)
    image = metadata.to_srgb(image)
    if image.has_transparency_data:
        image = over(image, "white")
    # `convert` would copy what is RGB already.
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def over(image: Image.Image, colour: str) -> Image.Image:
    """A transparent picture on a ground of one colour."""
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, colour), image)


def is_named_heif(path: str | os.PathLike) -> bool:
    """Whether a file has a name as of HEIC."""
    return os.fspath(path).lower().endswith((".heic", ".heif"))


def _begins_as_heif(path) -> bool:
    with open(path, "rb") as file:
        start = file.read(12)
    return start[4:8] == b"ftyp" and start[8:] in (b"heic", b"heix", b"mif1", b"msf1")


def _reason(path, error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombError):
        match = re.search(r"\((\d+) pixels\)", str(error))
        millions = f"{int(match[1]) / 1e6:,.0f} " if match else "too many "
        return (
            f"it has {millions}megapixels, and pictures of more than "
            f"{_MOST_PIXELS / 1e6:.0f} are not read, as they fill the memory. Make a smaller "
            "copy with any program, as in: magick large.jpg -resize 25% small.jpg"
        )
    if isinstance(error, UnidentifiedImageError):
        if not pathlib.Path(path).stat().st_size:
            return "the file is empty"
        if not HAS_HEIF and (is_named_heif(path) or _begins_as_heif(path)):
            return "HEIC takes a package: pip install pillow-heif; or save it as JPEG"
        return "it is in no format that Pillow reads; if it is one, save it as PNG"
    is_about_file = isinstance(error, OSError) and error.strerror
    return error.strerror if is_about_file else str(error) or type(error).__name__
