"""The client of a server: patience, names, what it refuses, and its masks."""

import re
import socket
import sys
import urllib.request

import command
import numpy as np
import picture_bytes
import pytest
import serving_stand_in
import tensorflow as tf
from PIL import Image
from segmenters import exported, pictures

from tfcomgan import client
from tfcomgan.data import pictures as picture_files
from tfcomgan.errors import UserError
from tfcomgan.photos import finding
from tfcomgan.serving import requests, signatures

FILES = [picture_bytes.encode(picture_bytes.photo(), "JPEG", quality=90),
         picture_bytes.encode(pictures(1, 20, 31)[0])]  # fmt: skip
ANSWER = requests.Answer(np.ones([4, 4, 1], np.float32), 50, 37, 1.0)


def _busy(times: int):
    """A server that answers after so many refusals."""
    left = [None] * times

    def ask(files):
        if left:
            left.pop()
            raise requests.Unavailable("the queue is full")
        return [ANSWER for _ in files]

    return ask


def test_waits_double_from_half_a_second():
    waits = []
    ask = requests.patient(_busy(5), attempts=6, first_wait=0.5, sleep=waits.append)
    assert ask([b"a"]) == [ANSWER]
    for wait, longest in zip(waits, [0.5, 1, 2, 4, 8], strict=True):
        assert longest / 2 <= wait <= longest


def test_last_attempt_ends_with_what_to_look_at():
    ask = requests.patient(_busy(3), attempts=3, sleep=lambda _: None)
    with pytest.raises(UserError, match="3 attempts. the queue is full.*--server"):
        ask([b"a"])


def test_refused_request_is_not_sent_again():
    def ask(files):
        asked.append(files)
        raise requests.Rejected("no picture")

    asked = []
    with pytest.raises(requests.Rejected):
        requests.patient(ask)([b"a"])
    assert len(asked) == 1


def test_server_that_is_not_there_is_worth_another_try():
    with socket.socket() as taken:  # Bound, but nobody listens.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(requests.Unavailable, match="refused"):
            requests.connect(f"http://127.0.0.1:{port}")([b"a"])


@pytest.mark.parametrize(
    "address",
    ["", "localhost:8500", "ftp://a:1", "http://", "http://a:port", "http://a:99999"]
    + ["http://[::1", "grpc://:8500", "http://a b:1", "grpc://localhost:x"],
)
def test_address_of_another_kind_is_refused_with_an_example(address):
    with pytest.raises(UserError, match="grpc://localhost:8500 or http://"):
        requests.connect(address)


def test_missing_package_is_named_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(UserError, match="pip install 'tensorflow-serving-api.*http://"):
        requests.connect("grpc://localhost:8500")


def test_each_batch_is_one_request_and_a_broken_picture_is_found_in_it(tmp_path):
    def ask(files):
        asked.append(len(files))
        if bad in files:
            raise requests.Rejected("INVALID_ARGUMENT")
        return [ANSWER for _ in files]

    for i in range(5):
        content = picture_bytes.encode(picture_bytes.photo(4 + i, 5))
        (tmp_path / f"{i}.png").write_bytes(content)
    asked, given = [], finding.find([str(tmp_path)])
    bad = (tmp_path / "3.png").read_bytes()
    found = dict(client.answers(given, ask, batch_size=2))
    assert asked == [2, 2, 1, 1, 1]
    assert list(found) == given
    assert [p.name for p, a in found.items() if isinstance(a, UserError)] == ["3"]
    assert "3.png: INVALID_ARGUMENT" in str(found[given[3]])


