"""What killed processes left is swept, and nothing of others."""

import sys

import pytest

from tfcomgan import command_line, run_folder
from tfcomgan.system import files, locks


def _left(path, ending="77"):
    """What a killed process leaves of a file."""
    left = files.unfinished(path, ending)
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text("half")
    return left


def _kept(paths):
    return [path for path in paths if path.exists()]


def test_what_was_left_of_the_names_is_swept(tmp_path):
    names = ("areas.csv", "masks", "coco", "x/y/a.png")
    left = [
        *(_left(tmp_path / "areas.csv"), _left(tmp_path / "x/y/a.png")),
        *(_left(tmp_path / "masks/a.png"), _left(tmp_path / "masks/x/y/a.png")),
        *(
            _left(tmp_path / ".tfcomgan-results"),
            _left(tmp_path / "x/y/.tfcomgan-results"),
        ),
    ]
    left.append(files.unfinished(tmp_path / "coco", "folder"))
    (left[-1] / "images").mkdir(parents=True)
    with command_line.results(tmp_path, *names):
        assert _kept(left) == []


def test_what_is_of_others_stays(tmp_path):
    """Of another process below, of another run, of another command, and the user's own."""
    (tmp_path / "masks").mkdir()
    for name in ("link", "masks/link"):
        (tmp_path / name).symlink_to(tmp_path / "real")
    others = [
        *(_left(tmp_path / "runs/a/pictures/1.png"), _left(tmp_path / "b.csv")),
        *(_left(tmp_path / "masks/held/a.png"), _left(tmp_path / "masks/run/1.png")),
        *(_left(tmp_path / "held/a.png"), _left(tmp_path / "held/x/b.png")),
        _left(tmp_path / "real/a.png"),
    ]
    for name in (".unfinished-essay", "masks/.unfinished-essay", ".unfinished-masks/a"):
        others.append(tmp_path / name)
        others[-1].parent.mkdir(exist_ok=True)
        others[-1].write_text("mine")
    with locks.hold(tmp_path / "masks/run", "--run_dir"):
        pass  # It has ended, and whoever goes on with it sweeps there.
    names = ("masks", "held/a.png", "held/x/b.png", "link")
    with (
        locks.hold(tmp_path / "held", "--out"),
        locks.hold(tmp_path / "masks/held", "--out"),
        command_line.results(tmp_path, *names),
    ):
        assert _kept(others) == others


def test_a_run_sweeps_what_runs_write(tmp_path):
    ours = [
        _left(tmp_path / name)
        for name in ("run.json", "report.html", "logs/train/x", "serving/README.md")
    ]
    ours.append(_left(tmp_path / ".partial-evaluate-0123/unfinished/a.npy"))
    others = [_left(tmp_path / name) for name in ("other/run.json", "notes.txt")]
    files.sweep(tmp_path, run_folder.written(tmp_path))
    assert _kept(ours) == [] and _kept(others) == others


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
