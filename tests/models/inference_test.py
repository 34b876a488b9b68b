"""From pictures to masks: the numbers, and that all who give masks give the same."""

import sys

import keras
import numpy as np
import pytest
from segmenters import SIZE, exported, pictures

from tfcomgan.models import inference
from tfcomgan.networks import unet
from tfcomgan.serving import export_segmenter


@pytest.fixture(scope="module")
def segmenter():
    keras.utils.set_random_seed(0)
    net = unet.build(unet.SegmenterSettings(width=2, num_levels=2), 8)
    for variable in net.variables:  # So that inference mode differs from training mode.
        if variable.path.endswith("moving_mean"):
            variable.assign(variable + 0.1)
    return net


@pytest.mark.parametrize("low", [-1, 0])
@pytest.mark.parametrize("count", [1, 230])
def test_masks_are_the_segmenters_probabilities_in_any_number(segmenter, count, low):
    # 230 are two batches of 100 and a rest of 30.
    images = pictures(count, 8, 8)
    masks = inference.predictor(segmenter, low)(images)
    scaled = low + images.astype(np.float32) / 255 * (1 - low)
    logits = segmenter(scaled, training=False).numpy().astype(np.float64)
    assert masks.dtype == np.float32 and masks.shape == (count, 8, 8, 1)
    np.testing.assert_allclose(masks, 1 / (1 + np.exp(-logits)), atol=1e-5)


def test_no_pictures_have_no_masks(segmenter):
    masks = inference.predictor(segmenter)(pictures(1, 8, 8)[:0])
    assert masks.dtype == np.float32 and masks.shape == (0, 8, 8, 1)


def test_prediction_does_not_depend_on_the_other_pictures(segmenter):
    images, predict = pictures(5, 8, 8), inference.predictor(segmenter)
    np.testing.assert_allclose(predict(images)[3:4], predict(images[3:4]), atol=1e-6)


@pytest.mark.parametrize("count", [1, 3])
def test_scored_and_served_masks_are_the_same_bits(count):
    net, directory = exported()
    images = pictures(count, SIZE, SIZE)
    scored = inference.predictor(net)(images)
    served = export_segmenter.ExportedSegmenter(directory)(images)
    assert np.ptp(scored) > 0.8
    np.testing.assert_array_equal(served, scored)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
