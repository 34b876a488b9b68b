"""The exported segmenter: its numbers, its signature, and who can load it."""

import pathlib
import sys

import command
import exports
import keras
import numpy as np
import pytest
import tensorflow as tf
from segmenters import (
    LEVELS,
    SIZE,
    exported,
    mean_of_channels,
    pictures,
    resize,
)

from tfcomgan.errors import UserError
from tfcomgan.serving import export_segmenter, versions


@pytest.fixture(scope="module")
def net():
    return exported()[0]


@pytest.fixture(scope="module")
def directory():
    return exported()[1]


@pytest.fixture(scope="module")
def segment(directory):
    return export_segmenter.ExportedSegmenter(directory)


# The numbers.


def test_picture_of_training_size_gives_the_keras_models_mask(net, segment):
    images = pictures(3, SIZE, SIZE)
    logits = net(images.astype(np.float32) / 127.5 - 1, training=False)
    expected = 1 / (1 + np.exp(-logits.numpy()))
    assert np.ptp(expected) > 0.8
    # Nothing is resampled; pixels may differ by an ulp, which the network carries on.
    np.testing.assert_allclose(segment(images), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "inner"),
    [
        ((1, 1), (32, 32)),
        ((61, 61), (32, 32)),
        ((50, 37), (44, 32)),  # 50 * 32 / 37 = 43.2, and 44 is the nearest 4 n.
        ((20, 31), (32, 48)),  # Enlarged; 31 * 32 / 20 = 49.6.
        ((7, 300), (32, 128)),  # Squeezed: 300 * 32 / 7 = 1371 is beyond 4 * 32.
    ],
)
def test_any_size_is_resized_rounded_segmented_and_resized_back(
    net, segment, size, inner
):
    for batch in (1, 3):
        images = pictures(batch, *size)
        masks = segment(images)
        assert masks.shape == (batch, *size, 1)
        assert masks.dtype == np.float32
        assert masks.min() >= 0 and masks.max() <= 1
        levels = np.round(resize(images, inner, antialias=True))
        logits = net((levels / 127.5 - 1).astype(np.float32), training=False)
        expected = 1 / (1 + np.exp(-logits.numpy().astype(np.float64)))
        expected = resize(expected, size, antialias=False)
        # TensorFlow's weights are float32, so a few of thousands of levels near one half
        # are rounded the other way. Unrounded levels would give a mean of 5e-4 or more,
        # a plain resize 1e-2.
        error = np.abs(masks - expected)
        assert error.mean() < 1e-4
        assert error.max() < 1e-2


@pytest.mark.parametrize("low", [-1, 0])
def test_black_is_low_and_white_is_one(tmp_path, low):
    export_segmenter.export_segmenter(
        mean_of_channels(),
        image_size=4,
        num_levels=1,
        directory=tmp_path / "1",
        low=low,
    )
    images = np.zeros([2, 4, 4, 3], np.uint8)
    images[1] = 255
    masks = export_segmenter.ExportedSegmenter(tmp_path / "1")(images)
    np.testing.assert_allclose(masks[0], 1 / (1 + np.exp(-low)), rtol=1e-6)
    np.testing.assert_allclose(masks[1], 1 / (1 + np.exp(-1)), rtol=1e-6)


def test_picture_without_pixels_is_an_error_and_no_crash(segment):
    with pytest.raises(tf.errors.InvalidArgumentError):
        segment(np.zeros([1, 0, 5, 3], np.uint8))


# Who can load it.


# Loads as Python does and as TF Serving's C++ does (tags, a session, names of tensors).
STRANGER = (
    exports.ALONE
    + """
import numpy as np
import tensorflow as tf

directory, pictures, masks = sys.argv[1:]
images = np.load(pictures)
model = tf.saved_model.load(directory)
new = {k: model.signatures["serving_default"](images=tf.constant(images[k]))["mask"]
       for k in images}
old = {}
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    graph = tf.compat.v1.saved_model.loader.load(session, ["serve"], directory)
    signature = graph.signature_def["serving_default"]
    for k in images:
        old[k] = session.run(
            signature.outputs["mask"].name,
            {signature.inputs["images"].name: images[k]},
        )
assert not {"tfcomgan", "keras", "tf_keras"} & set(sys.modules)
np.savez(masks, **{f"new_{k}": v for k, v in new.items()},
         **{f"old_{k}": v for k, v in old.items()})
"""
)


