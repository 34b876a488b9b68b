"""Tests of `tfcomgan.figures.paper`, on a painter whose colours are known."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfcomgan.figures import paper, sheets, variations
from tfcomgan.latents import Latents, Sampler
from tfcomgan.networks.generators import Scene

_SIZE, _CODES = 32, 5
# Levels of red that come back exactly from [-1, 1], one a code; blue tells f from b.
_RED = np.array([0, 60, 120, 180, 240])
_FOREGROUND_BLUE, _BACKGROUND_BLUE = 255, 0


def _colour(code, blue):
    red = _RED[np.argmax(code, axis=-1)]
    levels = np.stack([red, np.zeros_like(red), np.full_like(red, blue)], axis=-1)
    layer = levels[:, None, None] / 127.5 - 1 + np.zeros([1, _SIZE, _SIZE, 1])
    return layer.astype(np.float32)


def _paint(latents):
    """An ideal generator: z draws the mask (its top rows), f and b colour the layers."""
    height = np.where(latents.z[:, 0] > 0, 24, 16)
    mask = (np.arange(_SIZE)[:, None] < height[:, None, None])[..., None]
    mask = (mask + np.zeros([1, 1, _SIZE, 1])).astype(np.float32)
    f = latents.f if latents.f is not None else np.eye(_CODES)[[1] * len(height)]
    b = latents.b if latents.b is not None else np.eye(_CODES)[[2] * len(height)]
    foreground, background = _colour(f, _FOREGROUND_BLUE), _colour(b, _BACKGROUND_BLUE)
    composite = mask * foreground + (1 - mask) * background
    return Scene(composite, foreground, background, mask, None)


def _latents(num_codes=_CODES, batch=6):
    return Sampler(seed=3, batch_size=batch, z_dim=4, num_codes=num_codes, z_std=2.0)(0)


def _cells(axes, num_rows, num_columns, at=0.5):
    """Pixel of each cell of a block, [rows, columns, 3], `at` this share of its height."""
    grid = np.asarray(axes.get_images()[0].get_array())
    rows = ((np.arange(num_rows) + at) * grid.shape[0] / num_rows).astype(int)
    columns = ((np.arange(num_columns) + 0.5) * grid.shape[1] / num_columns).astype(int)
    return grid[np.ix_(rows, columns)].astype(int)


def _words(figure):
    axes = [text.get_text() for a in figure.axes for text in a.texts]
    ticks = [t.get_text() for a in figure.axes for t in a.get_xticklabels()]
    names = [t.get_text() for a in figure.axes for t in a.get_yticklabels()]
    return [text.get_text() for text in figure.texts], axes, ticks, names


def test_layers_stand_below_each_other_and_a_scene_is_a_column():
    latents = _latents()
    figure = paper.layers(_paint, latents, columns=4)
    # A quarter down a cell is the object, in every scene.
    cells = _cells(figure.axes[0], 4, 4, at=0.25)
    f, b = (_RED[np.argmax(code, axis=-1)][:4] for code in (latents.f, latents.b))
    np.testing.assert_array_equal(cells[0, :, 0], f)  # The composite shows the object,
    np.testing.assert_array_equal(cells[0, :, 2], 255)  # blue as the foreground is.
    np.testing.assert_array_equal(cells[1], 255)
    np.testing.assert_array_equal(cells[2, :, 0], f)
    np.testing.assert_array_equal(cells[3, :, 0], b)
    assert _words(figure)[3] == ["composite", "mask", "foreground", "background"]


def test_varying_b_moves_the_background_row_alone_and_f_the_foreground_row():
    figure = paper.disentanglement(_paint, _latents())
    titles, names, *_ = _words(figure)
    assert titles == ["(a) Varying b, fixed f and z", "(b) Varying f, fixed b and z"]
    assert names == [f"b = {i}" for i in range(5)] + [f"f = {i}" for i in range(5)]
    for axes, moving, still in zip(figure.axes, (3, 2), (2, 3), strict=True):
        grid = np.asarray(axes.get_images()[0].get_array())
        height = grid.shape[0] // 4
        # The whole mask row and the whole row of the other layer: columns all alike.
        for row in (1, still):
            strip = grid[row * height : (row + 1) * height, 2:]
            columns = strip.reshape(strip.shape[0], 5, -1, 3).astype(int)
            np.testing.assert_array_equal(columns - columns[:, :1], 0)
        np.testing.assert_array_equal(_cells(axes, 4, 5)[moving, :, 0], _RED)


def test_control_varies_f_then_b_then_z_over_several_scenes():
    latents = _latents(batch=6)
    figure = paper.control(_paint, latents, columns=6, num_scenes=3)
    titles, _, _, rows = _words(figure)
    assert [title.split(",")[0] for title in titles] == [
        "Varying f",
        "Varying b",
        "Varying z",
    ]
    assert rows == 3 * ["scene 1", "scene 2", "scene 3"]
    by_f, by_b, by_z = figure.axes
    # Object a quarter down, its surroundings at 95 %.
    for row in _cells(by_f, 3, 5, at=0.25):
        np.testing.assert_array_equal(row[:, 0], _RED)
    for row in _cells(by_b, 3, 5, at=0.95):
        np.testing.assert_array_equal(row[:, 0], _RED)
    for row in _cells(by_b, 3, 5, at=0.25):
        assert len(np.unique(row, axis=0)) == 1
    # Five eighths down, tall masks show the object and short ones do not.
    blue = _cells(by_z, 3, 6, at=0.625)[:, :, 2]
    tall = np.where(latents.z[:, 0] > 0, 255, 0)
    assert set(tall) == {0, 255}
    for scene in range(3):
        np.testing.assert_array_equal(blue[scene], np.roll(tall, -scene))


def test_without_codes_what_varies_them_is_left_out_with_the_reason():
    plates = {p.name: p for p in paper.of_generator(_paint, _latents(0))}
    assert list(plates) == ["layers", "control", "disentanglement", "interpolation"]
    for name in ("control", "disentanglement"):
        assert plates[name].image is None
        assert "no codes f and b" in plates[name].reason
    for name in ("layers", "interpolation"):
        assert plates[name].image.dtype == np.uint8 and not plates[name].reason


def test_with_codes_every_figure_is_painted():
    for plate in paper.of_generator(_paint, _latents()):
        assert plate.image.ndim == 3 and plate.caption and not plate.reason


def test_slerp_goes_evenly_along_the_sphere():
    start, end = np.array([3.0, 0, 0]), np.array([0, 3.0, 0])
    points = variations.slerp(start, end, np.linspace(0, 1, 4))
    angles = np.deg2rad([0, 30, 60, 90])
    expected = 3 * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    np.testing.assert_allclose(points, expected, atol=1e-6)


@pytest.mark.parametrize("start, end", [([1, 2], [2, 4]), ([0, 0], [2, 2])])
def test_slerp_of_parallel_vectors_is_straight(start, end):
    points = variations.slerp(np.array(start), np.array(end), np.array([0, 0.5, 1]))
    middle = (np.array(start) + end) / 2
    np.testing.assert_allclose(points, [start, middle, end])


def test_interpolation_paints_z_from_one_scene_to_the_next_with_codes_fixed():
    seen = []

    def paint(latents):
        seen.append(latents)
        return _paint(latents)

    latents = _latents()
    figure = paper.interpolation(paint, latents, columns=5, num_walks=2)
    assert _words(figure)[1] == ["0%", "25%", "50%", "75%", "100%"]
    for i, walk in enumerate(seen):
        np.testing.assert_allclose(walk.z[0], latents.z[i], rtol=1e-5)
        np.testing.assert_allclose(walk.z[-1], latents.z[i + 1], rtol=1e-5)
        np.testing.assert_array_equal(
            walk.f, np.repeat(latents.f[i : i + 1], 5, axis=0)
        )
        np.testing.assert_array_equal(
            walk.b, np.repeat(latents.b[i : i + 1], 5, axis=0)
        )
    assert len(seen) == 2


def _cases():
    """Five pictures; of truth's 16 rows the prediction has 16, 0, 8, 4 and 12."""
    images = np.repeat(_RED[:, None, None, None], 3, axis=3).astype(np.uint8)
    images = images + np.zeros([1, _SIZE, _SIZE, 1], np.uint8)
    row = np.arange(_SIZE)[:, None, None]
    truth = np.repeat((row < 16)[None] & np.ones([5, 1, _SIZE, 1], bool), 1, axis=0)
    heights = np.array([16, 0, 8, 4, 12])[:, None, None, None]
    predictions = np.where((row[None] < heights) & np.ones_like(truth), 0.9, 0.1)
    return images, truth.astype(np.uint8), predictions.astype(np.float32)


