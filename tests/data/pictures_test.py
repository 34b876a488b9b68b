"""Reading picture and mask files of every kind, and refusing the others by name."""

import os
import struct
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from tfcomgan.data import pictures
from tfcomgan.data.pictures import BadPicture
from tfcomgan.errors import UserError

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, [6, 9, 3], np.uint8)
GREY = RGB[..., 0]


def repeated(grey):
    return np.repeat(grey[..., np.newaxis], 3, axis=-1)


def test_rgb_grey_palette_and_bilevel_are_read_exactly(tmp_path):
    palette = Image.fromarray(RGB).quantize(8)
    bits = GREY > 127
    for image, truth in (
        (Image.fromarray(RGB), RGB),
        (Image.fromarray(GREY), repeated(GREY)),
        (palette, np.array(palette.getpalette()).reshape(-1, 3)[np.asarray(palette)]),
        (Image.fromarray(bits), repeated(bits * np.uint8(255))),
    ):
        image.save(tmp_path / "a.png")
        found = pictures.read(tmp_path / "a.png")
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, truth)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, name):
    deep = RNG.integers(0, 2**16, [6, 9], np.uint16)
    deep[0, :3] = [0, 257, 65535]
    if name == "a.pgm":  # Big-endian after its header.
        (tmp_path / name).write_bytes(b"P5 9 6 65535\n" + deep.astype(">u2").tobytes())
    else:
        Image.fromarray(deep).save(tmp_path / name)
    truth = repeated(np.round(deep / 257).astype(np.uint8))
    np.testing.assert_array_equal(pictures.read(tmp_path / name), truth)


def test_what_is_transparent_is_white(tmp_path):
    alpha = RNG.integers(0, 256, [6, 9], np.uint8)
    alpha[0], alpha[1] = 0, 255
    Image.fromarray(np.dstack([RGB, alpha])).save(tmp_path / "rgba.png")
    share = alpha[..., np.newaxis] / 255
    over_white = share * RGB + (1 - share) * 255
    found = pictures.read(tmp_path / "rgba.png").astype(float)
    np.testing.assert_allclose(found, over_white, atol=1)  # Blended in 8 bits.
    np.testing.assert_array_equal(found[0], 255)
    np.testing.assert_array_equal(found[1], RGB[1])

    palette = Image.fromarray(RGB).quantize(8)
    truth = np.array(palette.convert("RGB"))
    truth[np.asarray(palette) == 2] = 255
    palette.save(tmp_path / "clear.png", transparency=2)
    np.testing.assert_array_equal(pictures.read(tmp_path / "clear.png"), truth)


def test_cmyk_is_converted(tmp_path):
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "a.tif")
    # C = 255 - R without black, and back.
    np.testing.assert_array_equal(pictures.read(tmp_path / "a.tif"), RGB)


# How the camera stored what is upright, by EXIF's orientation.
STORED = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.transpose(1, 0, 2),
    6: lambda x: np.rot90(x),  # To the left; it is turned back to the right.
    7: lambda x: x.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda x: np.rot90(x, -1),
}


@pytest.mark.parametrize("orientation", STORED)
def test_exif_rotation_is_applied(tmp_path, orientation):
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](RGB)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(pictures.read(tmp_path / "a.png"), RGB)


def test_rotated_jpeg_of_a_telephone(tmp_path):
    stored = np.zeros([16, 32, 3], np.uint8)
    stored[:, :16] = 255  # Left as stored is the top after a quarter turn to the right.
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif, quality=95)
    found = pictures.read(tmp_path / "a.jpg").astype(int)
    assert found.shape == (32, 16, 3)
    assert found[:16].min() > 245 and found[16:].max() < 10


def test_of_an_animation_comes_the_first_picture(tmp_path):
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 2
    found = pictures.read(tmp_path / "a.gif")
    np.testing.assert_array_equal(found, np.full([3, 4, 3], [255, 0, 0]))


def test_one_pixel_and_odd_file_names(tmp_path):
    names = ["with  spaces.png", "Größe 名前.png", os.fsdecode(b"latin-\xe9.png")]
    for name in names:
        path = os.path.join(tmp_path, name)
        Image.fromarray(RGB[:1, :1]).save(path)
        np.testing.assert_array_equal(pictures.read(path), RGB[:1, :1])


