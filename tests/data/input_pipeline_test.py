"""Tests of `tfcomgan.data.input_pipeline`: the order in which pictures are fed."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.data import input_pipeline
from tfcomgan.data.input_pipeline import InputSettings
from tfcomgan.data.shares import WHOLE, Share

SIZE = 32


def _pictures(count, size=SIZE, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, [count, size, size, 3], np.uint8)


def _batches(
    images, *, batch_size, steps, start=0, seed=0, masks=None, share=WHOLE, **settings
):
    """The batches of a training, as NumPy."""
    dataset = input_pipeline.training_batches(
        images,
        InputSettings(**dict(image_size=SIZE, flip=False) | settings),
        batch_size=batch_size,
        seed=seed,
        start=start,
        steps=steps,
        masks=masks,
        share=share,
    )
    return list(dataset.as_numpy_iterator())


def _uint8(images):
    return np.rint((images + 1) * 127.5).astype(np.uint8)


def _order(count, **options):
    """Which of `count` pictures is shown when; picture i is a pixel of value i."""
    images = np.repeat(np.arange(count, dtype=np.uint8), 3).reshape(count, 1, 1, 3)
    batches = _batches(images, image_size=1, **options)
    return _uint8(np.concatenate([b["image"] for b in batches]))[:, 0, 0, 0]


@pytest.mark.parametrize("count, batch_size", [(12, 4), (7, 4), (3, 8), (1, 4)])
def test_each_epoch_shows_every_picture_once(count, batch_size):
    # Where the batch does not divide the pictures, epochs meet inside a batch.
    order = _order(count, batch_size=batch_size, steps=2 * count)
    assert len(order) == 2 * batch_size * count
    for epoch in np.split(order, 2 * batch_size):
        np.testing.assert_array_equal(np.sort(epoch), np.arange(count))


def test_epochs_and_seeds_have_their_own_order():
    epochs = np.split(_order(40, batch_size=40, steps=3), 3)
    other = _order(40, batch_size=40, steps=1, seed=1)
    assert len({order.tobytes() for order in (*epochs, other)}) == 4


@pytest.mark.parametrize("place", [0, 1, 4])
def test_each_place_of_an_epoch_is_uniform_over_the_pictures(place):
    order = _order(5, batch_size=50, steps=50)
    counts = np.bincount(order[place::5], minlength=5)
    # Chi-square of four degrees of freedom: P(> 33.4) = exp(-16.7) 17.7 = 1e-6.
    assert ((counts - 100) ** 2 / 100).sum() < 33.4


def test_neighbours_of_one_epoch_are_parted_in_the_next():
    # Of 200 pictures, a pair that follows in one epoch follows in another with
    # probability 1/200; 300 epochs give 299 pairs of epochs, 199 pairs each.
    order = _order(200, batch_size=200, steps=300).astype(int)
    epochs = order.reshape(300, 200)
    after = np.zeros([300, 200], int)  # Which picture follows which; -1 after the last.
    np.put_along_axis(after, epochs, np.append(epochs[:, 1:], [[-1]] * 300, axis=1), 1)
    kept = ((after[1:] == after[:-1]) & (after[1:] >= 0)).sum()
    # Poisson of mean 299 * 199 / 200 * 199 / 200 = 296; five deviations are 86.
    assert abs(kept - 296) < 86


@pytest.mark.parametrize("start", [1, 3, 5])
def test_resumed_batches_are_the_tail_of_an_unbroken_run_bit_for_bit(start):
    options = dict(batch_size=4, steps=6, margin=1.25, flip=True)
    images = _pictures(7, size=40)
    unbroken = _batches(images, **options)
    resumed = _batches(images, start=start, **options)
    assert len(resumed) == 6 - start
    for batch, expected in zip(resumed, unbroken[start:], strict=True):
        np.testing.assert_array_equal(batch["image"], expected["image"])
        np.testing.assert_array_equal(batch["position"], expected["position"])


def test_position_counts_places_over_all_batches():
    batches = _batches(_pictures(3), batch_size=4, steps=5, start=2)
    positions = np.concatenate([b["position"] for b in batches])
    assert positions.dtype == np.int64
    np.testing.assert_array_equal(positions, np.arange(8, 20))


def test_batches_have_the_shape_and_type_that_networks_take():
    dataset = input_pipeline.training_batches(
        _pictures(3, size=40),
        InputSettings(image_size=SIZE, margin=1.25),
        batch_size=4,
        seed=0,
        start=0,
        steps=1,
    )
    assert dataset.element_spec["image"] == tf.TensorSpec([4, SIZE, SIZE, 3])
    assert dataset.cardinality() == 1


@pytest.mark.parametrize("count, replicas", [(2, 1), (2, 2), (3, 1), (1, 4)])
def test_shares_of_hosts_and_their_replicas_join_to_the_whole_batches(count, replicas):
    images = _pictures(7, size=40)
    masks = _pictures(7, size=40, seed=1)[..., :1]
    options = dict(batch_size=12, steps=3, masks=masks, margin=1.25, flip=True)
    whole = _batches(images, **options)
    parts = [
        _batches(images, share=Share(i, count, replicas), **options)
        for i in range(count)
    ]
    for step, batch in enumerate(whole):
        for name, values in batch.items():
            # Host after host; on each, replica after replica.
            joined = [
                part[step * replicas + i][name]
                for part in parts
                for i in range(replicas)
            ]
            assert {len(values) for values in joined} == {12 // count // replicas}
            np.testing.assert_array_equal(np.concatenate(joined), values)


def test_about_half_of_the_pictures_is_mirrored_and_the_rest_untouched():
    images = _pictures(1)
    shown = np.concatenate(
        [b["image"] for b in _batches(images, batch_size=50, steps=8, flip=True)]
    )
    is_same = np.all(_uint8(shown) == images[0], axis=(1, 2, 3))
    is_mirror = np.all(_uint8(shown) == images[0, :, ::-1], axis=(1, 2, 3))
    assert np.all(is_same ^ is_mirror)
    # 400 fair draws: five deviations are 5 * 10 = 50.
    assert abs(is_mirror.sum() - 200) < 50


def test_margin_crops_are_windows_at_every_offset():
    images = _pictures(1, size=40)
    shown = np.concatenate(
        [b["image"] for b in _batches(images, batch_size=50, steps=12, margin=1.25)]
    )
    windows = np.lib.stride_tricks.sliding_window_view(
        images[0], (SIZE, SIZE), axis=(0, 1)
    )  # [9, 9, 3, 32, 32]: a kept picture of 40 px has 9 x 9 windows of 32.
    windows = np.moveaxis(windows, 2, -1).reshape(81, SIZE, SIZE, 3)
    places = {window.tobytes(): i for i, window in enumerate(windows)}
    found = [places[image.tobytes()] for image in _uint8(shown)]
    for offsets in np.unravel_index(found, (9, 9)):
        counts = np.bincount(offsets, minlength=9)
        # 600 draws of 9 values; eight degrees of freedom: P(chi^2 > 43.8) = 6e-7.
        assert ((counts - 600 / 9) ** 2 / (600 / 9)).sum() < 43.8


def test_masks_are_cropped_and_mirrored_with_their_pictures_which_stay_the_same():
    images = _pictures(5, size=40)
    options = dict(batch_size=4, steps=5, margin=1.25, flip=True)
    alone = _batches(images, **options)
    assert "mask" not in alone[0]
    together = _batches(images, masks=images[..., 1:2], **options)
    for batch, expected in zip(together, alone, strict=True):
        np.testing.assert_array_equal(batch["image"], expected["image"])
        green = (batch["image"][..., 1:2] + 1) / 2
        np.testing.assert_allclose(batch["mask"], green, atol=2e-7)


@pytest.mark.parametrize("low", [-1, 0])
def test_scale_maps_black_to_low_and_white_to_1(low):
    values = np.arange(256, dtype=np.uint8)
    scaled = input_pipeline.scale(values, low).numpy()
    assert scaled.dtype == np.float32
    assert scaled[0] == low and scaled[-1] == 1
    expected = np.linspace(low, 1, 256)
    np.testing.assert_allclose(scaled, expected, rtol=0, atol=2e-7)


def test_training_pictures_are_scaled_from_low():
    images = _pictures(1)
    (batch,) = _batches(images, batch_size=1, steps=1, low=0)
    np.testing.assert_allclose(batch["image"], images / 255, atol=1e-7)


def test_margin_below_1_is_refused():
    with pytest.raises(ValueError, match=r"margin.*at least 1.*0\.9"):
        InputSettings(image_size=SIZE, margin=0.9)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
