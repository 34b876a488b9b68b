"""Tests of `tfcomgan.data.digests`: files are read once, and again when they change."""

import hashlib
import os
import sys
import time

import pytest

from tfcomgan.data import digests

OLD = time.time() - 1000


@pytest.fixture
def root(tmp_path):
    """Files of an hour ago; the time of their records is faked, as nobody can set it."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name in ("a.jpg", "more/b c.jpg", "größe\n.png"):
        (folder / name).write_bytes(name.encode())
        os.utime(folder / name, (OLD, OLD))
    return folder


@pytest.fixture
def data_dir(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def read(monkeypatch):
    """The names of files that were read; each call is that of another process."""
    names, digest = [], digests._digest

    def noted(path):
        names.append(os.path.basename(path))
        return digest(path)

    monkeypatch.setattr(digests, "_digest", noted)
    monkeypatch.setattr(digests, "_SOON", -(10**9))  # All are old.
    return names


def _names(root):
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def _of_files(root, data_dir):
    digests._known.clear()
    return dict(
        zip(_names(root), digests.of_files(root, _names(root), data_dir), strict=True)
    )


def _expected(root):
    return {
        n: hashlib.sha256((root / n).read_bytes()).hexdigest() for n in _names(root)
    }


def test_the_next_process_reads_only_what_has_changed(root, data_dir, read):
    assert _of_files(root, data_dir) == _expected(root) and len(read) == 3
    read.clear()
    assert _of_files(root, data_dir) == _expected(root) and not read
    (root / "a.jpg").write_bytes(b"b.jpg")
    os.utime(root / "a.jpg", (OLD, OLD))  # The same size and time.
    (root / "new.jpg").write_bytes(b"new")
    (root / "more/b c.jpg").unlink()
    assert _of_files(root, data_dir) == _expected(root)
    assert sorted(read) == ["a.jpg", "new.jpg"]
    read.clear()
    assert _of_files(root, data_dir) == _expected(root) and not read


def test_what_changed_a_moment_ago_is_read_again(root, data_dir, read, monkeypatch):
    monkeypatch.setattr(digests, "_SOON", 2 * 10**9)
    _of_files(root, data_dir)
    _of_files(root, data_dir)
    assert len(read) == 6


def test_without_a_data_folder_the_process_alone_remembers(root, tmp_path, read):
    for _ in range(2):
        digests.of_files(root, _names(root), tmp_path / "missing")
    assert len(read) == 3 and not (tmp_path / "missing").exists()


@pytest.mark.parametrize("text", ["", "other\n", "tfcomgan digests 1\nx y\n"])
def test_a_damaged_ledger_is_written_anew(root, data_dir, read, text):
    _of_files(root, data_dir)
    (ledger,) = (data_dir / digests.FOLDER).iterdir()
    content = ledger.read_text()
    ledger.write_text(text)
    assert _of_files(root, data_dir) == _expected(root) and len(read) == 6
    assert ledger.read_text() == content


def test_a_file_that_is_gone_has_the_name_of_the_error(root, data_dir):
    (found,) = digests.of_files(root, ["gone.jpg"], data_dir)
    assert found == "FileNotFoundError"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
