"""What is larger than memory is scored, drawn and measured as what is in it."""

import sys

import numpy as np
import pytest

from tfcomgan.data import arrays
from tfcomgan.data.reading import Examples
from tfcomgan.evaluation import scoring
from tfcomgan.evaluation.baselines.grabcut import GrabCutSettings
from tfcomgan.evaluation.baselines.iem import IEMSettings
from tfcomgan.evaluation.scoring import EvaluationSettings
from tfcomgan.figures import paper
from tfcomgan.metrics import features, reference

COUNT, SIZE = 23, 16


@pytest.fixture
def held():
    """Pictures, masks, predictions and what is known, in memory."""
    rng = np.random.default_rng(0)
    shape = [COUNT, SIZE, SIZE, 1]
    return {
        "images": rng.integers(0, 256, [COUNT, SIZE, SIZE, 3], np.uint8),
        "masks": rng.integers(0, 2, shape, np.uint8),
        "predicted": rng.random(shape, np.float32),
        "known": rng.integers(0, 2, shape, np.uint8),
    }


@pytest.fixture
def mapped(held, tmp_path):
    """The same as memory maps."""
    for name, array in held.items():
        path = tmp_path / f"{name}.npy"
        with arrays.spooled(path, array.shape[1:], array.dtype) as writer:
            writer.append(array)
    return {name: arrays.read(tmp_path / f"{name}.npy") for name in held}


@pytest.fixture
def in_fives(monkeypatch):
    """Call it, and arrays are looked at five rows at a time."""
    parts = arrays.parts
    return lambda: monkeypatch.setattr(arrays, "parts", lambda count: parts(count, 5))


def _scores(found):
    return scoring.evaluate(
        {"test": found["predicted"]},
        {"test": Examples(found["images"], found["masks"], None)},
        EvaluationSettings(
            splits=("test",), baselines=("otsu", "mean_mask", "grabcut", "iem")
        ),
        crop="center",
        grabcut_settings=GrabCutSettings(iterations=1),
        iem_settings=IEMSettings(iterations=1),
        known={"test": found["known"]},
        draw=lambda images, masks, threshold: (
            masks * np.float32(images[..., :1] > 99) > threshold
        ).astype(np.float32),
    )


def test_scores_and_baselines_are_the_same(held, mapped, in_fives):
    whole = _scores(held)
    in_fives()
    assert len(whole) == 3 and _scores(mapped) == whole


def test_figures_show_the_same(held, mapped, in_fives):
    def figures(found):
        return paper.of_segmenter(found["images"], found["masks"], found["predicted"])

    whole = figures(held)
    in_fives()
    for ours, theirs in zip(figures(mapped), whole, strict=True):
        np.testing.assert_array_equal(np.asarray(ours.image), np.asarray(theirs.image))


def test_statistics_are_the_same(held, mapped, tmp_path, in_fives):
    def statistics(name, found):
        return reference.reference_statistics(
            features.random_features(), found["images"], [tmp_path / name], "data"
        )

    one = statistics("held", held)
    in_fives()
    other = statistics("mapped", mapped)
    np.testing.assert_array_equal(one.statistics.mean, other.statistics.mean)
    np.testing.assert_array_equal(one.features, other.features)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
