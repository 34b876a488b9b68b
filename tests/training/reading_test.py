"""Tests of `tfcomgan.data.reading`: what is read of a split."""

import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.data import reading, scenes
from tfcomgan.errors import UserError

SIZE = 32


@pytest.fixture(scope="module")
def scenes_source():
    return scenes.ScenesSource(image_size=SIZE, num_train=6, num_test=3)


@pytest.fixture
def scenes_builder(scenes_source, tmp_path):
    return scenes_source.prepare(tmp_path)


def _load(builder, adapt=lambda example: example, split="train", **options):
    options = dict(crop="center", size=SIZE, with_masks=True) | options
    return reading.load(builder, adapt, reading.View(split, **options))


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
        square = reading.square((height, width), tf.constant(box), "box")
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
