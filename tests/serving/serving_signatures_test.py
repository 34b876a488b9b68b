"""The three signatures of the exported segmenter: their numbers, and what they refuse."""

import io
import sys

import command
import numpy as np
import picture_bytes
import pytest
import tensorflow as tf
from PIL import Image
from segmenters import SIZE, exported, pictures, resize

from tfcomgan.data import pictures as picture_files
from tfcomgan.serving import signatures

WHOLE = picture_bytes.whole()


@pytest.fixture(scope="module")
def net():
    return exported()[0]


@pytest.fixture(scope="module")
def model():
    return tf.saved_model.load(str(exported()[1]))


def _ask(model, signature: str, **inputs) -> dict[str, np.ndarray]:
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    answer = model.signatures[signature](**inputs)
    return {name: value.numpy() for name, value in answer.items()}


def _encoded(model, *files: bytes) -> dict[str, np.ndarray]:
    return _ask(model, "segment_encoded", image_bytes=list(files))


def test_signatures_have_the_promised_names_dtypes_and_shapes(model):
    def described(specs):
        return {n: (s.dtype.name, s.shape.as_list()) for n, s in specs.items()}

    any_size = [None, None, None]
    answer = {
        "mask": ("float32", [*any_size, 1]),
        "foreground_area": ("float32", [None]),
    }
    sizes = {"height": ("int32", [None]), "width": ("int32", [None])}
    small = {"mask": ("float32", [None, SIZE, SIZE, 1])}
    assert {
        name: (
            described(signature.structured_input_signature[1]),
            described(signature.structured_outputs),
        )
        for name, signature in model.signatures.items()
    } == {
        "serving_default": ({"images": ("uint8", [*any_size, 3])}, answer),
        "segment_float": ({"images": ("float32", [*any_size, 3])}, answer),
        "segment_encoded": (
            {"image_bytes": ("string", [None])},
            answer | sizes | small,
        ),
    }


@pytest.mark.parametrize(
    ("signature", "inputs"),
    [
        ("serving_default", {"images": pictures(3, 50, 37)}),
        ("segment_float", {"images": np.float32(pictures(3, 50, 37) / 127.5 - 1)}),
        ("segment_encoded", {"image_bytes": [WHOLE["jpeg"], WHOLE["png"]]}),
    ],
)
def test_foreground_area_is_the_share_of_the_mask_from_one_half_up(
    model, signature, inputs
):
    answer = _ask(model, signature, **inputs)
    mask, area = answer["mask"], answer["foreground_area"]
    expected = (mask >= 0.5).mean(axis=(1, 2, 3))
    assert expected.min() > 0 and expected.max() < 1
    np.testing.assert_allclose(area, expected, rtol=1e-6)


def test_float_pictures_give_the_mask_of_their_nearest_grey_levels(model):
    images = pictures(2, 50, 37)
    expected = _ask(model, "serving_default", images=images)["mask"]
    rng = np.random.default_rng(0)
    levels = np.clip(images + rng.uniform(-0.4, 0.4, images.shape), 0, 255)
    for values in (images, levels):
        scaled = (values / 127.5 - 1).astype(np.float32)
        mask = _ask(model, "segment_float", images=scaled)["mask"]
        np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("value", [-1.01, 1.01, 255, np.nan, np.inf])
def test_floats_outside_their_range_are_refused(model, value):
    images = np.zeros([1, SIZE, SIZE, 3], np.float32)
    images[0, 3, 4, 1] = value
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must lie in \[-1, 1\]"):
        _ask(model, "segment_float", images=images)


# Encoded pictures.


def test_encoded_picture_of_training_size_gives_the_mask_of_its_pixels(model):
    images = pictures(2, SIZE, SIZE)
    expected = _ask(model, "serving_default", images=images)
    answer = _encoded(model, *map(picture_bytes.encode, images))
    # A batch of one takes other kernels than one of two.
    np.testing.assert_allclose(answer["mask"], expected["mask"], atol=1e-6)


@pytest.mark.parametrize(
    ("size", "inner"),
    [((1, 1), (32, 32)), ((50, 37), (44, 32)), ((7, 300), (32, 128))],
)
def test_mask_of_an_encoded_picture_is_made_at_its_aspect_and_brought_to_model_size(
    net, model, size, inner
):
    images = pictures(1, *size)
    answer = _encoded(model, picture_bytes.encode(images[0]))
    assert (answer["height"], answer["width"]) == size
    levels = np.round(resize(images, inner, antialias=True))
    logits = net((levels / 127.5 - 1).astype(np.float32), training=False)
    expected = 1 / (1 + np.exp(-logits.numpy().astype(np.float64)))
    error = np.abs(answer["mask"] - resize(expected, (SIZE, SIZE), antialias=True))
    # As for serving_default: a few levels near one half are rounded the other way.
    assert error.mean() < 1e-4
    assert error.max() < 1e-2


@pytest.mark.parametrize("kind", WHOLE)
def test_files_are_decoded_as_pillow_decodes_them(tmp_path, kind):
    file = WHOLE[kind]
    (tmp_path / "file").write_bytes(file)
    expected = picture_files.read(tmp_path / "file")
    decoded = tf.function(signatures.decode)(tf.constant(file)).numpy()
    assert decoded.dtype == np.uint8
    # Pillow's blending over white rounds otherwise.
    most = 1 if "alpha" in kind else 0
    np.testing.assert_allclose(decoded, expected, atol=most, rtol=0)


def test_of_16_bits_the_higher_8_are_kept():
    deep = np.random.default_rng(0).integers(0, 65536, [5, 7], np.uint16)
    decoded = signatures.decode(picture_bytes.encode(deep))
    np.testing.assert_array_equal(decoded, np.repeat(deep[..., None] >> 8, 3, -1))


