"""The segmenter as a LiteRT file against the SavedModel."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from segmenters import LEVELS, SIZE, disturbed_unet, mean_of_channels, pictures

from tfcomgan.serving import export_segmenter


@pytest.mark.parametrize(
    ("make_segmenter", "low"), [(disturbed_unet, -1), (mean_of_channels, 0)]
)
def test_litert_file_gives_the_masks_of_the_saved_model(make_segmenter, low, tmp_path):
    directory = export_segmenter.export_segmenter(
        make_segmenter(),
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
    expected = export_segmenter.ExportedSegmenter(directory)(images)
    assert np.ptp(expected) > 0.15  # 1 / (1 + 1 / e) - 1 / 2 = 0.23 for the mean.
    # Both are float32, but sum in another order.
    np.testing.assert_allclose(masks, expected, atol=1e-5)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
