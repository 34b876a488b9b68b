"""The segmenter as a LiteRT file against the SavedModel."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from segmenters import LEVELS, SIZE, disturbed_unet, pictures

from tfcomgan import export


@pytest.mark.parametrize("low", [-1, 0])
def test_litert_file_gives_the_masks_of_the_saved_model(low, tmp_path):
    directory = export.export_segmenter(
        disturbed_unet(),
        image_size=SIZE,
        num_levels=LEVELS,
        directory=tmp_path / "1",
        low=low,
        with_litert=True,
    )
    interpreter = tf.lite.Interpreter(str(directory / "segmenter.tflite"))
    segment = interpreter.get_signature_runner("serving_default")
    images = pictures(5, SIZE, SIZE)
    masks = np.concatenate([segment(images=image[None])["mask"] for image in images])
    expected = export.load(directory)(images)
    assert np.ptp(expected) > 0.8
    # Both are float32, but sum in another order.
    np.testing.assert_allclose(masks, expected, atol=1e-5)


def test_litert_file_is_written_only_if_asked_for(tmp_path):
    directory = export.export_segmenter(
        disturbed_unet(),
        image_size=SIZE,
        num_levels=LEVELS,
        directory=tmp_path / "1",
    )
    assert not (directory / "segmenter.tflite").exists()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
