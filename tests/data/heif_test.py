"""Photos as telephones write them: HEIC, by the extra `heif`."""

import pathlib
import sys

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from tfcomgan import client
from tfcomgan.data import listing, pictures
from tfcomgan.photos import reading

_SIZE = 96, 64


@pytest.fixture(scope="module")
def photo():
    """Smooth, so that what is compressed stays near it; no two corners alike."""
    y, x = np.mgrid[: _SIZE[1], : _SIZE[0]] / 100
    return np.stack([255 * x, 255 * y, 255 * (1 - x) * (1 - y)], axis=-1).astype(
        np.uint8
    )


def _save(path: pathlib.Path, image: np.ndarray, **options) -> pathlib.Path:
    heif = pillow_heif.from_pillow(Image.fromarray(image))
    heif.save(path, quality=95, chroma=444, **options)
    return path


@pytest.mark.parametrize("name", ["a.heic", "A.HEIC", "a.heif"])
def test_pixels_are_those_that_were_written(photo, tmp_path, name):
    path = _save(tmp_path / name, photo)
    assert pictures.size(path) == (64, 96) and pictures.pixels(path) == 96 * 64
    np.testing.assert_allclose(pictures.read(path), photo, atol=8)
    np.testing.assert_allclose(reading.read(path).image, photo, atol=8)


def test_a_photo_that_was_taken_upright_is_upright(photo, tmp_path):
    turned = Image.fromarray(photo)
    exif = turned.getexif()
    exif[0x0112] = 6  # Orientation: to be turned by a quarter, clockwise.
    path = _save(tmp_path / "a.heic", photo, exif=exif.tobytes())
    expected = np.rot90(photo, -1)
    assert pictures.size(path) == (96, 64)
    np.testing.assert_allclose(pictures.read(path), expected, atol=8)


def test_the_server_gets_a_png_of_it(photo, tmp_path):
    file = client.to_send(_save(tmp_path / "a.heic", photo))
    assert file.startswith(b"\x89PNG")


def test_a_damaged_one_is_refused_by_name(photo, tmp_path):
    path = _save(tmp_path / "a.heic", photo)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(pictures.BadPicture, match="a.heic cannot be read"):
        pictures.read(path)


def test_without_the_package_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "HAS_HEIF", False)
    for name in ("a.HEIC", "a.jpg"):
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic but nothing more")
        with pytest.raises(pictures.BadPicture, match="pip install pillow-heif"):
            pictures.read(tmp_path / name)


def test_a_folder_is_another_once_they_can_be_read(photo, tmp_path, monkeypatch):
    """They may have been left out before."""

    def content():
        return listing.scan(tmp_path).content()

    Image.fromarray(photo).save(tmp_path / "a.png")
    plain = content()
    monkeypatch.setattr(pictures, "HAS_HEIF", False)
    assert content() == plain
    _save(tmp_path / "b.heic", photo)
    without = content()
    monkeypatch.setattr(pictures, "HAS_HEIF", True)
    assert content() != without


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
