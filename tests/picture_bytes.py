"""Picture files for the tests of `segment_encoded`, whole ones and broken ones."""

import io
import struct
import zlib

import numpy as np
from PIL import Image
from segmenters import pictures


def encode(image: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    """A picture as a file."""
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def photo(height: int = 50, width: int = 37) -> Image.Image:
    """Soft blots of colour, as JPEG expects them."""
    small = Image.fromarray(pictures(1, 7, 5)[0])
    return small.resize((width, height), Image.Resampling.BICUBIC)


def whole() -> dict[str, bytes]:
    """Files of every kind that `segment_encoded` takes, by what they are."""
    image = photo()
    alpha = Image.fromarray(pictures(1, 50, 37)[0, ..., 0])
    see_through = image.copy()
    see_through.putalpha(alpha)
    few = image.quantize(16)
    files = {
        "jpeg": encode(image, "JPEG", quality=90),
        "jpeg, no subsampling": encode(image, "JPEG", subsampling=0),
        "jpeg, progressive": encode(image, "JPEG", progressive=True),
        "jpeg, grey": encode(image.convert("L"), "JPEG"),
        "jpeg, CMYK": encode(image.convert("CMYK"), "JPEG"),
        "png": encode(image),
        "png, grey": encode(image.convert("L")),
        "png, 1 bit": encode(image.convert("1")),
        "png, palette": encode(few),
        "png, palette with a transparent colour": encode(few, transparency=3),
        "png, alpha": encode(see_through),
        "png, grey and alpha": encode(see_through.convert("LA")),
        "png, interlaced": interlaced(),
        "png, animated": encode(
            image, save_all=True, append_images=[image.rotate(90)], duration=100
        ),
    }
    return files


def png(height: int, width: int, rows: bytes, interlace: int = 0) -> bytes:
    """A PNG file of RGB from its filtered rows, whatever the header claims."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlace)
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(rows), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*item) for item in chunks.items())


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def interlaced() -> bytes:
    """A PNG file in Adam7 order, which Pillow reads but does not write."""
    image = np.asarray(photo(8, 8))
    steps = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4),
             (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]  # fmt: skip
    passes = [image[y::dy, x::dx] for y, dy, x, dx in steps]
    rows = b"".join(b"\0" + row.tobytes() for part in passes for row in part)
    return png(8, 8, rows, interlace=1)


def with_jpeg_size(file: bytes, height: int, width: int) -> bytes:
    """A baseline JPEG file whose header claims another size."""
    at = file.index(b"\xff\xc0") + 5  # Marker, length, precision; then the size.
    return file[:at] + struct.pack(">HH", height, width) + file[at + 4 :]
