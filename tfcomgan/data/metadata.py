"""What picture files hold beside their pixels: which way up, which colours, and much else.

Two of these things matter, the orientation and the colour profile. Neither they nor the
rest, if damaged, makes good pixels unreadable.
"""

import functools
import io
import struct
import warnings

from PIL import Image, ImageCms, PngImagePlugin

# Pillow tells of odd metadata on standard error; what matters is told by our messages.
warnings.filterwarnings("ignore", module=r"PIL\.")
# Texts and profiles of a PNG, unpacked; Pillow refuses pictures with more than 1 MiB of one
# and 64 MiB of all. Of a picture with more than these its metadata are left out.
PngImagePlugin.MAX_TEXT_CHUNK = 64 * 2**20
PngImagePlugin.MAX_TEXT_MEMORY = 256 * 2**20

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"  # Their first bytes.
_ORIENTATION = 0x0112  # The EXIF tag.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
QUARTER_TURNS = tuple(_TURNS[i] for i in (5, 6, 7, 8))
_SRGB = ImageCms.createProfile("sRGB")
_MODES = {"RGB": ("RGB", "RGBA"), "GRAY": ("L",), "CMYK": ("CMYK",)}  # Of a profile.


def turn(image: Image.Image) -> Image.Transpose | None:
    """What sets a picture upright; None where it is, or nobody can say."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION))
    except Exception:  # Pillow has as many as EXIF has ways to be damaged.
        return None


def to_srgb(image: Image.Image) -> Image.Image:
    """A picture in sRGB, by its embedded profile; as it is where that is none or damaged.

    Pictures of 1, 16 or 32 bits a channel stay as they are.
    """
    profile = image.info.get("icc_profile")
    if not profile or is_srgb(image):
        return image
    if image.mode in ("1", "I", "F") or image.mode.startswith("I;"):
        return image
    plain = image
    if image.mode not in ("CMYK", "L") or image.has_transparency_data:
        # A transparent colour is given by its value before the conversion.
        plain = image.convert("RGBA" if image.has_transparency_data else "RGB")
    try:
        if plain.mode not in _MODES[_space(profile)]:
            return image
        return ImageCms.applyTransform(plain, _transform(profile, plain.mode))
    except (ImageCms.PyCMSError, OSError, ValueError, KeyError):
        return image


def is_srgb(image: Image.Image) -> bool:
    """Whether `to_srgb` would change no colour."""
    try:
        profile = image.info.get("icc_profile")
        return not profile or _space(profile) is None
    except (ImageCms.PyCMSError, OSError):
        return True


def own_profile(image: Image.Image) -> bytes | None:
    """The profile by which the values of an RGB picture mean colours, if it is sound.

    None of pictures of other kinds, whose values do not outlast becoming RGB.
    """
    profile = image.info.get("icc_profile")
    try:
        is_kept = bool(profile) and _space(profile) in (None, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None
    return profile if is_kept and image.mode in ("RGB", "RGBA") else None


def from_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """An RGB picture in sRGB in the colours of a profile, one of `own_profile`."""
    if _space(profile) is None:
        return image
    wanted = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    transform = ImageCms.buildTransform(_SRGB, wanted, "RGB", "RGB")
    return ImageCms.applyTransform(image, transform)


@functools.lru_cache(maxsize=16)
def _space(profile: bytes) -> str | None:
    """The colour space of a profile, None of sRGB."""
    parsed = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
    if "sRGB" in (parsed.profile_description or ""):
        return None
    return parsed.xcolor_space.strip()


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    output = "RGBA" if mode == "RGBA" else "RGB"
    return ImageCms.buildTransform(source, _SRGB, mode, output)


def is_jpeg_or_png(start: bytes) -> bool:
    """Whether a file begins as those that `without` takes; by its first 8 bytes."""
    return start.startswith((_JPEG, _PNG))


def without(file: bytes) -> bytes | None:
    """A JPEG or PNG file with its pixels alone, and a PNG's EXIF; None of another file."""
    try:
        if file.startswith(_JPEG):
            return _JPEG + b"".join(_segments(file))
        if file.startswith(_PNG):
            return _PNG + b"".join(_chunks(file))
    except struct.error:
        pass
    return None


def _segments(file: bytes):
    """A JPEG's parts without what applications wrote, but Adobe's, which says the colours."""
    place = 2
    while True:
        marker, size = struct.unpack_from(">HH", file, place)
        if (
            not 0xFFC0 <= marker <= 0xFFFE or marker == 0xFFDA
        ):  # The scan: all the rest.
            yield file[place:]
            return
        is_adobe = marker == 0xFFEE and size >= 14
        if is_adobe or not (0xFFE0 <= marker <= 0xFFEF or marker == 0xFFFE):
            yield file[place : place + 2 + size]
        place += 2 + size


def _chunks(file: bytes):
    """A PNG's parts of which a reader must know, transparency and EXIF."""
    place = 8
    while place < len(file):
        size, kind = struct.unpack_from(">I4s", file, place)
        if kind[:1].isupper() or kind in (b"tRNS", b"eXIf"):
            yield file[place : place + 12 + size]
        place += 12 + size
