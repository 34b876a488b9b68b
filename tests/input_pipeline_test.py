"""Tests of `tfcomgan.data.input_pipeline`: what is read, and the order it is fed in."""

import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.data import input_pipeline, scenes
from tfcomgan.data.input_pipeline import InputSettings
from tfcomgan.errors import UserError

SIZE = 32


def _pictures(count, size=SIZE, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, [count, size, size, 3], np.uint8)


def _batches(images, *, batch_size, steps, start=0, seed=0, **settings):
    """The batches of a training, as NumPy."""
    dataset = input_pipeline.training_batches(
        images,
        InputSettings(**dict(image_size=SIZE, flip=False) | settings),
        batch_size=batch_size,
        seed=seed,
        start=start,
        steps=steps,
    )
    return list(dataset.as_numpy_iterator())


def _uint8(images):
    return np.rint((images + 1) * 127.5).astype(np.uint8)


def _order(count, **options):
    """Which of `count` pictures is shown when; picture i is a pixel of value i."""
    images = np.repeat(np.arange(count, dtype=np.uint8), 3).reshape(count, 1, 1, 3)
    batches = _batches(images, image_size=1, **options)
    return _uint8(np.concatenate([b["image"] for b in batches]))[:, 0, 0, 0]


# Training batches.


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


# Reading a split.


@pytest.fixture(scope="module")
def scenes_source():
    return scenes.ScenesSource(image_size=SIZE, num_train=6, num_test=3)


@pytest.fixture
def scenes_builder(scenes_source, tmp_path):
    return scenes_source.prepare(tmp_path)


def _load(builder, adapt=lambda example: example, split="train", **options):
    options = dict(crop="center", size=SIZE, with_masks=True) | options
    return input_pipeline.load(builder, adapt, split, **options)


def _fake_builder(*examples, splits=("train",)):
    """As much of a builder as `load` uses, with pictures of any size."""
    spec = {
        "image": tf.TensorSpec([None, None, 3], tf.uint8),
        "mask": tf.TensorSpec([None, None, 1], tf.uint8),
        "box": tf.TensorSpec([4], tf.float32),
        "file_name": tf.TensorSpec([], tf.string),
    }
    examples = [
        {"file_name": f"{i}", "box": np.zeros(4, np.float32)} | e
        for i, e in enumerate(examples)
    ]
    return types.SimpleNamespace(
        name="fake",
        data_dir="/nowhere",
        info=types.SimpleNamespace(splits=dict.fromkeys(splits)),
        as_dataset=lambda **_: tf.data.Dataset.from_generator(
            lambda: iter(examples), output_signature=spec
        ),
    )


def _example(height, width, seed=0, **parts):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, [height, width, 3], np.uint8)
    mask = rng.integers(0, 3, [height, width, 1], np.uint8)  # 0, or ids of objects.
    return {"image": image, "mask": mask} | parts


@pytest.mark.parametrize("split, first, count", [("train", 0, 6), ("test", 2**31, 3)])
def test_load_returns_the_painted_scenes_exactly(
    scenes_source, scenes_builder, split, first, count
):
    loaded = _load(scenes_builder, scenes_source.adapt, split)
    assert sorted(loaded.names) == [f"{split}-{i:05d}" for i in range(count)]
    assert loaded.labels is None
    for image, mask, name in zip(*loaded[:3], strict=True):
        index = first + int(name.removeprefix(f"{split}-"))
        painted = scenes.paint(image_size=SIZE, seed=0, index=index)
        np.testing.assert_array_equal(image, painted[0])
        np.testing.assert_array_equal(mask, painted[1])


def test_load_keeps_one_order_and_needs_no_masks(scenes_source, scenes_builder):
    first = _load(scenes_builder, scenes_source.adapt)
    again = _load(
        scenes_builder,
        lambda e: {k: e[k] for k in ("image", "file_name")},
        with_masks=False,
    )
    assert again.masks is None and again.names == first.names
    np.testing.assert_array_equal(again.images, first.images)


@pytest.mark.parametrize(
    "height, width, window",
    [
        (32, 50, np.s_[:, 9:41]),  # (50 - 32) / 2 = 9.
        (45, 32, np.s_[6:38, :]),  # (45 - 32) // 2 = 6.
    ],
)
def test_center_crop_is_the_largest_centred_square(height, width, window):
    example = _example(height, width)
    loaded = _load(_fake_builder(example))
    np.testing.assert_array_equal(loaded.images[0], example["image"][window])
    np.testing.assert_array_equal(loaded.masks[0], example["mask"][window] > 0)


def _box(top, left, bottom, right, *, height, width):
    return np.array([top / height, left / width, bottom / height, right / width], "f4")


