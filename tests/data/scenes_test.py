"""Tests of the painted data set `scenes`."""

import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tfcomgan.data import painter, scenes

NUM_SCENES = 200


@pytest.fixture(scope="module")
def painted():
    """Images uint8 [200, 32, 32, 3] and masks bool [200, 32, 32]."""
    pairs = [scenes.paint(image_size=32, seed=0, index=i) for i in range(NUM_SCENES)]
    images, masks = map(np.stack, zip(*pairs, strict=True))
    assert images.dtype == masks.dtype == np.uint8
    assert masks.shape == (NUM_SCENES, 32, 32, 1) and set(np.unique(masks)) == {0, 1}
    return images, masks[..., 0] > 0


def iou(a, b):
    return (a & b).sum() / max((a | b).sum(), 1)


def otsu(grey):
    """Pixels above the threshold that minimises the variance within the two classes."""
    candidates = np.unique(grey)[:-1]
    within = [
        (grey > t).mean() * grey[grey > t].var()
        + (grey <= t).mean() * grey[grey <= t].var()
        for t in candidates
    ]
    return grey > candidates[np.argmin(within)]


def hand_set_scene(*, solids, ambient=0.6):
    """A plain grey ground (linear 0.4) under a lamp 45 degrees up along +x."""
    return painter.Scene(
        camera=painter.Camera(elevation=np.radians(50), half_angle=np.radians(16)),
        solids=tuple(solids),
        ground=painter.Ground(
            colours=np.full([2, 3], 0.4, np.float32),
            pattern="noise",
            frequency=1.0,
            axes=np.eye(2, dtype=np.float32),
            regularity=0.0,
            octaves=2,
        ),
        light=painter.Light(
            direction=np.float32([np.sqrt(0.5), 0, np.sqrt(0.5)]),
            ambient=ambient,
            softness=0.01,
            fall_off=np.zeros(2, np.float32),
        ),
        # Heights of one half: the grain of the ground then multiplies by 0.92 + 0.08.
        table=np.full([painter.TABLE_SIZE] * 2, 0.5, np.float32),
    )


def solid(shape, centre, half):
    return painter.Solid(
        shape=shape,
        centre=np.float32(centre),
        axes=np.eye(3, dtype=np.float32),
        half=np.float32(half),
        colour=np.float32([0.8, 0.1, 0.1]),
    )


def camera_basis():
    """The eye and (right, up, forward) of `hand_set_scene`, by the look-at formula."""
    elevation, distance = np.radians(50), 1 / np.tan(np.radians(16))
    eye = distance * np.array([0, -np.cos(elevation), np.sin(elevation)])
    forward = -eye / np.linalg.norm(eye)
    right = np.array([1.0, 0, 0])
    return eye, np.stack([right, np.cross(right, forward), forward])


def brute_force_mask(is_hit, size, num_sub):
    """Majority of `is_hit(eye, ray)` over the sub-samples of each pixel."""
    eye, basis = camera_basis()
    mask = np.zeros([size, size], bool)
    for row, column in np.ndindex(size, size):
        hits = 0
        for i, j in np.ndindex(num_sub, num_sub):
            u = -1 + 2 * (column + (j + 0.5) / num_sub) / size
            v = 1 - 2 * (row + (i + 0.5) / num_sub) / size
            ray = np.array([u, v, 1 / np.tan(np.radians(16))]) @ basis
            hits += is_hit(eye, ray / np.linalg.norm(ray))
        mask[row, column] = hits >= num_sub**2 / 2
    return mask


def render_mask(scene, size):
    rng = np.random.default_rng(0)
    return painter.render(scene, image_size=size, rng=rng)[1][..., 0] > 0


def test_same_arguments_same_pixels_and_another_index_or_seed_differs():
    image, mask = scenes.paint(image_size=32, seed=3, index=7)
    again, mask_again = scenes.paint(image_size=32, seed=3, index=7)
    np.testing.assert_array_equal(image, again)
    np.testing.assert_array_equal(mask, mask_again)
    for seed, index in [(3, 8), (4, 7), (7, 3)]:
        other, _ = scenes.paint(image_size=32, seed=seed, index=index)
        assert np.abs(image.astype(int) - other).mean() > 5


