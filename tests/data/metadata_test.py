"""Metadata of pictures: two are heeded, none makes good pixels unreadable."""

import sys
import time

import command
import numpy as np
import odd_pictures
import pytest
from odd_pictures import PIXELS
from PIL import Image, PngImagePlugin

from tfcomgan.data import parallel, pictures
from tfcomgan.data.pictures import BadPicture


@pytest.mark.parametrize("name", [*odd_pictures.UPRIGHT, *odd_pictures.TURNED])
def test_odd_metadata_spoil_no_good_pixels(tmp_path, name):
    files = odd_pictures.UPRIGHT | odd_pictures.TURNED
    (tmp_path / name).write_bytes(files[name])
    # Orientation 6: turned to the right by a quarter.
    truth = np.rot90(PIXELS, -1) if name in odd_pictures.TURNED else PIXELS
    found = pictures.read(tmp_path / name).astype(int)
    tolerance = 6 if name.endswith(".jpg") else 0  # JPEG at its best quality.
    np.testing.assert_allclose(found, truth, atol=tolerance)
    assert pictures.size(tmp_path / name) == truth.shape[:2]
    assert pictures.pixels(tmp_path / name) == 16 * 24


def test_damaged_pixels_are_refused_also_where_metadata_are_odd(tmp_path):
    for name in ("packed text.png", "adobe cut off.jpg"):
        whole = odd_pictures.UPRIGHT[name]
        (tmp_path / name).write_bytes(whole[:-100])
        with pytest.raises(BadPicture):
            pictures.read(tmp_path / name)


def test_pillows_warnings_are_not_shown(tmp_path):
    for name, content in (odd_pictures.UPRIGHT | odd_pictures.TURNED).items():
        (tmp_path / name).write_bytes(content)
    program = (
        "import pathlib, sys; from tfcomgan.data import pictures\n"
        "for path in pathlib.Path(sys.argv[1]).iterdir(): pictures.read(path)"
    )
    assert command.python("-c", program, tmp_path) == (0, "", "")


def test_colours_are_converted_to_srgb(tmp_path):
    """By a profile whose red is sRGB's green."""
    profile = odd_pictures.swapped_profile()
    swapped = PIXELS[..., [1, 0, 2]]
    alpha = np.full([16, 24, 1], 255, np.uint8)
    for name, image in {
        "a.png": Image.fromarray(PIXELS),
        "a.tif": Image.fromarray(PIXELS),
        "opaque.png": Image.fromarray(np.concatenate([PIXELS, alpha], -1)),
    }.items():
        image.save(tmp_path / name, icc_profile=profile)
        found = pictures.read(tmp_path / name).astype(int)
        np.testing.assert_allclose(found, swapped, atol=1, err_msg=name)
    palette = Image.fromarray(PIXELS).quantize(16)
    palette.save(tmp_path / "palette.png", icc_profile=profile)
    found = pictures.read(tmp_path / "palette.png").astype(int)
    truth = np.asarray(palette.convert("RGB"))[..., [1, 0, 2]]
    np.testing.assert_allclose(found, truth, atol=1)
    found = pictures.from_pil(Image.open(tmp_path / "a.png")).astype(int)
    np.testing.assert_allclose(found, swapped, atol=1)


def test_what_has_srgbs_own_profile_keeps_its_pixels(tmp_path):
    profile = odd_pictures.ImageCms.ImageCmsProfile(
        odd_pictures.ImageCms.createProfile("sRGB")
    ).tobytes()
    Image.fromarray(PIXELS).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(pictures.read(tmp_path / "a.png"), PIXELS)


def test_a_profile_of_another_kind_of_picture_is_left_alone(tmp_path):
    """One of colours in a grey picture, and in one of 16 bits; masks are no colours."""
    profile = odd_pictures.swapped_profile()
    grey = PIXELS[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png", icc_profile=profile)
    deep = grey.astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "deep.png", icc_profile=profile)
    for name in ("grey.png", "deep.png"):
        found = pictures.read(tmp_path / name)
        np.testing.assert_array_equal(found, np.repeat(grey[..., None], 3, -1))
    mask = np.uint8(grey > 99) * np.uint8(255)
    Image.fromarray(mask).save(tmp_path / "mask.png", icc_profile=profile)
    np.testing.assert_array_equal(
        pictures.read_mask(tmp_path / "mask.png")[..., 0], mask > 0
    )


def test_the_limits_of_a_png_are_as_stated():
    assert PngImagePlugin.MAX_TEXT_CHUNK == 64 * 2**20
    assert PngImagePlugin.MAX_TEXT_MEMORY == 256 * 2**20


# Very large pictures.


def test_a_very_large_jpeg_is_decoded_small_where_that_is_enough(tmp_path):
    halves = np.zeros([6000, 8000], np.uint8)
    halves[:, 4000:] = 255
    Image.fromarray(halves).save(tmp_path / "a.jpg")
    found = pictures.read(tmp_path / "a.jpg", at_least=100)
    assert found.shape == (750, 1000, 3)  # An eighth is 7.5 times 100.
    assert found[:, :490].max() < 5 and found[:, 510:].min() > 250
    assert pictures.read(tmp_path / "a.jpg", at_least=300).shape == (1500, 2000, 3)
    assert pictures.read(tmp_path / "a.jpg", at_least=2000).shape == (6000, 8000, 3)
    Image.fromarray(halves[:4000]).save(tmp_path / "usual.jpg")
    assert pictures.read(tmp_path / "usual.jpg", at_least=1).shape == (4000, 8000, 3)


def test_400_megapixels_are_refused_with_a_way_out(tmp_path):
    (tmp_path / "a.png").write_bytes(odd_pictures.png_of_size(20_000, 20_000))
    with pytest.raises(BadPicture) as error:
        pictures.read(tmp_path / "a.png")
    assert "it has 400 megapixels, and pictures of more than 179 are not" in str(
        error.value
    )
    assert "magick large.jpg -resize 25% small.jpg" in str(error.value)
    assert pictures.pixels(tmp_path / "a.png") == 0


def test_large_pictures_are_not_worked_on_at_once(monkeypatch):
    monkeypatch.setattr(parallel, "THREADS", 8)
    at_work, most = [], []

    def work(size):
        at_work.append(size)
        most.append(sum(at_work))
        time.sleep(0.01)
        at_work.remove(size)
        return size

    million = 10**6
    sizes = [108 * million, 12 * million, 170 * million, 1, 60 * million] * 8
    assert list(parallel.in_parallel(work, sizes, pixels=lambda size: size)) == sizes
    # 134 together, or one alone that is larger.
    assert max(m for m in most if m != 170 * million) <= 2**27
    most.clear()
    list(parallel.in_parallel(work, sizes))
    assert max(most) > 2**27


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
