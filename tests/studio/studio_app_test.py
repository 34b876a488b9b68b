"""What the page may ask, what it is answered, and who else is turned away."""

import base64
import io
import sys

import exports
import numpy as np
import odd_pictures
import pytest
from picture_bytes import encode, photo
from PIL import Image
from werkzeug.test import Client

import tfcomgan
from tfcomgan.images import mask_to_uint8, to_uint8
from tfcomgan.photos import edges, foreground
from tfcomgan.serving.export_generator import ExportedGenerator
from tfcomgan.serving.export_segmenter import ExportedSegmenter
from tfcomgan.studio import app, guard
from tfcomgan.studio.album import Album
from tfcomgan.studio.cutouts import Scissors
from tfcomgan.studio.scenes import Painter

HOME = "http://127.0.0.1:7860"
PART = {"seed": 0, "moves": [0, 0], "code": 1}
CHOICES = {"refine": "grabcut", "threshold": None, "colour": "#ffffff"}
MOST_BYTES = 2**20


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a run, its segmenter and its painter."""
    run = tmp_path_factory.mktemp("run")
    segmenter = ExportedSegmenter(exports.make_segmenter(run))
    generator = ExportedGenerator(exports.make_generator(run))
    scissors = Scissors(segmenter, segmenter.image_size)
    return run, scissors, Painter(generator, generator.prior)


@pytest.fixture
def page(made, tmp_path):
    _, scissors, painter = made
    return _client(tmp_path, scissors, painter)


def _client(folder, scissors, painter) -> Client:
    inside = app.App("scenes", Album(folder, 10**6), scissors, painter)
    return Client(guard.Guard(inside, MOST_BYTES))


def _ask(page, path, fields, **more):
    return page.post(path, json=fields, base_url=HOME, **more)


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
        page = _client(tmp_path, *halves)
        about = page.get("/about", base_url=HOME).json
        assert set(about) == {"name", "most_bytes", there}
        assert _ask(page, missing, {}).status_code == 404


def test_a_photo_is_cut_as_by_the_library_and_saved_at_its_size(page, made):
    run, *_ = made
    content = encode(photo(300, 1400))
    name = _send(page, content)
    cut = _ask(page, "/cut", CHOICES | {"photo": name}).json
    assert _shown(cut["mask"]).shape == (219, 1024)  # 1024 / 1400 of 300.
    saved = _ask(page, "/save", CHOICES | {"photo": name, "what": "cutout"})
    assert saved.mimetype == "image/png"
    whole = np.asarray(Image.open(io.BytesIO(saved.data)))
    image = np.asarray(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(whole, tfcomgan.load(run).cutout(image))
    share = np.mean(_shown(cut["mask"]) >= 128)
    np.testing.assert_allclose(cut["share"], share, rtol=1e-6)


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
        mask = _shown(_ask(page, "/cut", fields).json["mask"])
        alpha = edges.opacity(scissors._segmenter, exports.SIZE, image, choices)
        np.testing.assert_array_equal(mask, foreground.cutout(image, alpha)[..., 3])


def test_a_photo_stands_on_the_ground_of_the_scene(page, made):
    run, *_ = made
    name = _send(page, encode(np.zeros([exports.SIZE] * 2 + [3], np.uint8)))
    fields = CHOICES | {"refine": "none", "photo": name, "ground": PART | {"seed": 5}}
    del fields["colour"]
    cut = _ask(page, "/cut", fields).json
    scenes = tfcomgan.load(run).generate(1, seed=5, f=0, b=1)
    alpha = _shown(cut["mask"])[..., None] / 255
    mixed = alpha * _shown(cut["cutout"])[..., :3]
    mixed = mixed + (1 - alpha) * to_uint8(scenes.background[0])
    np.testing.assert_allclose(_shown(cut["composed"]), mixed, atol=1)  # Rounding.


def test_a_scene_and_its_layers_are_those_of_the_generator(page, made):
    run, *_ = made
    scenes = tfcomgan.load(run).generate(1, seed=0, f=1, b=1)
    answer = _ask(page, "/scene", {"object": PART, "ground": PART}).json
    assert set(answer) == set(scenes._fields)
    for name, layer in scenes._asdict().items():
        pixels = (mask_to_uint8 if name == "mask" else to_uint8)(layer[0])
        difference = _shown(answer[name]).astype(int) - pixels
        assert np.abs(difference).max() <= 1, name  # Rounding in batches of two sizes.


def test_photos_of_one_page_are_unknown_to_another(page):
    one, other = (_send(page, encode(photo())) for _ in range(2))
    assert one != other
    answer = _ask(page, "/cut", CHOICES | {"photo": one[:-1] + "_"})
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
        ("/scene", {"ground": PART | {"code": exports.CODES}}, "code"),
        ("/scene", {"ground": PART | {"code": None}}, "code"),
        ("/scene", {"ground": PART | {"code": True}}, "code"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(page, path, fields, name):
    right = CHOICES | {"what": "mask", "object": PART, "ground": PART}
    right["photo"] = "a"
    answer = _ask(page, path, right | fields)
    assert answer.status_code == 400, answer.text
    assert answer.json["error"].startswith(f"`{name}` must be ")


@pytest.mark.parametrize("body", [b" ", b"[]", b"{", b"\xff", b"[" * 10**5, b"1e5"])
def test_what_is_no_json_is_refused(page, body):
    for path in ("/cut", "/save", "/scene"):
        answer = page.post(path, data=body, base_url=HOME)
        assert answer.status_code == 400
        assert "`the request` must be a JSON object" in answer.json["error"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/../play.py", 404),
        ("/file=/etc/passwd", 404),
        ("/app.py", 404),
        ("/cut", 405),
    ],
)
def test_only_the_pages_own_files_are_given(page, path, status):
    answer = page.get(path, base_url=HOME)
    assert answer.status_code == status and "error" in answer.json


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js"])
def test_the_page_names_no_other_place(page, path):
    answer = page.get(path, base_url=HOME)
    assert answer.status_code == 200
    assert "//" not in answer.text.replace("// ", "").replace(" //", "")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy and "http" not in policy
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in answer.headers


REQUESTS = [("GET", "/"), ("GET", "/about"), ("POST", "/photos"), ("POST", "/cut")]
REQUESTS += [("POST", "/save"), ("POST", "/scene"), ("GET", "/nowhere")]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.com"},  # DNS rebinding: a strange name for this address.
        {"Host": "evil.com:7860", "Origin": "http://evil.com:7860"},
        {"Host": "127.0.0.1.evil.com"},
        {"Host": "localhost@evil.com"},
        {"Host": ""},
        {"Host": "0.0.0.0:7860"},
        {"Host": "[::1]:7860"},
        {"Origin": "http://evil.com"},  # A strange page asks.
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "https://127.0.0.1:7860"},
        {"Origin": "http://localhost:7860"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_who_is_not_the_page_is_turned_away(page, method, path, headers):
    answer = page.open(path, method=method, base_url=HOME, headers=headers, data=b"{}")
    assert answer.status_code == 403
    assert not answer.data.startswith(b"{") and "default-src" in str(answer.headers)


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:9000", "localhost"])
def test_the_page_itself_is_let_in_by_every_name_of_this_machine(page, host):
    headers = {
        "Host": host,
        "Origin": f"http://{host}",
        "Sec-Fetch-Site": "same-origin",
    }
    answer = _ask(page, "/scene", {"object": PART, "ground": PART}, headers=headers)
    assert answer.status_code == 200
    assert page.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"CONTENT_LENGTH": str(MOST_BYTES + 1)}, 413),
        ({"CONTENT_LENGTH": "9" * 30}, 413),
        ({"CONTENT_LENGTH": "-1"}, 411),
        ({"CONTENT_LENGTH": "²"}, 411),
        ({"CONTENT_LENGTH": ""}, 411),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
        ({"REQUEST_METHOD": "PUT"}, 405),
        ({"REQUEST_METHOD": "OPTIONS"}, 405),
    ],
)
def test_bodies_of_no_told_or_too_great_a_length_are_not_read(page, environ, status):
    class Unread(io.BytesIO):
        def read(self, *size):
            raise AssertionError("It was read.")

    answer = page.post(
        "/photos",
        base_url=HOME,
        environ_overrides=environ | {"wsgi.input": Unread(b"x")},
    )
    assert answer.status_code == status


def test_a_defect_is_told_without_its_details(made, tmp_path, monkeypatch, caplog):
    _, scissors, painter = made
    page = _client(tmp_path, scissors, painter)
    monkeypatch.setattr(painter, "_paint", lambda latents: 1 / 0)
    answer = _ask(page, "/scene", {"object": PART, "ground": PART})
    assert answer.status_code == 500 and "ZeroDivision" not in answer.text
    assert "ZeroDivisionError" in caplog.text


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
