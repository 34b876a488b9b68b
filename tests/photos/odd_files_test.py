"""One folder with every kind of odd picture: the readable are read right, the rest named."""

import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from tfcomgan.data import reading
from tfcomgan.data.folder import FolderSource
from tfcomgan.errors import UserError

ORANGE = (250, 130, 10)
GREY = (100, 100, 100)


def rotated(path):
    """Stored lying, orange to the left: upright, orange is at the top."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.new("RGB", (32, 16), "white")
    stored.paste(ORANGE, (0, 0, 16, 16))
    stored.save(path, exif=exif, quality=100, subsampling=0)


def animated(path):
    frames = [Image.new("RGB", (16, 16), colour) for colour in (ORANGE, "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def transparent(path):
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(path)


def sixteen_bits(path):
    Image.fromarray(np.full([16, 16], 100 * 257, np.uint16)).save(path)


def plain(mode, size=(16, 16), colour=ORANGE):
    def write(path):
        quality = {"quality": 100} if path.suffix == ".jpg" else {}
        Image.new("RGB", size, colour).convert(mode).save(path, **quality)

    return write


READABLE = {  # What writes it, and its colour at the top and at the bottom.
    "photo.jpg": (plain("RGB"), ORANGE, ORANGE),
    "with  spaces.png": (plain("RGB"), ORANGE, ORANGE),
    "Größe 名前.png": (plain("RGB"), ORANGE, ORANGE),
    "one pixel.png": (plain("RGB", (1, 1)), ORANGE, ORANGE),
    "grey.png": (plain("L", colour=GREY), GREY, GREY),
    "sixteen bits.png": (sixteen_bits, GREY, GREY),
    "palette.png": (plain("P", colour="red"), (255, 0, 0), (255, 0, 0)),
    "transparent.png": (transparent, (255, 255, 255), (255, 255, 255)),
    "cmyk.jpg": (plain("CMYK"), ORANGE, ORANGE),
    "animated.gif": (animated, ORANGE, ORANGE),
    "telephone.jpg": (rotated, ORANGE, (255, 255, 255)),
}


def truncated(path):
    noise = np.random.default_rng(0).integers(0, 256, [64, 64, 3], np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def bomb(path):
    """A header that promises 50,000 x 50,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(1000))
    chunks = (
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (header, data, b"IEND")
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


UNREADABLE = {
    "truncated.jpg": truncated,
    "text.jpg": lambda path: path.write_text("no picture"),
    "zero bytes.png": lambda path: path.touch(),
    "bomb.png": bomb,
}


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "my photos"
    root.mkdir()
    for name, (write, *_) in READABLE.items():
        write(root / name)
    for name, write in UNREADABLE.items():
        write(root / name)
    return root


def test_exactly_the_unreadable_are_listed(photos, tmp_path):
    with pytest.raises(UserError) as error:
        FolderSource().prepare(tmp_path / "data", photos)
    head, *lines, advice = str(error.value).splitlines()
    assert head.startswith("4 of 15 pictures in ") and "'skip'" in advice
    assert [line.split(": ")[0].strip() for line in lines] == sorted(UNREADABLE)


def test_the_others_reach_the_training_as_they_look(photos, tmp_path):
    source = FolderSource(on_bad_image="skip")
    builder = source.prepare(tmp_path / "data", photos)
    assert builder.info.metadata["notes"][0].startswith("4 of 15 pictures left out: ")
    found = reading.load(
        builder, source.adapt, reading.View("train+test", crop="full", size=8)
    )
    pictures = dict(zip(found.names, found.images.astype(int), strict=True))
    assert sorted(pictures) == sorted(READABLE)
    for name, (_, top, bottom) in READABLE.items():
        # JPEG and the palette of a GIF are off by a few levels.
        for row, colour in ((0, top), (-1, bottom)):
            distance = np.abs(pictures[name][row] - colour)
            assert distance.max() <= 6, (name, pictures[name][row, 0])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