def test_exif_rotation_is_ignored(model):
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: to be turned by 90 degrees.
    image = picture_bytes.photo(50, 37)
    turned = picture_bytes.encode(image, "JPEG", exif=exif)
    assert Image.open(io.BytesIO(turned)).getexif()[0x0112] == 6
    answer = _encoded(model, turned, picture_bytes.encode(image, "JPEG"))
    assert (answer["height"][0], answer["width"][0]) == (50, 37)
    np.testing.assert_array_equal(answer["mask"][0], answer["mask"][1])


def test_batch_of_mixed_kinds_and_sizes_gives_the_answers_of_each_alone(model):
    files = [*WHOLE.values(), picture_bytes.encode(pictures(1, 20, 31)[0])]
    together = _encoded(model, *files)
    for i, file in enumerate(files):
        for name, value in _encoded(model, file).items():
            np.testing.assert_array_equal(together[name][i], value[0])


def test_empty_batch_has_an_empty_answer(model):
    answer = model.signatures["segment_encoded"](
        image_bytes=tf.constant([], tf.string, shape=[0])
    )
    assert answer["mask"].shape == [0, SIZE, SIZE, 1]
    assert answer["foreground_area"].shape == answer["height"].shape == [0]


BROKEN = {
    "nothing": (b"", "must be a whole JPEG or PNG file"),
    "a text": (b"not a picture" * 9, "must be a whole JPEG or PNG file"),
    "a beginning of JPEG": (WHOLE["jpeg"][:3], "JPEG"),
    "a beginning of PNG": (WHOLE["png"][:20], "must be a whole JPEG or PNG file"),
    "a cut JPEG": (WHOLE["jpeg"][:-100], "JPEG"),
    "a cut PNG": (WHOLE["png"][:-100], "PNG"),
    "a PNG with a wrong byte": (
        WHOLE["png"][:99] + bytes([WHOLE["png"][99] ^ 1]) + WHOLE["png"][100:],
        "PNG",
    ),
    "a PNG of no pixels": (picture_bytes.png(0, 5, b""), "1 to 134217728 pixels"),
    "a PNG bomb": (picture_bytes.png(20_000, 20_000, b"\0" * 99), "134217728 pixels"),
    "a JPEG bomb": (
        picture_bytes.with_jpeg_size(WHOLE["jpeg"], 60_000, 60_000),
        "1 to 134217728 pixels; .*60000.*60000",
    ),
    "a GIF": (picture_bytes.encode(picture_bytes.photo(), "GIF"), "JPEG or PNG file"),
    "a BMP": (picture_bytes.encode(picture_bytes.photo(), "BMP"), "JPEG or PNG file"),
    "a WebP": (picture_bytes.encode(picture_bytes.photo(), "WEBP"), "JPEG or PNG file"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_picture_fails_its_request_with_a_message_and_no_other(model, kind):
    file, message = BROKEN[kind]
    good = WHOLE["jpeg"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _encoded(model, good, file)
    assert _encoded(model, good)["height"] == [50]


# What a request may take.


def test_request_of_too_many_pictures_is_refused(model):
    most, message = signatures.MOST_PICTURES, "a request may hold 256 pictures.*257"
    tiny = np.zeros([most + 1, 1, 1, 3], np.uint8)
    file = picture_bytes.encode(tiny[0])
    assert len(_encoded(model, *[file] * most)["mask"]) == most
    for signature, inputs in {
        "serving_default": {"images": tiny},
        "segment_float": {"images": np.float32(tiny)},
        "segment_encoded": {"image_bytes": [file] * (most + 1)},
    }.items():
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            _ask(model, signature, **inputs)


def test_flat_picture_that_resizing_would_blow_up_is_refused(model):
    """Resizing brings all columns to the network's 32 rows first, in float32."""
    width = signatures.MOST_PIXELS // SIZE
    message = "height may have 134217728 pixels"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _ask(model, "serving_default", images=np.zeros([1, 1, width + 1, 3], np.uint8))
    flat = np.zeros([1, 1, width // 100, 3], np.uint8)
    assert _ask(model, "serving_default", images=flat)["mask"].shape == (
        *flat.shape[:3],
        1,
    )


MEASURE = """
import sys
import tensorflow as tf

def of_process(key):
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith(key))
    return int(line.split()[1]) * 1024

segment = tf.saved_model.load(sys.argv[1]).signatures["segment_encoded"]
small, large = (open(name, "rb").read() for name in sys.argv[2:])
segment(image_bytes=tf.constant([small]))
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # The peak begins anew.
before = of_process("VmRSS")
segment(image_bytes=tf.constant([large]))
print(of_process("VmHWM") - before)
"""


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("RGBA", "PNG", {"compress_level": 1}),
        pytest.param(
            *("RGB", "JPEG", {"progressive": True, "subsampling": 0}),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_picture_takes_at_most_24_bytes_of_memory_a_pixel(
    tmp_path, mode, kind, options
):
    """Decoding and blending: docs/serving.md promises it."""
    for name, side in (("small", 64), ("large", 3000)):
        grey = np.linspace(0, 255, side).astype(np.uint8)
        picture = Image.fromarray(np.tile(grey, [side, 1])).convert(mode)
        if mode == "RGBA":
            picture.putalpha(100)
        picture.save(tmp_path / name, kind, **options)
    files = (tmp_path / "small", tmp_path / "large")
    done = command.python("-c", MEASURE, exported()[1], *files).check()
    taken = int(done.out)
    # Decoded it takes 3 bytes, or nothing has been measured; 20 MB are TensorFlow's own.
    assert 3 * 3000**2 < taken < 24 * 3000**2 + 20e6


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
