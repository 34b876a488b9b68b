"""Tests of `tfcomgan.figures.grids`."""

import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tfcomgan.figures import grids
from tfcomgan.images import mask_to_uint8, save_png, to_uint8


def _strip(*values, size=1):
    """uint8 [B, size, size, 3], one constant picture for each value."""
    return np.stack([np.full([size, size, 3], v, np.uint8) for v in values])


def _scene(batch=3, size=32, global_image=None):
    """Layers of constant value, so that a row is known by its grey."""

    def constant(value, channels):
        return np.full([batch, size, size, channels], value, np.float32)

    return SimpleNamespace(
        composite=constant(-1.0, 3),
        mask=constant(0.2, 1),
        foreground=constant(0.0, 3),
        background=constant(0.5, 3),
        global_image=None if global_image is None else constant(global_image, 3),
    )


def _row_values(image, num_rows):
    """Grey value at the middle of each row of the last column."""
    height = image.shape[0] / num_rows
    return [int(image[int((i + 0.5) * height), -20, 0]) for i in range(num_rows)]


def test_to_uint8_maps_the_range_rounds_and_clips():
    # (x + 1) * 127.5, so one level is 2/255 wide.
    values = np.array([-1, 1, -1 + 2 / 255, -1 + 2.9 / 255, -1 + 3.1 / 255, -7, 7])
    expected = [0, 255, 1, 1, 2, 0, 255]
    np.testing.assert_array_equal(to_uint8(values), expected)
    assert to_uint8(values).dtype == np.uint8


def test_to_uint8_inverts_the_scaling_of_every_level():
    levels = np.arange(256)
    pictures = (levels / 127.5 - 1).astype(np.float32)
    np.testing.assert_array_equal(to_uint8(pictures), levels)


def test_pictures_of_a_diverged_model_are_black_and_bounded():
    with np.errstate(all="raise"):
        picture = to_uint8(np.array([np.nan, np.inf, -np.inf]))
    np.testing.assert_array_equal(picture, [0, 255, 0])


def test_to_uint8_refuses_integers():
    with pytest.raises(ValueError, match="must be floats"):
        to_uint8(np.zeros([1, 2, 2, 3], np.uint8))


def test_mask_to_uint8_is_grey_with_three_channels():
    mask = np.array([0, 0.2, 1, -1, 2]).reshape(1, 1, 5, 1)
    result = mask_to_uint8(mask)
    assert result.shape == (1, 1, 5, 3) and result.dtype == np.uint8
    for channel in range(3):
        np.testing.assert_array_equal(result[0, 0, :, channel], [0, 51, 255, 0, 255])
    np.testing.assert_array_equal(mask_to_uint8(mask == 1)[0, 0, 2], [255] * 3)


def test_mask_to_uint8_refuses_a_missing_channel_axis():
    with pytest.raises(ValueError, match="must have one channel"):
        mask_to_uint8(np.zeros([2, 4, 4]))


def test_grid_puts_strips_in_rows_and_examples_in_columns():
    result = grids.grid([_strip(1, 2, 3), _strip(4, 5, 6)], pad=1)
    w = 255  # white
    expected = [
        [w, w, w, w, w, w, w],
        [w, 1, w, 2, w, 3, w],
        [w, w, w, w, w, w, w],
        [w, 4, w, 5, w, 6, w],
        [w, w, w, w, w, w, w],
    ]
    assert result.dtype == np.uint8
    for channel in range(3):
        np.testing.assert_array_equal(result[..., channel], expected)


def test_grid_keeps_pixels_and_channels_of_a_picture():
    strip = np.random.default_rng(0).integers(0, 256, [2, 3, 4, 3], np.uint8)
    result = grids.grid([strip], pad=2)
    assert result.shape == (2 + 3 + 2, 2 + 4 + 2 + 4 + 2, 3)
    np.testing.assert_array_equal(result[2:5, 2:6], strip[0])
    np.testing.assert_array_equal(result[2:5, 8:12], strip[1])


def test_grid_enlarges_by_nearest_neighbour_and_leaves_the_pad():
    picture = np.array([[10, 20], [30, 40]], np.uint8)
    strip = np.repeat(picture[None, ..., None], 3, axis=-1)
    result = grids.grid([strip], pad=1, scale=3)
    assert result.shape == (1 + 6 + 1, 1 + 6 + 1, 3)
    expected = np.kron(picture, np.ones([3, 3]))
    np.testing.assert_array_equal(result[1:-1, 1:-1, 0], expected)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [_strip(1, 2), _strip(1)],
        [_strip(1).astype(np.float32)],
        [_strip(1)[..., :1]],
        [_strip(1)[0]],
        [_strip(1)[:0]],
    ],
)
def test_grid_refuses_strips_that_do_not_fit(rows):
    with pytest.raises(ValueError, match="`rows` must be strips"):
        grids.grid(rows)


