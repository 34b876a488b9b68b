"""The command `play`: what it refuses, what it serves, and what is left when it ends."""

import http.client
import json
import pathlib
import signal
import socket
import sys
import time

import command
import exports
import pytest
from picture_bytes import encode, photo

PART = {"seed": 0, "moves": [0, 0], "code": 1}


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run with both exports, and beside it a folder for temporary files."""
    run = tmp_path_factory.mktemp("model") / "scenes"
    exports.make_segmenter(run)
    exports.make_generator(run)
    return run


def _play(*arguments):
    return command.run(*arguments, module="tfcomgan.play")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    """The command while it runs, its temporary files in a folder of their own."""

    def __init__(self, model: pathlib.Path, temporary: pathlib.Path):
        self.port = _free_port()
        self.running = command.start(
            f"--model={model}",
            f"--port={self.port}",
            "--max_megapixels=1",
            module="tfcomgan.play",
            first=f"import tempfile; tempfile.tempdir = {str(temporary)!r}",
        )
        while self.running.is_running():
            try:
                self.ask("GET", "/about")
                return
            except ConnectionRefusedError:
                time.sleep(0.1)
        raise AssertionError(self.running.wait().err)

    def ask(self, method: str, path: str, body=None, **headers):
        """Status and content of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def end(self) -> command.Done:
        return self.running.kill_when(lambda: True, signal.SIGTERM)


def test_the_page_is_served_and_nothing_is_left_when_it_ends(run_dir, tmp_path):
    server = Server(run_dir, tmp_path)
    try:
        (session,) = tmp_path.iterdir()
        assert session.stat().st_mode & 0o077 == 0  # Nobody else looks into it.
        status, page = server.ask("GET", "/")
        assert status == 200 and b"Your photos" in page
        status, answer = server.ask("POST", "/photos", encode(photo(60, 80)))
        fields = {"photo": json.loads(answer)["photo"], "refine": "grabcut"}
        fields |= {"ground": PART, "what": "composed"}
        for path, start in (("/cut", b'{"mask": "data:'), ("/save", b"\x89PNG")):
            status, answer = server.ask("POST", path, json.dumps(fields))
            assert status == 200 and answer.startswith(start)
        assert list(tmp_path.iterdir()) == [session]
        assert not list(session.iterdir())
        for headers in ({"Host": "evil.com"}, {"Origin": "http://evil.com"}):
            assert server.ask("GET", "/", **headers)[0] == 403
            assert server.ask("POST", "/photos", b"x" * 10**6, **headers)[0] == 403
            assert server.ask("POST", "/scene", b"{}", **headers)[0] == 403
        # Only this machine is listened to.
        lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        places = [line.split()[1] for line in lines if line.split()[3] == "0A"]
        assert f"0100007F:{server.port:04X}" in places
        assert f"00000000:{server.port:04X}" not in places
    finally:
        done = server.end()
    assert done.code == 143 and "Traceback" not in done.err
    assert f"http://127.0.0.1:{server.port}" in done.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("folder", "there"), [("segmenter", "refine"), ("generator", "scenes")]
)
def test_half_a_model_is_half_a_page(run_dir, tmp_path, folder, there):
    server = Server(run_dir / "serving" / folder, tmp_path)
    try:
        status, answer = server.ask("GET", "/about")
        assert status == 200
        assert set(json.loads(answer)) == {"name", "most_bytes", there}
    finally:
        server.end()


def test_a_port_that_is_taken_is_told(run_dir):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = _play(f"--model={run_dir}", f"--port={port}")
    assert done.message.startswith(f"Port {port} cannot be used: it is taken. Try")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "No --model. Try --model=runs/scenes."),
        (["--model=nowhere"], "must be a folder. Received: nowhere"),
        (["--model=gin"], "gin holds no exported segmenter"),
        (["--model=gin", "photo.jpg"], "Pictures are given to the page"),
        (["--model=gin", "--port=70000"], "--port"),
        (["--model=gin", "--max_megapixels=0"], "--max_megapixels"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(arguments, sentence):
    assert sentence in _play(*arguments).message


def test_a_broken_export_is_named(run_dir, tmp_path):
    version = tmp_path / "serving/generator/1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"broken")
    exports.make_segmenter(tmp_path)
    message = _play(f"--model={tmp_path}").message
    assert f"{version} holds no usable generator" in message


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