def test_worst_and_best_cases_have_their_place_above_and_their_iou_below():
    images, truth, predictions = _cases()
    figure = paper.worst_and_best(images, truth, predictions, columns=2)
    titles, places, ious, _ = _words(figure)
    assert titles == ["Worst cases", "Best cases"]
    assert places == ["no. 1", "no. 3", "no. 0", "no. 4"]
    # Rows in common over rows in either: 0/16, 4/16; 16/16, 12/16.
    assert ious == ["IoU 0%", "IoU 25%", "IoU 100%", "IoU 75%"]
    worst, best = (_cells(axes, 3, 2, at=0.1) for axes in figure.axes)
    np.testing.assert_array_equal(worst[0, :, 0], _RED[[1, 3]])
    np.testing.assert_array_equal(best[0, :, 0], _RED[[0, 4]])
    np.testing.assert_array_equal(best[1:, :, 0], [[255, 255], [230, 230]])  # 0.9 * 255


def test_no_picture_is_among_the_worst_and_the_best_at_once():
    figure = paper.worst_and_best(*_cases(), columns=8)
    places = _words(figure)[1]
    assert len(places) == len(set(places)) == 4


def test_without_truth_predictions_have_no_row_of_it_and_cases_a_reason():
    images, _, predictions = _cases()
    figure = paper.predicted(images, None, predictions)
    assert _words(figure)[3] == ["picture", "predicted"]
    shown, cases = paper.of_segmenter(images, None, predictions)
    assert shown.image is not None and "no truth" in shown.caption
    assert cases.image is None and "no masks" in cases.reason


