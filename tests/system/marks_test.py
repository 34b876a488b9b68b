"""The mark of folders with results: what is marked, and which names it holds."""

import sys

import pytest

from tfcomgan.data import walking
from tfcomgan.system import marks


def test_a_folder_that_is_not_ours_is_not_marked_whole(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old/mine.png").touch()
    marks.make(tmp_path / "old", "a.png")
    marks.make(tmp_path / "old", "b.png")
    marks.make(tmp_path / "new/below", "a.png")
    assert marks.read(tmp_path / "old") == {"a.png", "b.png"}
    assert marks.read(tmp_path / "new/below") == {marks.ALL}
    (tmp_path / "new/below" / marks.NAME).unlink()
    assert not marks.read(tmp_path / "new/below")


@pytest.mark.parametrize("name", ["#1.png", "%41.png", "a\nb\r.png", "a\u2028.png"])
def test_a_mark_holds_any_name(tmp_path, name):
    (tmp_path / "mine.png").touch()
    marks.make(tmp_path, name, "b.png")
    marks.make(tmp_path, "c.png")  # Keeps what was there.
    assert marks.read(tmp_path) == {name, "b.png", "c.png"}


def test_folders_below_have_marks_of_their_own(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/mine.png").touch()
    marks.make(tmp_path, "a.png", "x/a.png", "x/y/a.png")
    marked = {folder: marks.read(tmp_path / folder) for folder in ("", "x", "x/y")}
    assert marked == {"": {"a.png"}, "x": {"a.png"}, "x/y": {marks.ALL}}
    for name in ("a.png", "x/a.png", "x/y/a.png", "x/y/b.png"):
        (tmp_path / name).touch()
        assert marks.foreign(tmp_path, name) is None
    assert marks.foreign(tmp_path, "x/mine.png") == tmp_path / "x/mine.png"
    assert walking.walk(tmp_path).files == ["x/mine.png"]


def test_marks_of_older_versions_are_read(tmp_path):
    """Names of folders below stood above, and as they are: #1.png was no comment."""
    head = "# Results of tfcomgan, not taken for pictures of yours: delete this, and they are."
    names = ["#1.png", "%41.png", "x/y/a.png"]
    (tmp_path / marks.NAME).write_text("\n".join([head, *names]) + "\n")
    (tmp_path / "x/y").mkdir(parents=True)
    for name in (*names, "x/mine.png"):
        (tmp_path / name).touch()
    for _ in range(2):
        assert marks.foreign(tmp_path, *names) is None
        assert walking.walk(tmp_path).files == ["x/mine.png"]
        marks.make(tmp_path, "b.png")  # Written anew.


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
