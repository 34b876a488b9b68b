"""The segmenter as an ONNX file against the SavedModel."""

import sys

import command
import numpy as np
import pytest
from command import tiny
from segmenters import LEVELS, SIZE, disturbed_unet, mean_of_channels, pictures

from tfcomgan.serving import export_segmenter, versions

ONNX = "--gin_param=export.onnx=True"


def check_masks(directory, images):
    """ONNX Runtime answers as `serving_default` does; returns the masks."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(directory / "segmenter.onnx")
    shapes = [value.shape for value in session.get_inputs() + session.get_outputs()]
    assert all(shape[0] == "batch" for shape in shapes)  # Any, and the same.
    mask, area = session.run(["mask", "foreground_area"], {"images": images})
    expected = export_segmenter.ExportedSegmenter(directory)(images)
    # Both are float32, but sum in another order.
    np.testing.assert_allclose(mask, expected, atol=1e-4)
    np.testing.assert_allclose(area, np.mean(mask >= 0.5, axis=(1, 2, 3)), rtol=1e-6)
    return mask


@pytest.mark.parametrize(
    ("make_segmenter", "low"), [(disturbed_unet, -1), (mean_of_channels, 0)]
)
def test_onnx_file_answers_as_the_saved_model_does(make_segmenter, low, tmp_path):
    pytest.importorskip("tf2onnx")
    directory = export_segmenter.export_segmenter(
        make_segmenter(),
        image_size=SIZE,
        num_levels=LEVELS,
        directory=tmp_path / "1",
        low=low,
        with_onnx=True,
    )
    check_masks(directory, pictures(1, SIZE, SIZE))
    mask = check_masks(directory, pictures(5, SIZE, SIZE))
    assert np.ptp(mask) > 0.15  # 1 / (1 + 1 / e) - 1 / 2 = 0.23 for the mean.


@pytest.mark.slow
def test_command_adds_an_onnx_file_to_the_version_when_asked(tmp_path):
    pytest.importorskip("tf2onnx")
    command.run(*tiny(tmp_path, ONNX)).check()
    directory = versions.find(tmp_path, versions.SEGMENTER)
    size = export_segmenter.ExportedSegmenter(directory).image_size
    check_masks(directory, pictures(3, size, size))


def test_command_names_the_missing_package_before_anything_is_made(tmp_path):
    run_dir = tmp_path / "run"
    # As if it were not installed.
    done = command.run(
        *tiny(run_dir, ONNX), first="import sys; sys.modules['tf2onnx'] = None"
    )
    assert "export.onnx needs tf2onnx, which is not installed: pip" in done.message
    assert not run_dir.exists()


def test_command_needs_the_package_for_the_stage_export_alone(tmp_path):
    done = command.run(
        *tiny(tmp_path, ONNX, "--stages=prepare"),
        first="import sys; sys.modules['tf2onnx'] = None",
    )
    assert done.check().out


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
