"""Masks at the photo's own size: edges, averages over a flip, thresholds, colours."""

import sys

import cv2
import numpy as np
import pytest

from tfcomgan.metrics import boundary
from tfcomgan.photos import edges, foreground
from tfcomgan.photos.edges import Choices

SIZE = 16  # Of the network.


def _scene(height=320, width=400, seed=0):
    """A photo of an orange ellipse on dull green, and its true mask, bool [H,W]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    truth = ((x - 190) / 110) ** 2 + ((y - 160) / 90) ** 2 < 1
    image = np.where(truth[..., None], [220, 120, 40], [70, 110, 90])
    image = image + rng.normal(0, 6, [height, width, 1])
    return np.clip(image, 0, 255).astype(np.uint8), truth


def _segmenter(image):
    """Orange is object: a probability at SIZE pixels, enlarged, as a network gives it."""
    height, width = image.shape[1:3]
    scale = SIZE / min(height, width)
    size = (round(width * scale), round(height * scale))
    small = cv2.resize(image[0], size, interpolation=cv2.INTER_AREA).astype(float)
    probability = 1 / (1 + np.exp(-(small[..., 0] - 145) / 20))
    return cv2.resize(probability, (width, height))[None, ..., None].astype(np.float32)


def _iou(found, truth):
    return (found & truth).sum() / (found | truth).sum()


@pytest.mark.parametrize("method", ["grabcut", "guided"])
def test_mask_is_drawn_to_the_edge_and_is_sure_elsewhere(method):
    image, truth = _scene()
    alpha = edges.opacity(_segmenter, SIZE, image, Choices(method))
    served = _segmenter(image[None])[0, ..., 0] >= 0.5
    assert alpha.shape == (*truth.shape, 1) and alpha.dtype == np.float32
    assert alpha.min() == 0 and alpha.max() == 1
    found = alpha[..., 0] >= 0.5
    assert boundary.f_score(served, truth, 2) < 0.7 < 0.98
    assert boundary.f_score(found, truth, 2) > 0.98
    assert _iou(found, truth) > 0.98 > _iou(served, truth)
    levels = np.rint(255 * alpha)
    assert np.mean((levels > 0) & (levels < 255)) < 0.05


@pytest.mark.parametrize(
    ("image_size", "seen"), [(32, 128), (64, 256), (128, 256), (512, 512)]
)
def test_network_is_shown_no_fewer_pixels_than_it_takes(image_size, seen):
    image = np.random.default_rng(0).integers(0, 256, [600, 620, 3], np.uint8)
    shapes = []

    def segmenter(images):
        shapes.append(images.shape)
        return np.zeros([*images.shape[:3], 1], np.float32)

    edges.opacity(segmenter, image_size, image, Choices("guided"))
    assert shapes == [(1, seen, round(seen * 620 / 600), 3)]


def test_none_is_the_mask_as_it_is_served():
    image, _ = _scene()
    found = edges.opacity(_segmenter, SIZE, image, Choices("none"))
    np.testing.assert_array_equal(found, _segmenter(image[None])[0])


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (16, 16), (40, 33)])
@pytest.mark.parametrize("method", edges.METHODS)
def test_photos_smaller_than_a_small_copy_are_taken(method, shape):
    image = np.random.default_rng(1).integers(0, 256, [*shape, 3], np.uint8)
    seen = []

    def segmenter(images):
        seen.append(images)
        return images[..., :1] / np.float32(255)

    alpha = edges.opacity(segmenter, SIZE, image, Choices(method))
    assert alpha.shape == (*shape, 1) and 0 <= alpha.min() <= alpha.max() <= 1
    np.testing.assert_array_equal(seen[0], image[None])


@pytest.mark.parametrize(
    ("photo", "seen_by_grabcut"),
    [
        ((SIZE, SIZE), (64, 64)),  # Four pixels to one of the network,
        ((320, 400), (64, 80)),
        ((40, 80), (40, 80)),  # or as many as a whole number gives,
        ((20, 30), (60, 90)),
        ((5, 20), (20, 80)),  # but no more than four to one of the photo.
    ],
)
def test_edges_are_sought_on_four_pixels_to_one_of_the_network(
    photo, seen_by_grabcut, monkeypatch
):
    shapes = []

    def grabcut(image, mask, **_):
        shapes.append(image.shape)
        assert mask.shape == (*image.shape[:2], 1)
        return (mask > 0.5).astype(np.float32)

    monkeypatch.setattr(edges.refining, "grabcut", grabcut)
    image = _scene()[0][: photo[0], : photo[1]]
    found = edges.opacity(_segmenter, SIZE, image, Choices())
    assert shapes == [(*seen_by_grabcut, 3)] and found.shape == (*photo, 1)


def test_a_photo_of_few_pixels_is_the_better_drawn_for_being_enlarged(monkeypatch):
    """A disc in noise, its mask three pixels off; opacity is how much of a pixel it covers."""
    y, x = np.mgrid[:128, :128]
    truth = (np.hypot(x - 64, y - 60) < 37)[..., None]
    share = cv2.resize(truth.astype(np.float32), (32, 32), interpolation=cv2.INTER_AREA)
    colours = share[..., None] * [200, 120, 60] + (1 - share[..., None]) * [90, 110, 90]
    noise = np.random.default_rng(0).normal(0, 60, [32, 32, 3])
    photo = np.clip(colours + noise, 0, 255).astype(np.uint8)
    mask = cv2.GaussianBlur(np.roll(share, 3, axis=1), (0, 0), 3)[..., None]

    def error():
        return np.abs(edges.draw(photo, mask, 64, "grabcut")[..., 0] - share).mean()

    enlarged = error()
    monkeypatch.setattr(edges, "_ENLARGED", 1)
    assert enlarged < 0.75 * error()


@pytest.mark.parametrize("shape", [(60, 8000), (8000, 60), (2, 300_000)])
def test_a_long_thin_photo_is_not_enlarged_beyond_its_share_of_memory(
    shape, monkeypatch
):
    seen = []
    monkeypatch.setattr(
        edges.refining, "guided_lines", lambda i, *_: seen.append(i) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        photo = np.zeros([*shape, 3], np.uint8)
        edges.draw(photo, np.zeros([*shape, 1], np.float32), 256, "guided")
    height, width = seen[0].shape[:2]
    assert height * width <= max(1.01 * 2**19, shape[0] * shape[1])
    assert abs(np.log(height / width * shape[1] / shape[0])) < 0.1


def test_many_small_pictures_are_drawn_as_each_by_itself():
    images = np.stack(
        [np.roll(_scene(320, 320, k)[0][::20, ::20], 2 * k, axis=1) for k in range(3)]
    )
    masks = np.concatenate([_segmenter(image[None]) for image in images])
    masks = np.roll(masks, 1, axis=2)
    choices = Choices(threshold=0.4)
    found = edges.opacities(images, masks, choices)
    for one, image, mask in zip(found, images, masks, strict=True):
        alone = edges.opacity(lambda _, m=mask: m[None], SIZE, image, choices)
        np.testing.assert_array_equal(one, alone)
        assert np.any(one != (mask >= 0.4)) and set(np.unique(one)) == {0, 1}
    assert np.any(found[0] != found[1]) and np.any(found[1] != found[2])


def test_cut_that_is_not_the_mask_is_not_believed():
    """A mask of half of a picture without edges: GrabCut finds nothing there."""
    rng = np.random.default_rng(0)
    image = rng.integers(100, 104, [64, 64, 3], np.uint8)
    mask = np.zeros([64, 64, 1], np.float32)
    mask[20:44, 20:44] = 0.8

    def cut(method):
        return edges.draw(image, mask, 64, method)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edges.refining, "grabcut", lambda *_, **__: np.zeros_like(mask))
        np.testing.assert_array_equal(cut("grabcut"), cut("guided"))
        assert cut("guided")[30, 30] > 0.9


def test_average_is_the_mean_over_the_photo_and_its_mirror_image():
    image, _ = _scene()
    ramp = np.linspace(0, 1, image.shape[1], dtype=np.float32)[None, None, :, None]

    def segmenter(images):  # Blind, and sure of what is on the right.
        return np.broadcast_to(ramp, (*images.shape[:3], 1))

    found = edges.opacity(segmenter, SIZE, image, Choices("none", average=True))
    np.testing.assert_allclose(found, 0.5, atol=1e-6)


def test_threshold_makes_a_mask_of_zeros_and_ones_and_invert_turns_it():
    image, _ = _scene()
    served = _segmenter(image[None])[0]
    for threshold in (0.2, 0.5, 0.9):
        choices = Choices("none", threshold=threshold)
        found = edges.opacity(_segmenter, SIZE, image, choices)
        # At the threshold itself, rounding decides.
        clear = np.abs(served - threshold) > 1e-5
        np.testing.assert_array_equal(found[clear], served[clear] >= threshold)
    turned = edges.opacity(_segmenter, SIZE, image, Choices("none", invert=True))
    np.testing.assert_allclose(turned, 1 - served, atol=1e-6)


def test_threshold_moves_the_edge_that_is_drawn():
    """A faint second disc, of probability 0.3, is object where 0.2 is asked."""
    image = np.full([128, 128, 3], 90, np.uint8)
    image[20:60, 20:60] = [230, 60, 40]
    image[70:110, 70:110] = [40, 60, 230]
    mask = np.full([1, 128, 128, 1], 0.01, np.float32)
    mask[:, 20:60, 20:60], mask[:, 70:110, 70:110] = 0.9, 0.3
    for threshold, expected in ((0.5, 0), (0.2, 1)):
        choices = Choices("guided", threshold=threshold)
        found = edges.opacity(lambda _: mask, 32, image, choices)
        assert set(np.unique(found)) == {0, 1}
        assert found[40, 40] == 1 and found[90, 90] == expected


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (Choices("sharp"), "`refine` must be one of grabcut, guided, none. .* 'sharp'"),
        (Choices(threshold=0.0), "`threshold` must lie between 0 and 1. Received: 0.0"),
        (Choices(threshold=1.0), "`threshold`"),
        (Choices(threshold=float("nan")), "`threshold`"),
    ],
)
def test_choice_that_is_none_is_named(choices, message):
    with pytest.raises(ValueError, match=message):
        edges.opacity(_segmenter, SIZE, _scene()[0], choices)


# The object's colours.


def _mixed():
    """A soft-edged red disc on blue: the photo, its alpha, and the disc's colours."""
    y, x = np.mgrid[:200, :240]
    alpha = np.clip(8 - np.hypot(x - 120, y - 100) / 8, 0, 1).astype(np.float32)
    true = np.stack([200 + 0.1 * x, 40 + 0.1 * y, 30 + 0 * x], axis=-1)
    ground = np.stack([30 + 0 * x, 60 + 0.2 * y, 160 + 0.2 * x], axis=-1)
    photo = alpha[..., None] * true + (1 - alpha[..., None]) * ground
    return np.rint(photo).astype(np.uint8), alpha[..., None], true