def test_mask_of_a_sphere_is_the_cone_of_rays_that_touch_it():
    centre, radius = np.array([0.2, -0.1, 0.5]), 0.5

    def is_hit(eye, ray):
        """The ray is closer to the centre's direction than the sphere's half angle."""
        reach = np.linalg.norm(centre - eye)
        return np.arccos(ray @ (centre - eye) / reach) < np.arcsin(radius / reach)

    scene = hand_set_scene(solids=[solid("sphere", centre, [radius] * 3)])
    expected = brute_force_mask(is_hit, size=24, num_sub=3)
    np.testing.assert_array_equal(render_mask(scene, 24), expected)


@pytest.mark.parametrize("shape", ["box", "cylinder"])
def test_mask_of_a_solid_is_where_a_march_along_the_ray_enters_it(shape):
    centre, half = np.array([-0.2, 0.1, 0.4]), np.array([0.3, 0.3, 0.4])
    steps = np.linspace(2.0, 5.5, 1500)[:, None]

    def is_hit(eye, ray):
        p = eye + steps * ray - centre
        across = np.abs(p[:, :2]).max(1) if shape == "box" else np.hypot(*p[:, :2].T)
        return np.any((across < half[0]) & (np.abs(p[:, 2]) < half[2]))

    scene = hand_set_scene(solids=[solid(shape, centre, half)])
    expected = brute_force_mask(is_hit, size=16, num_sub=3)
    # A march of steps 0.002 may miss a grazed edge in one of a pixel's nine rays.
    assert (render_mask(scene, 16) != expected).sum() <= 1


def test_of_two_solids_on_one_ray_the_nearer_is_seen():
    eye, _ = camera_basis()
    near, far = (solid("sphere", eye * s, [0.1] * 3) for s in (0.5, 0.25))
    ray = np.float32(-eye / np.linalg.norm(eye))[:, None]
    for solids, owner in [((near, far), 1), ((far, near), 2)]:
        depth, seen = painter.trace(np.float32(eye), ray, solids)
        assert seen == [owner]
        # The near centre is half way to the origin; its surface 0.1 before that.
        np.testing.assert_allclose(depth, np.linalg.norm(eye) / 2 - 0.1, rtol=1e-5)


def test_a_shadow_keeps_the_ambient_share_of_light_and_is_not_in_the_mask():
    # Lit along (1, 0, 1): the sphere's centre throws its shadow 1 to the left.
    scene = hand_set_scene(solids=[solid("sphere", [0.6, 0, 1.0], [0.15] * 3)])
    rng = np.random.default_rng(0)
    image, mask = painter.render(scene, image_size=64, rng=rng)
    eye, basis = camera_basis()

    def patch(array, point):
        right, up, forward = basis @ (np.array(point) - eye)
        u, v = np.array([right, up]) / forward / np.tan(np.radians(16))
        row, column = int((1 - v) * 32), int((1 + u) * 32)
        return array[row - 1 : row + 2, column - 1 : column + 2].astype(float)

    shadow, open_ground = [-0.4, 0, 0], [-0.4, 0.7, 0]
    assert patch(mask, shadow).max() == 0
    ratio = (patch(image, shadow).mean() / patch(image, open_ground).mean()) ** 2.2
    # 1 % for the sensor noise, averaged over 27 values; 1 % for sky the sphere hides.
    np.testing.assert_allclose(ratio, scene.light.ambient, atol=0.02)
    expected = 255 * 0.4 ** (1 / 2.2)
    np.testing.assert_allclose(patch(image, open_ground).mean(), expected, rtol=0.01)


def test_a_bigger_picture_shows_the_same_scene():
    overlaps = []
    for index in range(12):
        small, small_mask = scenes.paint(image_size=32, seed=0, index=index)
        big, big_mask = scenes.paint(image_size=64, seed=0, index=index)
        halved = big.reshape(32, 2, 32, 2, 3).mean((1, 3))
        # Edges are sampled 9 against 16 times and averaged before against after gamma.
        assert np.abs(small - halved).mean() < 4
        halved_mask = big_mask.reshape(32, 2, 32, 2).mean((1, 3)) >= 0.5
        overlaps.append(iou(small_mask[..., 0] > 0, halved_mask))
    # The halved mask was rounded twice, so small solids may differ along their edge.
    assert np.mean(overlaps) > 0.93 and min(overlaps) > 0.8


