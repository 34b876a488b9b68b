"""Photos kept, cut out, and laid on grounds."""

import sys

import numpy as np
import odd_pictures
import pytest
from picture_bytes import encode
from PIL import Image

from tfcomgan.errors import UserError
from tfcomgan.photos.edges import Choices
from tfcomgan.studio import album
from tfcomgan.studio.cutouts import Scissors


def _bright(images):
    """A segmenter that finds what is bright."""
    return (images.mean(-1, keepdims=True) / 255).astype(np.float32)


def _photo() -> np.ndarray:
    """A bright square on a dark ground."""
    image = np.full([60, 80, 3], 10, np.uint8)
    image[20:40, 30:60] = [250, 240, 230]
    return image


def test_a_cut_is_of_the_photos_size_and_the_object_stands_on_the_ground():
    scissors, image = Scissors(_bright, 32), _photo()
    magenta = np.array([255, 0, 255], np.uint8)
    cut = scissors.cut(image, Choices(threshold=0.5), magenta)
    truth = np.zeros([60, 80], bool)
    truth[20:40, 30:60] = True
    np.testing.assert_array_equal(cut.mask, 255 * truth)
    np.testing.assert_array_equal(cut.cutout[..., 3], 255 * truth)
    np.testing.assert_array_equal(cut.composed[truth], image[truth])
    assert np.all(cut.composed[~truth] == magenta)


def test_soft_edges_mix_object_and_ground_by_the_mask():
    scissors = Scissors(_bright, 32)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, [40, 40, 3], np.uint8)
    cut = scissors.cut(image, Choices("none"), np.array([0, 90, 180], np.uint8))
    alpha = cut.mask[..., None] / 255
    mixed = alpha * cut.cutout[..., :3] + (1 - alpha) * [0, 90, 180]
    np.testing.assert_allclose(cut.composed, mixed, atol=1)  # Rounding.


def test_a_painted_ground_covers_a_photo_of_another_shape():
    # Left half black, right half white; of a wide photo the middle rows are used.
    ground = np.zeros([8, 8, 3], np.uint8)
    ground[:, 4:] = 255
    dark = np.zeros([50, 100, 3], np.uint8)
    composed = Scissors(_bright, 32).cut(dark, Choices("none"), ground).composed
    assert composed.shape == (50, 100, 3)
    assert composed[:, :30].max() < 20 and composed[:, 70:].min() > 235


def test_a_photo_is_kept_by_a_name_of_its_own_and_no_file_stays(tmp_path):
    kept = album.Album(tmp_path, 10**6)
    names = []
    for value in (1, 2):
        name, photo = kept.add(encode(np.full([30, 40, 3], value, np.uint8)))
        names.append(name)
        np.testing.assert_array_equal(kept.get(name).image, photo.image)
        assert np.all(photo.image == value)
    assert names[0] != names[1] and all(len(name) > 20 for name in names)
    assert not list(tmp_path.iterdir())
    with pytest.raises(album.Gone):
        kept.get("another")


def test_photos_stand_upright_and_the_page_gets_a_small_copy(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # A quarter turn.
    file = encode(Image.new("RGB", (1500, 3000)), "JPEG", exif=exif)
    _, photo = album.Album(tmp_path, 10**7).add(file)
    assert photo.image.shape == (1500, 3000, 3)
    assert photo.shown.shape == (album.SHOWN // 2, album.SHOWN, 3)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        (b"no picture", "in no format that Pillow reads"),
        (encode(_photo())[:-40], "cannot be read as a picture: "),
        (encode(np.zeros([1001, 1000, 3], np.uint8)), "1 megapixels, and the page"),
        (odd_pictures.png_of_size(200_000, 200_000), "megapixels"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "in no format"),
    ],
)
def test_what_is_no_photo_is_refused_without_a_path_and_no_file_stays(
    tmp_path, content, sentence
):
    kept = album.Album(tmp_path, 10**6)
    with pytest.raises(UserError, match=sentence) as caught:
        kept.add(content)
    assert str(tmp_path) not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_was_not_looked_at_for_longest_goes_first(tmp_path):
    # Of photos with 600 pixels at most, two are kept: 1,200 pixels.
    kept = album.Album(tmp_path, 600)
    names = [kept.add(encode(np.zeros([20, 30, 3], np.uint8)))[0] for _ in range(2)]
    kept.get(names[0])
    names.append(kept.add(encode(np.zeros([20, 30, 3], np.uint8)))[0])
    kept.get(names[0]), kept.get(names[2])
    with pytest.raises(album.Gone):
        kept.get(names[1])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