@pytest.mark.parametrize(
    "box, window",
    [
        # Longer side 22: half of the window int(0.75 * 22) = 16, about (30, 41).
        ((22, 30, 38, 52), np.s_[14:46, 25:57]),
        # About (16, 17), then cut at the top: rows 0 to 32 from a centre at 16.
        ((8, 6, 24, 28), np.s_[0:32, 1:33]),
        # About (49, 73); half 30, cut at the bottom and right: 51 x 57 remains.
        ((40, 53, 58, 93), np.s_[19:70, 43:100]),
    ],
)
def test_box_crop_is_a_square_of_one_and_a_half_boxes_cut_at_the_edges(box, window):
    example = _example(70, 100, box=_box(*box, height=70, width=100))
    cut = example["image"][window]
    loaded = _load(_fake_builder(example), crop="box", size=SIZE)
    if cut.shape[:2] == (SIZE, SIZE):
        np.testing.assert_array_equal(loaded.images[0], cut)
        np.testing.assert_array_equal(loaded.masks[0], example["mask"][window] > 0)
    else:  # Resized: the same as that window alone.
        alone = tf.image.resize(cut, [SIZE, SIZE], antialias=True)
        np.testing.assert_allclose(loaded.images[0], alone, atol=0.5001)


def test_box_crop_agrees_with_the_release_for_any_box_in_pixels():
    # FineGAN: r = int(0.75 max(w, h)), centre = int((2 x + w) / 2), cut at the edges.
    rng = np.random.default_rng(0)
    for _ in range(300):
        height, width = rng.integers(40, 500, 2)
        (top, bottom), (left, right) = (
            np.sort(rng.choice(n + 1, 2, replace=False)) for n in (height, width)
        )
        half = int(0.75 * max(bottom - top, right - left))
        y, x = int((top + bottom) / 2), int((left + right) / 2)
        top_left = max(0, y - half), max(0, x - half)
        bottom_right = min(height, y + half), min(width, x + half)
        expected = (*top_left, *np.subtract(bottom_right, top_left))
        box = _box(top, left, bottom, right, height=height, width=width)
        square = input_pipeline._square((height, width), tf.constant(box), "box")
        assert tuple(int(v) for v in square) == expected


def _halve(array):
    """Antialiased halving: a triangle of radius 2 pixels weighs 1, 3, 3, 1."""
    for axis in (0, 1):
        size = array.shape[axis]
        centres = 2 * np.arange(size // 2)[:, None] + 1
        distance = np.abs(np.arange(size) + 0.5 - centres)
        weights = np.maximum(0, 1 - distance / 2)
        weights /= weights.sum(axis=1, keepdims=True)  # Less falls on it at the edges.
        array = np.moveaxis(np.tensordot(weights, array, (1, axis)), 0, axis)
    return array


def test_resized_pictures_are_antialiased_and_rounded():
    example = _example(2 * SIZE, 2 * SIZE)
    loaded = _load(_fake_builder(example))
    expected = _halve(example["image"].astype(np.float64))
    np.testing.assert_allclose(loaded.images[0], expected, atol=0.5001)


def test_resized_mask_is_1_where_at_least_half_is_covered():
    example = _example(2 * SIZE, 2 * SIZE)
    # Column 16 of the result sees columns 31 to 34 with weights 1, 3, 3, 1: a half.
    example["mask"][:, 31:33] = 0
    example["mask"][:, 33:35] = 2
    loaded = _load(_fake_builder(example))
    coverage = _halve((example["mask"] > 0).astype(np.float64))
    is_tie = np.abs(coverage - 0.5) < 1e-6
    assert np.all(is_tie[:, 16])
    np.testing.assert_array_equal(loaded.masks[0][~is_tie], coverage[~is_tie] > 0.5)
    np.testing.assert_array_equal(loaded.masks[0][:, 16], 1)


@pytest.mark.parametrize(
    "missing, options", [("mask", {}), ("box", {"crop": "box", "with_masks": False})]
)
def test_missing_annotation_is_a_user_error(missing, options):
    builder = _fake_builder(_example(SIZE, SIZE))

    def adapt(example):
        return {k: v for k, v in example.items() if k != missing}

    with pytest.raises(UserError) as caught:
        _load(builder, adapt, **options)
    assert str(caught.value) == f"`fake` has no {missing} in its examples."


def test_unknown_split_is_a_user_error_that_lists_the_known():
    builder = _fake_builder(splits=("train", "test"))
    with pytest.raises(UserError, match="`fake` has no split 'val'.*train, test"):
        _load(builder, split="val")


def test_empty_split_is_a_user_error():
    with pytest.raises(UserError, match="Split 'train' of `fake` holds no pictures"):
        _load(_fake_builder())


def _cut(content):
    return content[:-50]


def _alter(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def _empty(content):
    return b""


@pytest.mark.parametrize("damage", [_cut, _alter, _empty])
def test_damaged_record_file_is_a_user_error_that_names_the_folder(
    scenes_source, scenes_builder, damage
):
    (file,) = scenes_builder.data_path.glob("*train.tfrecord*")
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError) as caught:
        _load(scenes_builder, scenes_source.adapt)
    assert f"Delete the folder {scenes_builder.data_dir}" in str(caught.value)
    assert len(_load(scenes_builder, scenes_source.adapt, "test").images) == 3


def test_missing_record_file_is_a_user_error_and_deleting_the_folder_helps(
    scenes_source, tmp_path
):
    builder = scenes_source.prepare(tmp_path)
    (file,) = builder.data_path.glob("*train.tfrecord*")
    file.unlink()
    with pytest.raises(UserError, match="damaged"):
        _load(builder, scenes_source.adapt)
    tf.io.gfile.rmtree(builder.data_dir)
    anew = scenes_source.prepare(tmp_path)
    assert len(_load(anew, scenes_source.adapt).images) == 6


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
