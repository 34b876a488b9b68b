"""Photos of more than 8 bits, written by OpenCV and Pillow."""

import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from tfcomgan.data.pictures import BadPicture
from tfcomgan.photos import reading


def _dark() -> np.ndarray:
    """uint16 [40,60,3] of 12 bits, all channels different."""
    steps = np.linspace(100, 4000, 40 * 60 * 3)
    return np.rint(steps).astype(np.uint16).reshape(40, 60, 3)


def test_dark_colours_of_16_bits_are_scaled_together(tmp_path):
    levels = _dark()
    cv2.imwrite(str(tmp_path / "a.tif"), levels[..., ::-1])
    photo = reading.read(tmp_path / "a.tif")
    # Percentiles 0.1 and 99.9 of even steps lie 3.9 levels inside of the ends.
    low, high = 103.9, 3996.1
    expected = np.clip((levels.astype(float) - low) / (high - low), 0, 1) * 255
    np.testing.assert_allclose(photo.image, expected, atol=0.51)
    assert "16 bits a pixel: levels 10" in photo.note


def test_colours_that_use_their_range_stay_as_they_are(tmp_path):
    levels = _dark() * 16
    cv2.imwrite(str(tmp_path / "a.tif"), levels[..., ::-1])
    photo = reading.read(tmp_path / "a.tif")
    np.testing.assert_allclose(photo.image, levels / 257, atol=1)
    assert photo.note == ""


def test_a_hot_pixel_and_missing_values_do_not_count(tmp_path):
    levels = np.tile(np.linspace(0.2, 0.4, 100, dtype=np.float32), (100, 1))
    levels[0, 0], levels[0, 1], levels[0, 2] = 1e6, np.nan, np.inf
    Image.fromarray(levels).save(tmp_path / "a.tif")
    grey = reading.read(tmp_path / "a.tif").image[..., 0]
    expected = (levels[1] - 0.2) / 0.2 * 255
    np.testing.assert_allclose(grey[1], expected, atol=1.5)
    assert grey[0, 0] == 255 and grey[0, 1] == 0


def test_a_picture_without_a_number_is_refused(tmp_path):
    Image.fromarray(np.full([4, 4], np.nan, np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(BadPicture, match="finite number"):
        reading.read(tmp_path / "a.tif")


def test_flat_16_bits_have_nothing_to_be_scaled_by(tmp_path):
    Image.fromarray(np.full([4, 4], 100 * 257, np.uint16)).save(tmp_path / "a.png")
    photo = reading.read(tmp_path / "a.png")
    assert (photo.image == 100).all() and photo.note == ""


def test_colours_are_dark_only_where_every_channel_is(tmp_path):
    """Red uses its range, and has a lower minimum than the dark others."""
    levels = np.full([40, 60, 3], 11 * 257, np.uint16)
    levels[..., 0] = np.linspace(0, 65535, 60).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.tif"), levels[..., ::-1])
    photo = reading.read(tmp_path / "a.tif")
    np.testing.assert_allclose(photo.image, levels / 257, atol=1)
    assert photo.note == ""


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