def test_scene_grid_shows_the_layers_in_order():
    # -1, 0.2 as mask, 0, 0.5, 1: 0, 51, 127.5 -> 128 (to even), 191.25 -> 191, 255.
    image = grids.scene_grid(_scene(global_image=1.0))
    assert _row_values(image, num_rows=5) == [0, 51, 128, 191, 255]


def test_scene_grid_without_global_image_has_one_row_less():
    image = grids.scene_grid(_scene(), scale=1)
    assert image.shape[0] == 2 + 4 * (32 + 2)
    image = grids.scene_grid(_scene(global_image=1.0), scale=1)
    assert image.shape[0] == 2 + 5 * (32 + 2)


def test_scene_grid_shows_at_most_count_scenes():
    def width(batch, count):
        return grids.scene_grid(_scene(batch), count, scale=1).shape[1]

    assert width(5, 2) == width(2, 8)  # the margin for the names is the same
    assert width(5, 3) - width(5, 2) == 32 + 2


@pytest.mark.parametrize(("size", "shown"), [(8, 96), (32, 96), (128, 128)])
def test_small_pictures_are_enlarged_to_about_96_pixels(size, shown):
    image = grids.scene_grid(_scene(batch=1, size=size))
    assert image.shape[0] == 2 + 4 * (shown + 2)


def test_prediction_grid_cuts_out_over_mid_grey():
    images = np.full([2, 32, 32, 3], 1.0, np.float32)
    masks = np.zeros([2, 32, 32, 1], np.float32)
    masks[0] = 1  # the last column has an empty mask
    truth = np.ones([2, 32, 32, 1], bool)
    without = grids.prediction_grid(images, masks)
    assert _row_values(without, num_rows=3) == [255, 0, 128]
    image = grids.prediction_grid(images, masks, truth)
    assert _row_values(image, num_rows=4) == [255, 0, 255, 128]
    full = grids.prediction_grid(images, masks[::-1], truth)
    assert _row_values(full, num_rows=4) == [255, 255, 255, 255]


def test_labelled_writes_each_name_beside_its_row_and_keeps_the_grid():
    image = grids.grid([_strip(7, size=40)] * 3)
    result = grids.labelled(image, ["top", "", "bottom row"])
    margin = result.shape[1] - image.shape[1]
    assert margin > 0 and result.shape[0] == image.shape[0]
    np.testing.assert_array_equal(result[:, margin:], image)
    has_ink = [part.min() < 128 for part in np.array_split(result[:, :margin], 3)]
    assert has_ink == [True, False, True]


def test_titled_writes_above_and_below_and_keeps_the_picture():
    red = np.array([200, 0, 0], np.uint8)  # Of which text has none.
    image = np.tile(red, [30, 40, 1])
    result = grids.titled(image, "A title", "what a row is, said at some length")
    (top, *_), (left, *_) = np.nonzero((result == red).all(axis=-1))
    np.testing.assert_array_equal(result[top : top + 30, left : left + 40], image)
    above, below = result[:top], result[top + 30 :]
    assert above.min() < 128 and below.min() < 128  # Ink.
    # Wider than the picture, and not cut off: white at the right.
    assert result.shape[1] > 40 and result[:, -1].min() == 255
    assert grids.titled(image, "A title").shape[0] == top + 30


def test_save_png_can_be_read_back_and_leaves_nothing_else(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, [5, 7, 3], np.uint8)
    path = tmp_path / "new" / "grid.png"
    save_png(path, np.zeros_like(image))
    save_png(str(path), image)  # replaces
    np.testing.assert_array_equal(np.asarray(Image.open(path)), image)
    assert os.listdir(path.parent) == ["grid.png"]


def test_interrupted_save_png_keeps_the_old_picture(tmp_path, monkeypatch):
    image = np.full([2, 2, 3], 9, np.uint8)
    path = tmp_path / "grid.png"
    save_png(path, image)

    def half_write(self, file, **options):
        with open(file, "wb") as f:
            f.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", half_write)
    with pytest.raises(OSError, match="disk full"):
        save_png(path, np.zeros_like(image))
    monkeypatch.undo()
    np.testing.assert_array_equal(np.asarray(Image.open(path)), image)
    assert os.listdir(tmp_path) == ["grid.png"]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
