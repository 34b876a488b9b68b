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


@pytest.mark.parametrize("other", ["empty", "away"])
def test_a_watched_folder_that_is_empty_or_away_stops_no_other(
    run_dir, tmp_path, other
):
    """Nor changes the names of the others' results, which are told apart from its own."""
    first, second, masks = tmp_path / "1", tmp_path / "2", tmp_path / "out/masks"
    first.mkdir()
    second.mkdir()
    if other == "away":
        Image.fromarray(picture()).save(second / "a.png")
    Image.fromarray(picture()).save(first / "a.png")
    flags = (f"--model={run_dir}", f"--out={masks.parent}", "--watch")
    running = command.start(first, second, *flags, module=MODULE)
    _wait_for(masks / ("a.png" if other == "empty" else "a.png-2.png"), running)
    if other == "away":
        second.rename(tmp_path / "gone")
    Image.fromarray(picture()).save(first / "b.png")
    _wait_for(masks / "b.png", running)
    os.kill(running.pid, signal.SIGINT)
    assert running.wait().code == 130
    names = {"empty": {"a.png", "b.png"}, "away": {"a.png.png", "a.png-2.png", "b.png"}}
    assert {path.name for path in masks.glob("*.png")} == names[other]


def _wait_for(path, running, seconds=120):
    end = time.monotonic() + seconds
    while not path.exists():
        assert running.is_running() and time.monotonic() < end, path
        time.sleep(0.05)


def test_pictures_are_segmented_as_they_come_until_ctrl_c(run_dir, tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "photos/out"
    photos.mkdir()
    Image.fromarray(picture()).save(photos / "a.png")
    whole = (photos / "a.png").read_bytes()
    flags = (f"--model={run_dir}", f"--out={out}", "--watch", "--json")
    running = command.start(photos, *flags, module=MODULE)

    def wait_for(name):
        _wait_for(out / "masks" / name, running)

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
