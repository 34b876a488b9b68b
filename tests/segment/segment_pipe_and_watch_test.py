"""`segment` between pipes, and on folders that it watches."""

import json
import os
import signal
import sys
import time

import command
import numpy as np
import pytest
from bright_photos import COLUMNS, MODULE, OBJECT, ROWS, picture, read, segment
from PIL import Image


def _piped(run_dir, given, made, *flags) -> command.Done:
    first = (
        "import os\n"
        f"os.dup2(os.open({str(given)!r}, os.O_RDONLY), 0)\n"
        f"os.dup2(os.open({str(made)!r}, os.O_WRONLY | os.O_CREAT), 1)"
    )
    return segment(run_dir, None, "-", *flags, first=first)


def test_standard_input_to_standard_output(run_dir, tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    _piped(run_dir, tmp_path / "a.png", tmp_path / "cut").check()
    cut = read(tmp_path / "cut")
    assert (cut[ROWS, COLUMNS] == (*OBJECT, 255)).all()
    assert np.count_nonzero(cut[..., 3]) == 18 * 24
    _piped(run_dir, tmp_path / "a.png", tmp_path / "mask", "--write=masks").check()
    np.testing.assert_array_equal(read(tmp_path / "mask"), cut[..., 3])
    (tmp_path / "text").write_text("no picture")
    done = _piped(run_dir, tmp_path / "text", tmp_path / "nothing")
    assert "Standard input cannot be read as a picture: " in done.message
    assert (tmp_path / "nothing").read_bytes() == b""


def test_pictures_are_segmented_as_they_come_until_ctrl_c(run_dir, tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "photos/out"
    photos.mkdir()
    Image.fromarray(picture()).save(photos / "a.png")
    whole = (photos / "a.png").read_bytes()
    flags = (f"--model={run_dir}", f"--out={out}", "--watch", "--json")
    running = command.start(photos, *flags, module=MODULE)

    def wait_for(name):
        while not (out / "masks" / name).exists():
            assert running.is_running() and time.monotonic() < end
            time.sleep(0.05)

    end = time.monotonic() + 120
    wait_for("a.png")
    (photos / "broken.png").write_bytes(whole[:99])
    (photos / "x").mkdir()
    (photos / "x/b.png").write_bytes(whole)
    wait_for("x/b.png")
    (photos / "broken.png").write_bytes(whole)  # Now it is complete.
    wait_for("broken.png")
    time.sleep(0.3)  # For areas.json of that round.
    os.kill(running.pid, signal.SIGINT)
    done = running.wait()
    assert done.code == 130 and "Traceback" not in done.err
    assert f"watching {photos}; Ctrl-C ends" in done.err
    assert done.err.count("skipped: ") == 1  # Not once a second.
    names = {record["name"] for record in json.loads((out / "areas.json").read_text())}
    assert names == {"a", "x/b", "broken"}


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
