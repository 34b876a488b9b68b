"""The Python API: `tfcomgan.load`, on exports alone."""

import importlib.resources
import shutil
import sys

import command
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
    return exports.make_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def model(run_dir, tmp_path_factory):
    """Of a copy of the folder `serving`."""
    copy = tmp_path_factory.mktemp("copy") / "model"
    return tfcomgan.load(shutil.copytree(run_dir / "serving", copy))


def test_importing_the_package_imports_neither_tensorflow_nor_numpy():
    code = "import sys, tfcomgan; print({'tensorflow', 'numpy'} & set(sys.modules))"
    assert command.python("-c", code).check().out == "set()\n"


def test_masks_of_pictures_of_any_sizes_and_of_files(model, run_dir, tmp_path):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, [h, 40, 3], np.uint8) for h in (30, 50)]
    Image.fromarray(images[1]).save(tmp_path / "a.png")
    masks = model.segment([*images, tmp_path / "a.png"], refine="none")
    served = export_segmenter.ExportedSegmenter(
        versions.serving_dir(run_dir, versions.SEGMENTER) / "1"
    )
    for image, mask in zip([*images, images[1]], masks, strict=True):
        assert mask.dtype == np.float32 and mask.shape == (*image.shape[:2], 1)
        np.testing.assert_array_equal(mask, served(image[np.newaxis])[0])
    batch = model.segment(np.stack([images[0], images[0]]), refine="none")
    np.testing.assert_array_equal(batch, [masks[0], masks[0]])


