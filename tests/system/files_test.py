"""Files are written whole or not at all."""

import errno
import os
import signal
import subprocess
import sys

import pytest

from tfcomgan.system import files


def test_a_text_replaces_the_older_one_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "new/a.txt"
    for text in ("first", "z\u00fcrich"):
        files.write_text(path, text)
        assert path.read_bytes() == text.encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_text_is_renewed_only_where_it_is_another(tmp_path):
    path = tmp_path / "a.txt"
    files.renew_text(path, "first")
    os.utime(path, ns=(1, 1))
    files.renew_text(path, "first")
    assert path.stat().st_mtime_ns == 1
    path.write_text("fir")
    files.renew_text(path, "first")
    assert path.read_text() == "first"


def test_what_fails_leaves_the_older_file_alone(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("older")
    with pytest.raises(OSError, match="full"), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise OSError("the disk is full")
    assert path.read_text() == "older" and list(tmp_path.iterdir()) == [path]


def test_a_folder_replaces_the_older_one_when_it_is_whole(tmp_path):
    place = tmp_path / "results"
    place.mkdir()
    (place / "old").write_text("old")
    with pytest.raises(OSError, match="full"), files.replacing_folder(place) as made:
        (made / "new").write_text("new")
        raise OSError("full")
    assert [p.name for p in tmp_path.rglob("*")] == ["results", "old"]
    with files.replacing_folder(place) as made:
        name = made.name
    (place.with_name(name) / "killed").mkdir(parents=True)
    (place / "old").write_text("old")
    with files.replacing_folder(place) as made:
        (made / "new").write_text("new")
        assert (place / "old").exists()
    assert [p.name for p in tmp_path.rglob("*")] == ["results", "new"]


def _replace_until(monkeypatch, number, error):
    """Lets renames pass, but for one."""
    replace, count = os.replace, iter(range(1, 100))

    def renamed(source, target):
        if next(count) == number:
            raise error
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", renamed)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch, number, error):
    place = tmp_path / "results"
    place.mkdir()
    (place / "old").write_text("old")
    _replace_until(monkeypatch, number, error)
    with pytest.raises(type(error)), files.replacing_folder(place) as made:
        (made / "new").write_text("new")
    assert [p.name for p in tmp_path.rglob("*")] == ["results", "old"]


def test_a_folder_whose_replacing_was_killed_is_not_swept_and_comes_back(tmp_path):
    place = tmp_path / "results"
    place.mkdir()
    (place / "old").write_text("old")
    code = f"""
import os, signal
from tfcomgan.system import files
replace, names = os.replace, []
def renamed(source, target):
    names.append(source)
    if len(names) == 2:  # The older one is away, the newer one not there yet.
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = renamed
with files.replacing_folder({str(place)!r}) as made:
    (made / "new").write_text("new")
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL and not place.exists()
    files.sweep(tmp_path, ["results"])
    with pytest.raises(OSError, match="full"), files.replacing_folder(place):
        raise OSError("full")
    assert [p.name for p in tmp_path.rglob("*")] == ["results", "old"]


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


def test_folder_and_all_in_it_are_on_the_disk_before_it_has_the_name(
    tmp_path, monkeypatch
):
    told, replace = [], os.replace
    monkeypatch.setattr(files, "sync", lambda path: told.append(str(path)))

    def tell(source, target):
        told.append("rename")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", tell)
    made, place = tmp_path / "made", tmp_path / "new" / "place"
    place.parent.mkdir()
    (made / "deep").mkdir(parents=True)
    (made / "deep/file").write_text("x")
    (made / "file").write_text("y")
    files.publish(made, place)
    before = {str(made / name) for name in ("", "deep", "deep/file", "file")}
    assert set(told[:4]) == before and told[4:] == ["rename", str(place.parent)]
    assert (place / "deep/file").read_text() == "x" and not made.exists()


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_disk_that_cannot_promise_is_no_error(tmp_path, monkeypatch, number):
    monkeypatch.setattr(files.os, "fsync", _raiser(number))
    files.write_text(tmp_path / "a", "text")
    assert (tmp_path / "a").read_text() == "text"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_disk_that_fails_at_the_last_moment_leaves_the_older_file(
    tmp_path, monkeypatch, number
):
    (tmp_path / "a").write_text("older")
    monkeypatch.setattr(files.os, "fsync", _raiser(number))
    with pytest.raises(OSError) as caught:
        files.write_text(tmp_path / "a", "newer")
    assert caught.value.errno == number
    assert (tmp_path / "a").read_text() == "older"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def _raiser(number):
    def fail(descriptor):
        raise OSError(number, os.strerror(number))

    return fail


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
