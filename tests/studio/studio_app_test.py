"""What the page may ask, and what it is answered."""

import base64
import io
import sys

import exports
import numpy as np
import odd_pictures
import pytest
from picture_bytes import encode, photo
from PIL import Image
from studio_client import CHOICES, HOME, PART, ask, client

import tfcomgan
from tfcomgan.images import mask_to_uint8, to_uint8
from tfcomgan.photos import edges, foreground


def _send(page, content) -> str:
    answer = page.post("/photos", data=content, base_url=HOME)
    assert answer.status_code == 200, answer.text
    return answer.json["photo"]


def _shown(address: str) -> np.ndarray:
    """The picture of a data: address."""
    kind, _, content = address.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_the_page_says_what_the_model_can_do(page):
    about = page.get("/about", base_url=HOME).json
    sizes = {"size": exports.SIZE, "codes": exports.CODES, "moves": 2, "most": 3.0}
    assert about["name"] == "scenes" and about["scenes"] == sizes
    assert about["refine"] == list(edges.METHODS)


def test_a_half_that_the_model_lacks_is_not_there(made, tmp_path):
    _, scissors, painter = made
    for halves, there, missing in (
        ((scissors, None), "refine", "/scene"),
        ((None, painter), "scenes", "/photos"),
    ):
        page = client(tmp_path, *halves)
        about = page.get("/about", base_url=HOME).json
        assert set(about) == {"name", "most_bytes", there}
        assert ask(page, missing, {}).status_code == 404