def test_one_picture_gives_one_mask_and_a_list_a_list(model, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, [30, 40, 3], np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    (expected,) = model.segment([image])
    monkeypatch.setenv("HOME", str(tmp_path))
    for one in (image, str(tmp_path / "a.png"), "~/a.png", Image.fromarray(image)):
        mask = model.segment(one)
        assert mask.shape == (30, 40, 1)
        np.testing.assert_array_equal(mask, expected)
    assert isinstance(model.segment([image]), list)
    assert isinstance(model.segment(image[np.newaxis]), np.ndarray)
    assert model.segment([]) == []


def test_grey_transparent_and_float_pictures_are_taken_as_they_look(model):
    rng = np.random.default_rng(1)
    rgb = rng.integers(0, 256, [20, 24, 3], np.uint8)
    grey, alpha = rgb[..., 0], rng.integers(0, 256, [20, 24, 1], np.uint8)
    repeated = np.repeat(grey[..., np.newaxis], 3, axis=-1)
    share = alpha / 255
    white = np.rint(share * rgb + (1 - share) * 255).astype(np.uint8)
    for given, same in (
        (grey, repeated),
        (grey[..., np.newaxis], repeated),
        (Image.fromarray(grey), repeated),
        (Image.fromarray(grey.astype(np.uint16) * 257), repeated),
        (rgb / 255, rgb),
        ((rgb / 255).astype(np.float16), rgb),
        (rgb / np.float32(255), rgb),
        (grey / np.float32(255), repeated),
        (rgb[:, ::-1], rgb[:, ::-1].copy()),
    ):
        np.testing.assert_array_equal(model.segment(given), model.segment(same))
    rgba = np.dstack([rgb, alpha])
    for given in (rgba, rgba / 255, Image.fromarray(rgba)):
        # Blended in 8 bits; a level of a channel is 1 / 127.5 of a logit or less.
        masks = [model.segment(x, refine="none") for x in (given, white)]
        np.testing.assert_allclose(*masks, atol=3 * 0.25 / 127.5)
    batch = model.segment(np.stack([rgba, rgba]))
    np.testing.assert_array_equal(batch[1], model.segment(rgba))


def test_masks_are_drawn_to_edges_and_cutouts_have_the_objects_colours(model):
    image = np.full([90, 120, 3], 40, np.uint8)
    image[20:70, 30:80] = [255, 250, 230]
    truth = np.zeros([90, 120], bool)
    truth[20:70, 30:80] = True
    served = model.segment(image, refine="none")[..., 0]
    assert served[40, 28] > 0.1  # A haze around the object.
    for chosen in ({}, {"refine": "guided"}, {"average": True}):
        mask = model.segment(image, **chosen)
        np.testing.assert_allclose(mask[..., 0], truth, atol=0.01)
        cut = model.cutout(image, **chosen)
        np.testing.assert_array_equal(cut[..., 3], np.rint(255 * mask[..., 0]))
        np.testing.assert_array_equal(cut[truth][:, :3], image[truth])
        assert not cut[~truth & (mask[..., 0] == 0)].any()
    both = model.cutout([image, image])
    assert isinstance(both, list) and both[1].shape == (90, 120, 4)
    with pytest.raises(ValueError, match="`refine` must be one of"):
        model.segment(image, refine="sharp")


U1 = np.uint8


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (np.full([9, 9, 3], 7.0), r"lie in \[0, 1\]. Received: 7 to 7. .*astype"),
        (np.full([9, 9, 3], -0.5), r"take \(picture \+ 1\) / 2"),
        (np.full([9, 9, 3], np.nan), "must be finite"),
        (np.full([9, 9, 3], 1.01), "may be clipped"),
        (np.zeros([9, 9, 3], bool), "A mask is no picture"),
        (np.zeros([9, 9, 3], np.uint16), "picture / 65535"),
        (np.zeros([9, 9, 3], int), "Levels up to 255 become uint8"),
        (np.zeros([3, 9, 8], U1), r"uint8 \[3, 9, 8\]. Channels come last"),
        (np.zeros([5, 9, 8], U1), r"Grey pictures in one array are \[B,H,W,1\]"),
        (np.zeros([9, 9, 2], U1), r"must be a file, a PIL picture, or an array"),
        (np.zeros([9], U1), r"Received: uint8 \[9\]"),
        (np.zeros([0, 9, 3], U1), r"Received: uint8 \[0, 9, 3\]"),
        (np.array("a.png"), "Received: <U5"),
        (Image.new("RGB", (0, 4)), "mode RGB: it has no pixel"),
        (Image.new("F", (4, 4)), "mode F: 32 bits a channel"),
        (b"bytes", "Received: bytes"),
        (None, "Received: NoneType"),
        (5, "Received: int"),
        ({"image": 1}, "Received: dict"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_way_out(model, image, sentence):
    for given in (image, [image]):
        with pytest.raises(ValueError, match=sentence):
            model.segment(given)


def test_file_that_is_none_is_named(model, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    for name, sentence in (
        (tmp_path, "is a folder. Give its pictures as a list"),
        (tmp_path / "text.png", "text.png cannot be read as a picture: "),
        ("nowhere.png", "nowhere.png cannot be read as a picture: No such file"),
        ("https://somewhere.org/a.png", "is an address. Download it"),
    ):
        with pytest.raises(UserError, match=sentence):
            model.segment(name)


def test_sizes_are_told(model, run_dir, tmp_path):
    sizes = (model.image_size, model.num_codes, model.z_dim)
    assert sizes == (SIZE, CODES, Z_DIM)
    text = repr(model)
    assert text.startswith("TrainedModel('") and "model'" in text
    assert text.endswith(f"image_size={SIZE}, num_codes={CODES}, z_dim={Z_DIM})")
    alone = tfcomgan.load(run_dir / "serving/segmenter")
    assert alone.image_size == SIZE and repr(alone).endswith(f"image_size={SIZE})")
    for name in ("num_codes", "z_dim"):
        with pytest.raises(UserError, match="holds no usable generator"):
            getattr(alone, name)


def test_home_folder_is_expanded(run_dir, monkeypatch):
    monkeypatch.setenv("HOME", str(run_dir.parent))
    assert tfcomgan.load(f"~/{run_dir.name}").image_size == SIZE


def test_door_is_typed():
    assert tfcomgan.__all__ == ["__version__", "load"]
    assert all(hasattr(tfcomgan, name) for name in tfcomgan.__all__)
    assert importlib.resources.files(tfcomgan).joinpath("py.typed").is_file()


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
        ({"f": []}, "f must be one code, or 2 of them. Received: 0."),
        ({"f": "a"}, "f must be a whole number in .* Received: a."),
        ({"f": np.nan}, "f must be a whole number in .* Received: nan."),
        ({"f": [[0], [1, 2]]}, "f must be a whole number"),
    ],
)
def test_code_out_of_range_is_named(model, codes, expected):
    with pytest.raises(UserError, match=expected):
        model.generate(2, **codes)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"n": 0}, r"`n` must be a whole number in \[1, 2\^63\). Received: 0."),
        ({"n": -1}, "`n` .* Received: -1."),
        ({"n": "a"}, "`n` .* Received: 'a'."),
        ({"n": 2.5}, "`n` .* Received: 2.5."),
        ({"n": None}, "`n` .* Received: None."),
        ({"n": 2, "seed": -1}, r"`seed` must be a whole number in \[0, 2\^63\)."),
        ({"n": 2, "seed": 2**63}, "`seed` .* Received: 9223372036854775808."),
        ({"n": 2, "seed": 0.5}, "`seed` .* Received: 0.5."),
        ({"n": 2, "z": np.zeros([3, Z_DIM])}, r"shape \(2, 6\). .* shape \(3, 6\)"),
        ({"n": 2, "z": np.full([2, Z_DIM], np.inf)}, "not finite"),
        ({"n": 2, "z": "a"}, "`z` must be finite numbers"),
    ],
)
def test_number_seed_or_z_that_cannot_be_is_named(model, arguments, expected):
    with pytest.raises(ValueError, match=expected):
        model.generate(**arguments)


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