def test_loads_without_keras_or_this_package_and_by_the_session_loader(
    segment, directory, tmp_path
):
    images = {"square": pictures(2, SIZE, SIZE), "other": pictures(1, 50, 37)}
    np.savez(tmp_path / "images.npz", **images)
    files = (tmp_path / "images.npz", tmp_path / "masks.npz")
    command.python("-I", "-c", STRANGER, directory, *files, cwd=tmp_path).check()
    masks = np.load(tmp_path / "masks.npz")
    for name in images:
        expected = segment(images[name])
        for loader in ("new", "old"):
            # The session fuses and folds other operations than the function does.
            np.testing.assert_allclose(
                masks[f"{loader}_{name}"], expected, atol=1e-5, err_msg=loader
            )


def test_folder_without_a_segmenter_is_explained(tmp_path):
    with pytest.raises(UserError, match="no usable segmenter.*--stages=export"):
        export_segmenter.ExportedSegmenter(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(UserError, match="no usable segmenter.*--stages=export"):
        export_segmenter.ExportedSegmenter(tmp_path)
    other = tf.Module()
    other.double = tf.function(
        lambda x: 2 * x, input_signature=[tf.TensorSpec([], tf.float32)]
    )
    tf.saved_model.save(other, str(tmp_path / "other"), signatures=other.double)
    with pytest.raises(UserError, match="inputs .'x'., outputs .'output_0'."):
        export_segmenter.ExportedSegmenter(tmp_path / "other")


# Versions.


def test_existing_version_is_refused_and_stays_as_it_is(net, directory):
    def contents():
        files = [p for p in directory.parent.rglob("*") if p.is_file()]
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    before = contents()
    with pytest.raises(UserError, match="segmenter/1 exists"):
        export_segmenter.export_segmenter(
            net, image_size=SIZE, num_levels=LEVELS, directory=directory
        )
    assert contents() == before
    assert [path.name for path in directory.parent.iterdir()] == ["1"]


def test_version_appears_complete_or_not_at_all(tmp_path, monkeypatch):
    def write_half(self, path, **kwargs):
        pathlib.Path(path).mkdir()
        pathlib.Path(path, "saved_model.pb").write_text("half")
        seen.append(versions.versions(tmp_path / "base"))
        raise OSError("No space left on device")

    seen = []
    archive = type(keras.export.ExportArchive())
    monkeypatch.setattr(archive, "write_out", write_half)
    with pytest.raises(OSError, match="No space left"):
        export_segmenter.export_segmenter(
            mean_of_channels(),
            image_size=4,
            num_levels=1,
            directory=tmp_path / "base" / "1",
        )
    assert seen == [[]]
    assert list((tmp_path / "base").iterdir()) == []


def test_version_can_be_read_by_whoever_can_read_its_parent(directory):
    assert directory.stat().st_mode == directory.parent.stat().st_mode


def test_versions_are_ordered_as_numbers_and_other_names_ignored(tmp_path):
    base = versions.serving_dir(tmp_path, versions.SEGMENTER)
    assert base == tmp_path / "serving" / "segmenter"
    assert versions.next_dir(base) == base / "1"
    for name in ("2", "10", "9", "v99", "11.old", "-12", ".unfinished-x"):
        (base / name).mkdir(parents=True)
    assert versions.versions(base) == [2, 9, 10]
    assert versions.next_dir(base) == base / "11"
    assert versions.find(base, versions.SEGMENTER) == base / "10"


def test_no_version_names_the_stage_that_makes_one(tmp_path):
    with pytest.raises(UserError, match="python -m tfcomgan.main .* --stages=export"):
        versions.find(tmp_path, versions.SEGMENTER)
    with pytest.raises(UserError, match="must be a folder"):
        versions.find(tmp_path / "missing", versions.SEGMENTER)


def test_image_size_must_suit_the_levels(net, tmp_path):
    with pytest.raises(ValueError, match="multiple of 2.* = 16. Received: 40"):
        export_segmenter.export_segmenter(
            net, image_size=40, num_levels=5, directory=tmp_path / "1"
        )


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