def test_mask_is_as_large_as_the_picture_and_255_where_it_is_object(tmp_path):
    (tmp_path / "a.jpg").write_bytes(
        picture_bytes.encode(picture_bytes.photo(), "JPEG")
    )
    client.segment(finding.find([str(tmp_path)]), _busy(0), tmp_path / "out", 1)
    mask = np.asarray(Image.open(tmp_path / "out/a.png"))
    np.testing.assert_array_equal(mask, np.full([50, 37], 255, np.uint8))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "No PICTURE"),
        (["a.jpg"], "No --out"),
        (["a.jpg", "--out=note.txt"], "note.txt cannot be made a folder"),
        (["a.jpg", "--out=masks", "--server=nowhere"], "--server must be as in"),
    ],
)
def test_command_says_what_to_put_right(arguments, message, tmp_path):
    (tmp_path / "note.txt").touch()
    (tmp_path / "a.jpg").touch()
    done = command.python("-m", "tfcomgan.client", *arguments, cwd=tmp_path)
    assert message in done.message


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P"])
def test_the_server_sees_white_where_a_png_has_a_transparent_colour(tmp_path, mode):
    image = picture_bytes.photo().convert(mode)
    grey = np.asarray(image.convert("L"))
    y, x = np.unravel_index(np.argmin(grey), grey.shape)
    clear = image.getpixel((int(x), int(y)))
    (tmp_path / "a.png").write_bytes(picture_bytes.encode(image, transparency=clear))
    expected = picture_files.read(tmp_path / "a.png")
    assert grey[y, x] < 128 and (expected[y, x] == 255).all()
    seen = signatures.decode(tf.constant(client.to_send(tmp_path / "a.png")))
    np.testing.assert_array_equal(seen, expected)


def test_the_server_sees_dark_levels_of_16_bits_as_segment_does(tmp_path):
    """A thermal picture: levels of one twentieth of what its file could hold."""
    levels = np.linspace(300, 4000, 20 * 30).reshape(20, 30).astype(np.uint16)
    Image.fromarray(levels).save(tmp_path / "a.png")
    told = []
    seen = signatures.decode(
        tf.constant(client.to_send(tmp_path / "a.png", told.append))
    ).numpy()
    # All but a thousandth at either end lie between black and white.
    expected = np.clip((levels - 300) / 3700 * 255, 0, 255)
    np.testing.assert_allclose(seen[..., 0], expected, atol=2)
    assert len(told) == 1 and f"{tmp_path / 'a.png'}: 16 bits a pixel" in told[0]


# With a server.


@pytest.fixture(scope="module")
def ready():
    """The stand-in for a server, in a process that has only TensorFlow."""
    return serving_stand_in.start(exported()[1])


@pytest.mark.parametrize("scheme", ["rest", "grpc"])
def test_client_gets_the_masks_and_outlasts_a_busy_server(ready, scheme):
    if scheme == "grpc":
        pytest.importorskip("tensorflow_serving", reason="no tensorflow-serving-api")
    name = {"rest": "http", "grpc": "grpc"}[scheme]
    waits = []
    ask = requests.patient(
        requests.connect(f"{name}://127.0.0.1:{ready[scheme]}"), sleep=waits.append
    )
    faults = f"http://127.0.0.1:{ready['rest']}/faults"
    urllib.request.urlopen(faults, b"2").close()
    answers = ask(FILES)
    assert len(waits) == 2
    model = tf.saved_model.load(str(exported()[1]))
    expected = model.signatures["segment_encoded"](image_bytes=tf.constant(FILES))
    for i, answer in enumerate(answers):
        for field, value in answer._asdict().items():
            np.testing.assert_allclose(value, expected[field][i], rtol=1e-6)


def test_client_writes_masks_of_upright_pictures_and_lists_what_is_broken(
    ready, tmp_path, capsys
):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = picture_bytes.photo(50, 37)
    (tmp_path / "lying.jpg").write_bytes(picture_bytes.encode(image, "JPEG", exif=exif))
    (tmp_path / "b.webp").write_bytes(picture_bytes.encode(image, "WEBP"))
    (tmp_path / "cut.jpg").write_bytes(FILES[0][:-100])
    (tmp_path / "note.txt").write_text("no picture")
    names = ("lying.jpg", "cut.jpg", "note.txt", "b.webp")
    given = finding.find([str(tmp_path / name) for name in names])
    ask = requests.connect(f"http://127.0.0.1:{ready['rest']}")
    with pytest.raises(UserError, match="2 of 4 pictures"):
        client.segment(given, ask, tmp_path / "masks", 4)
    masks = {p.name: Image.open(p) for p in (tmp_path / "masks").glob("*.png")}
    sizes = {name: mask.size for name, mask in masks.items()}
    assert sizes == {"lying.png": (50, 37), "b.png": (37, 50)}
    shown = capsys.readouterr()
    assert "cut.jpg" in shown.err and "note.txt cannot be read" in shown.err
    assert re.search(r"b\.webp  object \d", shown.out)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
