"""The client against servers that are none, by the command line."""

import contextlib
import http.server
import json
import pathlib
import shutil
import socketserver
import ssl
import subprocess
import sys
import threading

import command
import numpy as np
import pytest
from PIL import Image

from tfcomgan.photos import finding

MODULE = "tfcomgan.client"
# The waits between attempts are tested elsewhere.
NO_WAITS = """
from tfcomgan.serving import requests
requests.patient.__kwdefaults__["sleep"] = lambda seconds: None
"""
ROW = {"mask": [[[1.0]]], "height": 9, "width": 8, "foreground_area": 1.0}


def good(count: int) -> bytes:
    return json.dumps({"predictions": [ROW] * count}).encode()


@contextlib.contextmanager
def server(*answers, context=None):
    """Gives these answers in turn, the last for ever: (code, body) or raw bytes."""
    left = list(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = left.pop(0) if len(left) > 1 else left[0]
            if callable(answer):
                answer = (200, answer(len(json.loads(body)["instances"])))
            if isinstance(answer, bytes):
                self.wfile.write(answer)
                self.close_connection = True
                return
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        if context is not None:  # Each connection greets in its own thread.
            running.socket = context.wrap_socket(
                running.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def photos(tmp_path):
    for i, name in enumerate(("a.png", "x/b.png")):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(i).integers(0, 256, [9, 8, 3], np.uint8)
        Image.fromarray(noise).save(path)
    return tmp_path / "photos"


def ask(photos, address, *more, scheme="http", first=NO_WAITS):
    return command.run(
        photos,
        f"--server={scheme}://{address}",
        f"--out={photos.parent / 'out'}",
        *more,
        module=MODULE,
        first=first,
    )


def masks(photos) -> list[str]:
    out = photos.parent / "out"
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*.png"))


def test_folders_are_taken_as_segment_takes_them(photos):
    with server(good) as address:
        done = ask(photos, address).check()
        assert masks(photos) == ["a.png", "x/b.png"]
        assert f"{photos}/x/b.png  object 100.0%" in done.out
        ask(photos, address).check()  # Its own results may be overwritten.


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            (200, b"<html>Log in</html>"),
            "no TensorFlow Serving, or not its REST port; it ",
        ),
        ((200, b""), "it answers: nothing. REST is http://HOST:8501, gRPC grpc://HOST"),
        ((200, b"[]"), "it answers: []"),
        ((200, b'{"predictions": 3}'), "2 of 2 pictures could not be segmented"),
        (b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x64\r\n\r\n", "does not speak HTTP. REST is"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "No answer in 6 attempts"),
        (b"", "No answer in 6 attempts"),
        (
            (404, b"<h1>Not Found</h1>"),
            "answers 404: <h1>Not Found</h1>. Is the server up",
        ),
        ((200, b"[" * 100_000), "no TensorFlow Serving, or not its REST port; it "),
        ((401, b"Who are you?"), "answers 401: Who are you?. So does no TensorFlow"),
        (
            b"HTTP/1.1 307 Moved\r\nLocation: http://[::1]:9/\r\nContent-Length: 0\r\n\r\n",
            "answers 307: Moved. So does no TensorFlow Serving",
        ),
        (
            b"HTTP/1.1 400 Bad\r\nContent-Length: 99\r\n\r\n{",
            "2 of 2 pictures could not be segmented",
        ),
        (
            b"HTTP/1.1 503 Busy\r\nContent-Length: 99\r\n\r\n{",
            "answers 503: an answer that is cut off. Is the server up",
        ),
    ],
    ids=[
        *("html", "empty", "list", "number", "grpc port", "short", "closed", "404"),
        *("nested", "401", "307", "400 cut off", "503 cut off"),
    ],
)
def test_what_is_no_answer_is_told_once(photos, answer, message):
    with server(answer) as address:
        done = ask(photos, address)
    assert message in done.message
    assert masks(photos) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": [[[float("nan")]]]}, "values that are no probabilities"),
        ({"mask": [[[2.0]]]}, "values that are no probabilities"),
        ({"mask": [1.0]}, "a mask is of shape [1], not [S,S,1]"),
        ({"mask": "?"}, "cannot be used: could not convert"),
        ({"height": -9}, "a picture is of 8 x -9 pixels"),
        ({"width": 1e12}, "a picture is of 1000000000000 x 9 pixels"),
        ({"foreground_area": None}, "cannot be used"),
        ({"more": 1}, "unexpected keyword argument 'more'"),
    ],
)
def test_a_wrong_answer_to_one_picture_stops_no_other(photos, change, message):
    def wrong(count):
        return json.dumps({"predictions": [ROW, ROW | change][:count]}).encode()

    # To both at once, then to each alone.
    with server(wrong, good, lambda count: only(change)) as address:
        done = ask(photos, address)
    assert "1 of 2 pictures could not be segmented" in done.message
    assert f"{photos}/x/b.png: " in done.err and message in done.err
    assert masks(photos) == ["a.png"]