def test_colours_at_a_soft_edge_are_the_objects_own():
    photo, alpha, true = _mixed()
    found = foreground.colours(photo, alpha).astype(float)
    seen = (alpha[..., 0] > 0.1) & (alpha[..., 0] < 1)

    def error(colours):
        return np.abs(colours - true)[seen].mean()

    assert error(found) < error(photo.astype(float)) / 8


def test_no_halo_stays_on_another_ground():
    photo, alpha, true = _mixed()
    cut = foreground.cutout(photo, alpha).astype(float)
    share = cut[..., 3:] / 255
    for ground in ([255, 255, 255], [0, 0, 0], [255, 0, 255]):
        shown = share * cut[..., :3] + (1 - share) * ground
        wanted = alpha * true + (1 - alpha) * ground
        halo = alpha * photo + (1 - alpha) * ground
        soft = (alpha[..., 0] > 0) & (alpha[..., 0] < 1)
        worst = np.abs(halo - wanted)[soft].max()
        assert worst > 25 and np.abs(shown - wanted)[soft].max() < worst / 3


def test_opaque_pixels_are_the_photos_and_clear_ones_black():
    photo, alpha, _ = _mixed()
    found = foreground.cutout(photo, alpha)
    whole, clear = alpha[..., 0] == 1, alpha[..., 0] == 0
    np.testing.assert_array_equal(found[whole][:, :3], photo[whole])
    assert not found[clear].any()
    np.testing.assert_array_equal(found[..., 3], np.rint(255 * alpha[..., 0]))


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_colours_of_a_constant_alpha_are_the_photos(level):
    photo = np.random.default_rng(0).integers(0, 256, [5, 7, 3], np.uint8)
    found = foreground.colours(photo, np.full([5, 7, 1], level, np.float32))
    if level != 0.5:
        np.testing.assert_array_equal(found, photo * level)
    assert found.shape == photo.shape


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