def png_header(width, height):
    """A PNG that says it is this large, and goes no further."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + check


def test_what_cannot_be_read_is_refused_by_name_and_reason(tmp_path):
    def encoded(suffix, size=64):
        noise = RNG.integers(0, 256, [size, size, 3], np.uint8)
        path = tmp_path / f"whole{suffix}"
        Image.fromarray(noise).save(path)
        return path.read_bytes()

    jpeg = encoded(".jpg")
    cases = {
        "half.jpg": (jpeg[: len(jpeg) // 2], "truncated"),
        "most.jpg": (jpeg[: len(jpeg) * 19 // 20], "truncated"),
        "start.jpg": (jpeg[:30], ""),
        **{
            f"half{suffix}": (encoded(suffix)[:2000], "")
            for suffix in (".png", ".gif", ".bmp", ".tif", ".webp")
        },
        "text.jpg": (b"no picture", "in no format that Pillow reads"),
        "zero.jpg": (b"", "the file is empty"),
    }
    for name, (content, reason) in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(
            BadPicture, match=f"{name} cannot be read as a picture: .*{reason}"
        ) as error:
            pictures.read(path)
        assert error.value.path == path and error.value.reason
        assert isinstance(error.value, UserError)
    with pytest.raises(BadPicture, match="none.png.*: No such file or directory$"):
        pictures.read(tmp_path / "none.png")


def test_a_large_file_that_is_no_picture_is_not_read_whole(tmp_path):
    with open(tmp_path / "video.jpg", "wb") as file:
        file.write(b"\0\0\0\x18ftypmp42")
        file.truncate(2**26)
    tracemalloc.start()
    try:
        with pytest.raises(pictures.BadPicture):
            pictures.read(tmp_path / "video.jpg")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path):
    side = 13500  # 182,250,000 pixels; the limit is 178,956,970.
    row = zlib.compress(bytes(side // 8 + 2) * side)
    body = b"IDAT" + row
    (tmp_path / "bomb.png").write_bytes(
        png_header(side, side)
        + struct.pack(">I", len(row))
        + body
        + struct.pack(">I", zlib.crc32(body))
    )
    assert (tmp_path / "bomb.png").stat().st_size < 50_000
    with pytest.raises(
        BadPicture, match="it has 182 megapixels, and pictures of more than 179 are"
    ):
        pictures.read(tmp_path / "bomb.png")


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_thirty_two_bits_are_refused(tmp_path, dtype):
    Image.fromarray(np.ones([4, 4], dtype)).save(tmp_path / "a.tif")
    for read in (pictures.read, pictures.read_mask):
        with pytest.raises(BadPicture, match="32 bits a channel"):
            read(tmp_path / "a.tif")


OBJECT = np.zeros([6, 9], bool)
OBJECT[1:4, 2:7] = True


def masks_of_all_kinds():
    grey = np.where(OBJECT, 128, 127).astype(np.uint8)
    labels = Image.fromarray(np.where(OBJECT, 15, 0).astype(np.uint8))
    labels.putpalette([0, 0, 0] + [0, 0, 64] * 255)  # As VOC: dark blue is a class.
    swapped = Image.fromarray((~OBJECT).astype(np.uint8))
    swapped.putpalette([255, 255, 255, 0, 0, 0])  # Index 0 is white.
    white = np.full([6, 9], 255, np.uint8)
    yield "bilevel", Image.fromarray(OBJECT)
    yield "white", Image.fromarray(OBJECT * np.uint8(255))
    yield "levels", Image.fromarray(grey)
    yield "ones", Image.fromarray(OBJECT.astype(np.uint8))
    yield "deep", Image.fromarray(OBJECT * np.uint16(65535))
    yield "deep_ones", Image.fromarray(OBJECT.astype(np.uint16))
    yield "colour", Image.fromarray(repeated(OBJECT * np.uint8(255)))
    yield "labels", labels
    yield "swapped", swapped
    yield "clear", Image.fromarray(np.dstack([white, OBJECT * np.uint8(255)]))


@pytest.mark.parametrize(
    ("kind", "image"), [pytest.param(*m, id=m[0]) for m in masks_of_all_kinds()]
)
def test_masks_of_all_kinds(tmp_path, kind, image):
    image.save(tmp_path / f"{kind}.png")
    found = pictures.read_mask(tmp_path / f"{kind}.png")
    assert found.dtype == np.uint8 and found.shape == (6, 9, 1)
    np.testing.assert_array_equal(found[..., 0], OBJECT)


@pytest.mark.parametrize("level", [0, 255])
def test_empty_and_full_masks_are_masks(tmp_path, level):
    Image.new("L", (9, 6), level).save(tmp_path / "a.png")
    np.testing.assert_array_equal(pictures.read_mask(tmp_path / "a.png"), level > 0)


@pytest.mark.parametrize("white", [255, 65535])
def test_a_mask_of_object_numbers_does_not_pass_for_an_empty_one(tmp_path, white):
    kind = np.uint8 if white == 255 else np.uint16
    Image.fromarray((OBJECT * 3).astype(kind)).save(tmp_path / "a.png")
    with pytest.raises(
        BadPicture, match=f"a.png.* mask: its brightest value is 3 of {white}"
    ):
        pictures.read_mask(tmp_path / "a.png")


def test_the_mask_of_a_rotated_picture_turns_with_its_own_exif_data(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(OBJECT).save(tmp_path / "a.png", exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "a.png")))
    np.testing.assert_array_equal(upright, np.rot90(OBJECT, -1))
    np.testing.assert_array_equal(
        pictures.read_mask(tmp_path / "a.png")[..., 0], np.rot90(OBJECT, -1)
    )


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", STORED)
def test_size_is_that_of_what_is_read(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(RGB).save(path, exif=exif)
    is_turned = orientation in (5, 6, 7, 8)
    assert pictures.size(path) == ((9, 6) if is_turned else (6, 9))
    assert pictures.read(path).shape[:2] == pictures.size(path)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