def only(change) -> bytes:
    return json.dumps({"predictions": [ROW | change]}).encode()


@pytest.mark.parametrize("code", [404, 408, 429, 502, 503, 504])
def test_a_server_that_is_not_ready_is_asked_again(photos, code):
    loading = (code, b'{"error": "Servable not found for request: Latest(segmenter)"}')
    with server(loading, loading, good) as address:
        ask(photos, address).check()
    assert len(masks(photos)) == 2


def test_no_proxy_is_asked_for_this_machine(photos):
    proxy = "\nimport os\nfor name in ('http_proxy', 'HTTP_PROXY', 'all_proxy'):\n"
    proxy += "    os.environ[name] = 'http://127.0.0.1:9'\n"
    with server(good) as address:
        ask(photos, address, first=NO_WAITS + proxy).check()
        by_name = address.replace("127.0.0.1", "localhost")
        ask(photos, by_name, first=NO_WAITS + proxy).check()


@pytest.mark.parametrize(
    "address",
    [
        *("localhost:x", "localhost:99999", "[::1", "a b", "a..b", "a" * 64 + ":1"),
        *("localhost:9/é", "localhost:9?x=1", "localhost:9#x", "me:pw@localhost:9"),
    ],
)
def test_an_address_that_is_none_is_told_at_once(photos, address):
    for scheme in ("http", "grpc"):
        message = ask(photos, address, scheme=scheme).message
        assert "--server must be as in grpc://localhost:8500" in message


def test_a_scheme_may_have_capitals(photos):
    with server(good) as address:
        ask(photos, address, scheme="HTTP").check()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_a_certificate_that_nobody_knows(photos, tmp_path):
    both = tmp_path / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a",
         "-keyout", both, "-out", tmp_path / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    both.write_bytes(both.read_bytes() + (tmp_path / "certificate.pem").read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    with server(good, context=context) as address:
        message = ask(photos, address, scheme="https").message
    assert "certificate" in message and "SSL_CERT_FILE" in message


def test_https_to_a_port_of_http(photos):
    with server(good) as address:
        assert "Is it http, not https?" in ask(photos, address, scheme="https").message


def test_grpc_to_the_port_of_rest(photos):
    pytest.importorskip("tensorflow_serving", reason="no tensorflow-serving-api")
    with server(good) as address:
        message = ask(photos, address, scheme="grpc").message
    assert "REST is http://HOST:8501, gRPC grpc://HOST:8500" in message


def test_a_port_where_nobody_listens(photos):
    with socketserver.TCPServer(("127.0.0.1", 0), None, False) as free:
        free.server_bind()
        message = ask(photos, f"127.0.0.1:{free.server_address[1]}").message
    assert "No answer in 6 attempts" in message and "--server its address" in message


def test_pictures_of_ones_own_are_not_overwritten(photos):
    (photos / "a.jpg").write_bytes((photos / "a.png").read_bytes())
    (photos / "a.png").unlink()
    Image.new("RGB", (3, 3)).save(photos / "x/b.jpg")
    before = (photos / "x/b.png").read_bytes()
    with server(good) as address:
        done = command.run(
            photos / "a.jpg", photos / "x/b.jpg", f"--server=http://{address}",
            f"--out={photos / 'x'}", module=MODULE, first=NO_WAITS,
        )  # fmt: skip
    assert f"would overwrite {photos / 'x/b.png'}" in done.message
    assert (photos / "x/b.png").read_bytes() == before


def test_masks_among_the_pictures_are_not_taken_for_pictures(photos):
    """Whatever their folders and names; the same command may be given again."""
    given = {photos / name for name in ("a.jpg", "x/b.jpg", "#1.jpg", "a\nb.jpg")}
    whole = (photos / "a.png").read_bytes()
    shutil.rmtree(photos)
    for path in given:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole)
    with server(good) as address:
        flags = (photos, f"--server=http://{address}", f"--out={photos}")
        for _ in range(2):
            command.run(*flags, module=MODULE, first=NO_WAITS).check()
    masks = {path.with_suffix(".png") for path in given}
    assert set(photos.rglob("*.png")) == masks
    assert {pathlib.Path(photo.path) for photo in finding.find([str(photos)])} == given


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