def test_solids_take_a_quarter_of_the_frame_and_never_vanish_or_fill_it(painted):
    areas = painted[1].mean((1, 2))
    assert 0.20 < areas.mean() < 0.28
    assert areas.min() > 0.06 and areas.max() < 0.5


def test_no_fixed_mask_fits(painted):
    _, masks = painted
    mean = masks.mean(0)
    scores = [
        np.mean([iou(mean >= t, mask) for mask in masks]) for t in np.unique(mean)
    ]
    assert max(scores) < 0.45


def test_no_threshold_on_brightness_fits_and_neither_polarity_rules(painted):
    scores = []
    for image, mask in zip(*painted, strict=True):
        bright = otsu(np.rint(image @ [0.299, 0.587, 0.114]))
        scores.append((iou(bright, mask), iou(~bright, mask)))
    scores = np.array(scores)
    assert scores.max(1).mean() < 0.48
    assert 0.2 < (scores[:, 0] > scores[:, 1]).mean() < 0.8


def test_solids_differ_in_colour_from_their_ground(painted):
    distances = [
        np.linalg.norm(image[mask].mean(0) - image[~mask].mean(0))
        for image, mask in zip(*painted, strict=True)
    ]
    # In 8-bit RGB; the sensor noise is 2, a shadow about 30.
    assert np.percentile(distances, 2) > 25 and np.median(distances) > 70


def test_the_prepared_builder_yields_the_painted_arrays_and_disjoint_splits(tmp_path):
    source = scenes.ScenesSource(image_size=20, num_train=6, num_test=4, seed=5)
    builder = source.prepare(tmp_path)
    assert builder.name == "scenes"
    assert builder.builder_config.name == "size20_train6_test4_seed5"
    read = {
        split: list(map(source.adapt, tfds.as_numpy(builder.as_dataset(split=split))))
        for split in ("train", "test")
    }
    for split, count in [("train", 6), ("test", 4)]:
        names = sorted(example["file_name"].decode() for example in read[split])
        assert names == [f"{split}-{i:05d}" for i in range(count)]
    for example in read["train"]:
        index = int(example["file_name"].decode().removeprefix("train-"))
        image, mask = scenes.paint(image_size=20, seed=5, index=index)
        np.testing.assert_array_equal(example["image"], image)
        np.testing.assert_array_equal(example["mask"], mask)
    pictures = [e["image"].tobytes() for split in read.values() for e in split]
    assert len(set(pictures)) == 10


def test_the_test_split_does_not_depend_on_the_size_of_the_train_split(tmp_path):
    def test_pictures(num_train):
        source = scenes.ScenesSource(image_size=8, num_train=num_train, num_test=2)
        dataset = source.prepare(tmp_path).as_dataset(split="test")
        return {e["file_name"]: e["image"].tobytes() for e in tfds.as_numpy(dataset)}

    assert test_pictures(1) == test_pictures(3)


@pytest.mark.parametrize(
    "bad", [{"image_size": 7}, {"num_train": -1}, {"num_test": 0}, {"seed": -1}]
)
def test_settings_that_cannot_be_painted_are_refused(bad):
    (name, value), *_ = bad.items()
    with pytest.raises(ValueError, match=f"`scenes.{name}` must .* Received: {value}"):
        scenes.ScenesSource(**{"image_size": 32, **bad})


def test_paint_refuses_a_size_below_8():
    with pytest.raises(ValueError, match="`image_size` must be at least 8"):
        scenes.paint(image_size=7, seed=0, index=0)


def test_rays_that_are_shaded_in_parts_give_the_same_picture(monkeypatch):
    whole = scenes.paint(image_size=32, seed=0, index=3)
    monkeypatch.setattr(painter, "_AT_ONCE", 1000)  # Of 96 x 96 rays.
    for part, same in zip(
        scenes.paint(image_size=32, seed=0, index=3), whole, strict=True
    ):
        np.testing.assert_array_equal(part, same)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
