"""Tests of `tfcomgan.data.scored_folder`: what is scored and never learned."""

import pathlib
import sys

import numpy as np
import pytest
from PIL import Image

from tfcomgan.data import scored_folder
from tfcomgan.errors import UserError


def _save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def flowers(tmp_path) -> pathlib.Path:
    """Five pictures of 16 x 20 pixels, numbered from 1, with masks; 4 is in a folder."""
    root = tmp_path / "My_flowers 17"
    for i in range(1, 6):
        name = f"more/image_{i:04d}" if i == 4 else f"image_{i:04d}"
        rng = np.random.default_rng(i)
        _save(root / f"images/{name}.png", rng.integers(0, 256, [16, 20, 3], np.uint8))
        _save(root / f"masks/{name}.png", _mask(i))
    return root


def _mask(seed):
    return np.uint8(255) * np.random.default_rng(seed + 99).integers(
        0, 2, [16, 20], np.uint8
    )


def _load(root, part="all", **options):
    options = dict(crop="center", size=16, place=root.parent / "squares") | options
    return scored_folder.load(str(root), part, **options)


def test_pictures_and_masks_are_the_centred_squares(flowers):
    found = _load(flowers)
    assert found.name == "My-flowers-17" and found.known is None
    names = [f"images/image_{i:04d}.png" for i in (1, 2, 3, 5)]
    assert found.examples.names == [*names, "images/more/image_0004.png"]
    for name, image, mask in zip(
        found.examples.names, found.examples.images, found.examples.masks, strict=True
    ):
        number = int(name[-5])
        with Image.open(flowers / name) as picture:
            np.testing.assert_array_equal(image, np.asarray(picture)[:, 2:18])
        np.testing.assert_array_equal(mask[..., 0], _mask(number)[:, 2:18] > 0)


def test_half_of_the_size_takes_means_and_halves(flowers):
    found = _load(flowers, size=8)
    image = np.asarray(Image.open(flowers / "images/image_0001.png"))[:, 2:18]
    mask = _mask(1)[:, 2:18] / 255
    share = mask.reshape(8, 2, 8, 2).mean(axis=(1, 3))
    inside = found.examples.masks[0, 1:-1, 1:-1, 0]
    # TensorFlow's antialiasing is a triangle two output pixels wide, so shares near a
    # half may fall either way; where all four pixels and their neighbours agree, none.
    wide = np.stack([np.roll(share, s, axis=a) for a in (0, 1) for s in (-1, 0, 1)])
    sure = np.all((wide == 0) | (wide == 1), axis=0)[1:-1, 1:-1]
    np.testing.assert_array_equal(inside[sure], (share >= 0.5)[1:-1, 1:-1][sure])
    assert found.examples.images.shape == (5, 8, 8, 3)
    assert abs(found.examples.images[0].mean() - image.mean()) < 4


@pytest.mark.parametrize(("part", "numbers"), [("odd", (1, 3, 5)), ("even", (2, 4))])
def test_parity_is_that_of_the_last_number_in_the_name(flowers, part, numbers):
    found = _load(flowers, part)
    assert found.name == f"My-flowers-17-{part}"
    assert sorted(int(name[-5]) for name in found.examples.names) == list(numbers)


def test_a_file_of_names_chooses(flowers, tmp_path):
    chosen = tmp_path / "my_list.txt"
    chosen.write_text("more/image_0004.png\n\nimage_0002.png\n")
    found = _load(flowers, str(chosen))
    assert found.name == "My-flowers-17-my-list"
    assert [int(name[-5]) for name in found.examples.names] == [2, 4]


def test_a_file_of_names_may_begin_with_a_mark_of_its_encoding(flowers, tmp_path):
    (tmp_path / "list.txt").write_text("image_0002.png\n", encoding="utf-8-sig")
    (name,) = _load(flowers, str(tmp_path / "list.txt")).examples.names
    assert name == "images/image_0002.png"


def test_a_file_of_names_in_latin_1_is_named_with_a_way_out(flowers, tmp_path):
    (tmp_path / "list.txt").write_text("k\u00e4fer.png\n", encoding="latin-1")
    with pytest.raises(UserError, match="list.txt is no text in UTF-8.*Save it as"):
        _load(flowers, str(tmp_path / "list.txt"))


def test_what_is_open_is_told_apart(flowers):
    for path in (flowers / "masks").rglob("*.png"):
        open_at = np.zeros([16, 20], np.uint8)
        open_at[:5] = 255
        _save(flowers / "unknown" / path.relative_to(flowers / "masks"), open_at)
    known = _load(flowers).known
    assert known.shape == (5, 16, 16, 1)
    assert not known[:, :5].any() and known[:, 5:].all()


def test_content_changes_with_what_is_scored_alone(flowers):
    def contents():
        return [scored_folder.content(str(flowers), part) for part in ("odd", "even")]

    before = contents()
    assert before[0] != before[1] and contents() == before
    _save(flowers / "masks/image_0001.png", 255 - _mask(1))
    assert contents() != before


@pytest.mark.parametrize(
    ("change", "part", "message"),
    [
        (lambda root: root.rename(root.with_name("gone")), "all", "images and masks"),
        (lambda root: (root / "masks/image_0002.png").unlink(), "all", "image_0002"),
        (lambda root: (root / "masks/image_0002.png").unlink(), "even", "image_0002"),
        (lambda root: None, "third", "'all', 'even', 'odd' or a file"),
        (
            lambda root: (root / "images/image_0001.png").rename(root / "images/a.png"),
            "odd",
            "numbers in the names of the pictures. Received: images/a.png",
        ),
        (
            lambda root: _save(root / "unknown/a.png", _mask(1)),
            "all",
            "image_0001.png",
        ),
        (
            lambda root: (root / "list").write_text("image_0009.png"),
            "list",
            "does not have: image_0009.png",
        ),
    ],
)
def test_what_cannot_be_scored_is_refused(flowers, change, part, message):
    change(flowers)
    part = str(flowers / "list") if part == "list" else part
    with pytest.raises(UserError, match=message):
        _load(flowers, part)


def test_boxes_are_not_there_to_crop_by(flowers):
    with pytest.raises(UserError, match="no boxes to crop by"):
        _load(flowers, crop="box")


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