def test_predictions_of_another_size_are_refused():
    images, truth, predictions = _cases()
    with pytest.raises(ValueError, match=r"Received: .*predictions \(5, 16, 32, 1\)"):
        paper.of_segmenter(images, truth, predictions[:, ::2])


def test_pictures_keep_their_exact_colours_in_the_file(tmp_path):
    figure = paper.layers(_paint, _latents(), columns=3)
    sheets.save(tmp_path / "new" / "figure.png", figure)
    image = np.asarray(Image.open(tmp_path / "new" / "figure.png"))
    np.testing.assert_array_equal(image, sheets.to_image(figure))
    grid = np.asarray(figure.axes[0].get_images()[0].get_array())
    tall, wide = grid.shape[:2]
    # The grid is somewhere in the figure, pixel by pixel.
    places = np.argwhere((image == grid[2, 2]).all(axis=-1)) - 2
    assert any(np.array_equal(image[y:, x:][:tall, :wide], grid) for y, x in places)


def test_a_real_sampler_and_graph_mode_will_do():
    graph = tf.function(lambda latents: Scene(*_layers_of(latents), None))
    image = paper.of_generator(graph, _latents())[2].image
    assert image.std() > 0


def _layers_of(latents: Latents):
    layer = tf.zeros([1, _SIZE, _SIZE, 3]) + latents.f[:, None, None, :3]
    return layer, layer, -layer, layer[..., :1]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
