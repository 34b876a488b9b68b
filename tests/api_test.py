"""The Python API: `tfcomgan.load`, on exports alone."""

import shutil
import subprocess
import sys

import exports
import numpy as np
import pytest
from exports import CODES, SIZE, Z_DIM
from PIL import Image

import tfcomgan
from tfcomgan.errors import UserError
from tfcomgan.serving import export_segmenter, versions


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    run = tmp_path_factory.mktemp("run")
    exports.make_segmenter(run)
    exports.make_generator(run)
    return run


@pytest.fixture(scope="module")
def model(run_dir, tmp_path_factory):
    """Of a copy of the folder `serving`."""
    copy = tmp_path_factory.mktemp("copy") / "model"
    return tfcomgan.load(shutil.copytree(run_dir / "serving", copy))


def test_importing_the_package_imports_neither_tensorflow_nor_numpy():
    code = "import sys, tfcomgan; print({'tensorflow', 'numpy'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stdout == "set()\n", out.stderr


def test_masks_of_pictures_of_any_sizes_and_of_files(model, run_dir, tmp_path):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, [h, 40, 3], np.uint8) for h in (30, 50)]
    Image.fromarray(images[1]).save(tmp_path / "a.png")
    masks = model.segment([*images, tmp_path / "a.png"])
    served = export_segmenter.load(
        versions.serving_dir(run_dir, versions.SEGMENTER) / "1"
    )
    for image, mask in zip([*images, images[1]], masks, strict=True):
        assert mask.dtype == np.float32 and mask.shape == (*image.shape[:2], 1)
        np.testing.assert_array_equal(mask, served(image[np.newaxis])[0])
    batch = model.segment(np.stack([images[0], images[0]]))
    np.testing.assert_array_equal(batch, [masks[0], masks[0]])


@pytest.mark.parametrize(
    "image",
    [np.zeros([9, 9, 3]), np.zeros([9, 9], np.uint8), np.zeros([9, 9, 4], "u1")],
)
def test_picture_of_another_type_or_shape_is_refused(model, image):
    with pytest.raises(ValueError, match="must be uint8 .H,W,3."):
        model.segment([image])


def test_scenes_have_their_shapes_and_ranges(model):
    scenes = model.generate(40)  # More than are painted at a time.
    for name in ("composite", "foreground", "background"):
        image = getattr(scenes, name)
        assert image.shape == (40, SIZE, SIZE, 3) and np.abs(image).max() <= 1
    assert scenes.mask.shape == (40, SIZE, SIZE, 1)
    assert scenes.mask.min() >= 0 and scenes.mask.max() <= 1
    again, other = model.generate(40), model.generate(40, seed=1)
    np.testing.assert_array_equal(scenes.composite, again.composite)
    assert not np.allclose(scenes.composite, other.composite)


def test_chosen_codes_and_z_make_the_scene(model):
    z = np.random.default_rng(0).normal(0, 1, [3, Z_DIM])
    scenes = model.generate(3, f=2, b=[0, 1, 4], z=z)
    alone = model.generate(1, f=2, b=4, z=z[2:], seed=7)  # Nothing is left to draw.
    np.testing.assert_allclose(scenes.composite[2:], alone.composite, atol=1e-5)
    other = model.generate(1, f=3, b=4, z=z[2:])
    assert np.abs(other.foreground - alone.foreground).max() > 1e-3
    np.testing.assert_allclose(other.background, alone.background, atol=1e-5)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ({"f": CODES}, r"f must be a whole number in \[0, 5\). Received: 5."),
        ({"b": [0, -1]}, r"b must be a whole number in \[0, 5\). Received: -1."),
        ({"b": 0.5}, "b must be a whole number"),
        ({"f": [0, 1, 2]}, "f must be one code, or 2 of them. Received: 3."),
    ],
)
def test_code_out_of_range_is_named(model, codes, expected):
    with pytest.raises(UserError, match=expected):
        model.generate(2, **codes)


def test_plain_comgan_has_no_codes_to_choose(tmp_path):
    exports.make_generator(tmp_path, architecture="comgan")
    model = tfcomgan.load(tmp_path)
    assert model.generate(2).mask.shape == (2, SIZE, SIZE, 1)
    with pytest.raises(UserError, match="f cannot be chosen: .* no codes"):
        model.generate(2, f=0)
    with pytest.raises(UserError, match="no exported segmenter"):
        model.segment([np.zeros([9, 9, 3], np.uint8)])


def test_folder_without_export_is_named(tmp_path):
    with pytest.raises(UserError, match=f"{tmp_path} holds no exported"):
        tfcomgan.load(tmp_path)
    with pytest.raises(UserError, match="must be a folder. Received: .*nowhere"):
        tfcomgan.load(tmp_path / "nowhere")


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
