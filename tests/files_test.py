"""Files are written whole or not at all."""

import sys

import pytest

from tfcomgan import files


def test_a_text_replaces_the_older_one_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "new/a.txt"
    for text in ("first", "z\u00fcrich"):
        files.write_text(path, text)
        assert path.read_bytes() == text.encode()
    assert list(path.parent.iterdir()) == [path]


def test_what_fails_leaves_the_older_file_alone(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("older")
    with pytest.raises(OSError, match="full"), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise OSError("the disk is full")
    assert path.read_text() == "older" and list(tmp_path.iterdir()) == [path]


def test_content_is_on_the_disk_before_it_has_the_name(tmp_path, monkeypatch):
    """A power cut between the two must not leave an empty file of that name."""
    told = []
    monkeypatch.setattr(files, "sync", lambda path: told.append(path))
    replace = files.os.replace

    def tell(source, target):
        told.append("rename")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", tell)
    with files.replacing(tmp_path / "a") as temporary:
        temporary.write_bytes(b"x")
    assert told == [temporary, "rename", tmp_path]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
