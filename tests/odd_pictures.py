"""Files whose pixels are good and whose metadata are not, made byte by byte.

All show `PIXELS` (a JPEG nearly); those of `TURNED` are to be turned by a quarter.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

_SMOOTH = (
    np.linspace(0, 255, 24)[None, :, None] * np.linspace(0.2, 1, 16)[:, None, None]
)
PIXELS = np.rint(_SMOOTH * [1, 0.5, 0.25]).astype(np.uint8)  # [16,24,3]


def _entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")[:4]


def _exif(*entries: bytes) -> bytes:
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    return head + b"".join(entries) + bytes(4)


def application(number: int, content: bytes) -> bytes:
    """A segment APPn of a JPEG."""
    return struct.pack(">BBH", 0xFF, 0xE0 + number, len(content) + 2) + content


def jpeg(*segments: bytes, **options) -> bytes:
    """The picture as JPEG, with more segments at its head."""
    file = io.BytesIO()
    options = {"quality": 100, "subsampling": 0} | options
    Image.fromarray(PIXELS).save(file, "JPEG", **options)
    return file.getvalue()[:2] + b"".join(segments) + file.getvalue()[2:]


def png(*chunks: bytes, after: bool = False) -> bytes:
    """The picture as PNG, with more chunks before its pixels, or after."""
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG")
    made = b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )
    place = -12 if after else 33
    return file.getvalue()[:place] + made + file.getvalue()[place:]


def png_of_size(width: int, height: int) -> bytes:
    """The head of a PNG that says it is this large."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(chunk))
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + check
    return head + struct.pack(">I", 1000) + b"IDAT"


def _broken_checksum() -> bytes:
    file = bytearray(png(b"tEXtkey\0value"))
    file[33 + 8 + 5] ^= 1
    return bytes(file)


_SIX = _entry(0x112, 3, 1, b"\6\0")  # Orientation 6.
_FAR = _entry(0x10F, 2, 5000, b"\xff\xff\xff\x7f")  # The maker's name, beyond the file.
_LONG = b"a" * 3_000_000


def _app1(exif: bytes) -> bytes:
    return jpeg(application(1, b"Exif\0\0" + exif))


TURNED = {
    "far.jpg": _app1(_exif(_SIX, _FAR)),
    "far first.jpg": _app1(_exif(_FAR, _SIX)),
    "gps beyond.jpg": _app1(_exif(_SIX, _entry(0x8825, 4, 1, b"\xff\xff\0\0"))),
    "maker's note.jpg": _app1(_exif(_SIX, _entry(0x8769, 4, 1, b"\x08\0\0\0"))),
    "text for a ratio.jpg": _app1(_exif(_SIX, _entry(0x11A, 2, 4, b"abc"))),
    "far.png": png(b"eXIf" + _exif(_SIX, _FAR)),
}
UPRIGHT = {
    "no exif.jpg": _app1(b"garbage"),
    "empty exif.jpg": _app1(b""),
    "short exif.jpg": _app1(b"II*\0"),
    "orientation as text.jpg": _app1(_exif(_entry(0x112, 2, 2, b"6"))),
    "orientation 99.jpg": _app1(_exif(_entry(0x112, 3, 1, b"\x63\0"))),
    "orientation as ratio.jpg": _app1(_exif(_entry(0x112, 5, 1, b"\xff\xff\0\0"))),
    "unknown type.jpg": _app1(_exif(_entry(0x112, 77, 1, b"\6"))),
    "photoshop.jpg": jpeg(
        application(13, b"Photoshop 3.0\x008BIM\3\xed\0\0\0\0\0\5abc")
    ),
    "adobe cut off.jpg": jpeg(application(14, b"Adobe")),
    "several pictures.jpg": jpeg(application(2, b"MPF\0garbage")),
    "profile cut off.jpg": jpeg(application(2, b"ICC_PROFILE\0\1\2garbage")),
    "no profile.jpg": jpeg(icc_profile=b"garbage" * 30),
    "no exif.png": png(b"eXIfgarbage"),
    "text.png": png(b"tEXtk\0" + _LONG),
    "packed text.png": png(b"zTXtk\0\0" + zlib.compress(_LONG)),
    "text after.png": png(b"zTXtk\0\0" + zlib.compress(_LONG), after=True),
    "unicode.png": png(b"iTXtk\0\1\0\0\0" + zlib.compress(_LONG)),
    "100 MB of text.png": png(b"zTXtk\0\0" + zlib.compress(b"a" * 100_000_000)),
    "90 MB of texts.png": png(*[b"tEXtk\0" + _LONG] * 30),
    "3 MB of profile.png": png(b"iCCPp\0\0" + zlib.compress(_LONG)),
    "no profile.png": png(b"iCCPp\0\7garbage"),
    "empty profile.png": png(b"iCCP"),
    "size of a pixel.png": png(b"pHYs\0"),
    "gamma.png": png(b"gAMA"),
    "white.png": png(b"cHRM\0\0"),
    "srgb.png": png(b"sRGB"),
    "animation.png": png(b"acTL\0\0\0"),
    "raw exif.png": png(
        b"zTXtRaw profile type exif\0\0" + zlib.compress(b"\nexif\n 9\nz")
    ),
    "checksum.png": _broken_checksum(),
}


def swapped_profile() -> bytes:
    """A colour profile in which red and green have changed places, else sRGB's."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert made.count(b"rXYZ") == made.count(b"gXYZ") == 1
    swapped = made.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ")
    return swapped.replace(b"????", b"gXYZ").replace(
        "sRGB".encode("utf-16-be"), "GRBs".encode("utf-16-be")
    )