def test_a_photo_is_cut_as_by_the_library_and_saved_at_its_size(page, made):
    run, *_ = made
    content = encode(photo(300, 1400))
    name = _send(page, content)
    cut = ask(page, "/cut", CHOICES | {"photo": name}).json
    assert _shown(cut["mask"]).shape == (219, 1024)  # 1024 / 1400 of 300.
    saved = ask(page, "/save", CHOICES | {"photo": name, "what": "cutout"})
    assert saved.mimetype == "image/png"
    whole = np.asarray(Image.open(io.BytesIO(saved.data)))
    image = np.asarray(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(whole, tfcomgan.load(run).cutout(image))
    share = np.mean(_shown(cut["mask"]) >= 128)
    np.testing.assert_allclose(cut["share"], share, rtol=1e-6)


def test_a_photo_of_16_bits_is_read_as_by_the_library(page, made, tmp_path):
    run, *_ = made
    grey = np.asarray(photo(48, 64).convert("L"), np.uint16) * 16  # 12 bits of 16.
    Image.fromarray(grey).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    sent = page.post("/photos", data=content, base_url=HOME).json
    assert "16 bits a pixel: levels" in sent["note"]
    saved = ask(page, "/save", CHOICES | {"photo": sent["photo"], "what": "cutout"})
    expected = tfcomgan.load(run).cutout(tmp_path / "a.png")
    np.testing.assert_array_equal(Image.open(io.BytesIO(saved.data)), expected)


def test_choices_of_edges_threshold_and_swapped_sides_are_followed(page, made):
    _, scissors, _ = made
    picture = photo(60, 80)
    name, image = _send(page, encode(picture)), np.asarray(picture)
    for choices in (
        edges.Choices("none"),
        edges.Choices("guided", threshold=0.3),
        edges.Choices("grabcut", average=True, invert=True),
    ):
        fields = choices._asdict() | {"photo": name, "colour": "#000000"}
        mask = _shown(ask(page, "/cut", fields).json["mask"])
        alpha = edges.opacity(scissors._segmenter, exports.SIZE, image, choices)
        np.testing.assert_array_equal(mask, foreground.cutout(image, alpha)[..., 3])


def test_a_photo_stands_on_the_ground_of_the_scene(page, made):
    run, *_ = made
    name = _send(page, encode(np.zeros([exports.SIZE] * 2 + [3], np.uint8)))
    fields = CHOICES | {"refine": "none", "photo": name, "ground": PART | {"seed": 5}}
    del fields["colour"]
    cut = ask(page, "/cut", fields).json
    scenes = tfcomgan.load(run).generate(1, seed=5, f=0, b=1)
    alpha = _shown(cut["mask"])[..., None] / 255
    mixed = alpha * _shown(cut["cutout"])[..., :3]
    mixed = mixed + (1 - alpha) * to_uint8(scenes.background[0])
    np.testing.assert_allclose(_shown(cut["composed"]), mixed, atol=1)  # Rounding.


def test_a_scene_and_its_layers_are_those_of_the_generator(page, made):
    run, *_ = made
    scenes = tfcomgan.load(run).generate(1, seed=0, f=1, b=1)
    answer = ask(page, "/scene", {"object": PART, "ground": PART}).json
    assert set(answer) == set(scenes._fields)
    for name, layer in scenes._asdict().items():
        pixels = (mask_to_uint8 if name == "mask" else to_uint8)(layer[0])
        difference = _shown(answer[name]).astype(int) - pixels
        assert np.abs(difference).max() <= 1, name  # Rounding in batches of two sizes.


def test_photos_of_one_page_are_unknown_to_another(page):
    one, other = (_send(page, encode(photo())) for _ in range(2))
    assert one != other
    answer = ask(page, "/cut", CHOICES | {"photo": one[:-1] + "_"})
    assert answer.status_code == 410 and "send it again" in answer.json["error"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        (b"https://somewhere.org/a.png", "in no format"),
        (b"/etc/passwd", "in no format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>", "format"),
        (encode(photo())[:100], "cannot be read as a picture"),
        (odd_pictures.png_of_size(30_000, 30_000), "megapixels"),
        (encode(np.zeros([1001, 1000, 3], np.uint8)), "the page takes 1"),
    ],
)  # fmt: skip
def test_what_is_no_photo_is_refused_in_words(page, tmp_path, content, sentence):
    length = {"CONTENT_LENGTH": str(len(content))}
    answer = page.post("/photos", data=content, base_url=HOME, environ_overrides=length)
    assert answer.status_code == 400 and sentence in answer.json["error"]
    assert str(tmp_path) not in answer.text and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("path", "fields", "name"),
    [
        ("/cut", {"refine": "sharp"}, "refine"),
        ("/cut", {"refine": ["none"]}, "refine"),
        ("/cut", {"threshold": 2}, "threshold"),
        ("/cut", {"threshold": "0.5"}, "threshold"),
        ("/cut", {"threshold": True}, "threshold"),
        ("/cut", {"average": 1}, "average"),
        ("/cut", {"colour": "red"}, "colour"),
        ("/cut", {"colour": "url(http://somewhere.org)"}, "colour"),
        ("/cut", {"photo": None}, "photo"),
        ("/cut", {"photo": {"path": "/etc/passwd", "url": "file:///etc/passwd"}}, "photo"),
        ("/save", {"what": "model"}, "what"),
        ("/save", {"what": "__class__"}, "what"),
        ("/scene", {"object": None}, "object"),
        ("/scene", {"object": PART | {"seed": -1}}, "seed"),
        ("/scene", {"object": PART | {"seed": 1.5}}, "seed"),
        ("/scene", {"object": PART | {"seed": 2**31}}, "seed"),
        ("/scene", {"object": PART | {"moves": [0]}}, "moves"),
        ("/scene", {"object": PART | {"moves": [0, 3.1]}}, "moves"),
        ("/scene", {"object": PART | {"moves": [0, 1e999]}}, "moves"),
        ("/scene", {"object": PART | {"moves": [0, 10**400]}}, "moves"),
        ("/cut", {"threshold": 10**400}, "threshold"),
        ("/scene", {"ground": PART | {"code": exports.CODES}}, "code"),
        ("/scene", {"ground": PART | {"code": None}}, "code"),
        ("/scene", {"ground": PART | {"code": True}}, "code"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(page, path, fields, name):
    right = CHOICES | {"what": "mask", "object": PART, "ground": PART}
    right["photo"] = "a"
    answer = ask(page, path, right | fields)
    assert answer.status_code == 400, answer.text
    assert answer.json["error"].startswith(f"`{name}` must be ")


@pytest.mark.parametrize("body", [b" ", b"[]", b"{", b"\xff", b"[" * 10**5, b"1e5"])
def test_what_is_no_json_is_refused(page, body):
    for path in ("/cut", "/save", "/scene"):
        answer = page.post(path, data=body, base_url=HOME)
        assert answer.status_code == 400
        assert "`the request` must be a JSON object" in answer.json["error"]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
