"""What an archive holds stays in the folder it is unpacked to, whatever its names say."""

import io
import pathlib
import sys
import tarfile
import types
import zipfile

import pytest
import tensorflow_datasets as tfds

from tfcomgan.data import manual

URL = "https://example.org/pictures"


def _tar(path: pathlib.Path, outside: pathlib.Path) -> None:
    def add(name, content=b"evil", **kind):
        info = tarfile.TarInfo(name)
        info.size = len(content)
        for key, value in kind.items():
            setattr(info, key, value)
        archive.addfile(info, io.BytesIO(content))

    with tarfile.open(path, "w:gz") as archive:
        add("good/a.txt", b"good")
        for name in ("../up.txt", "good/../../up.txt", f"{outside}/absolute.txt"):
            add(name)
        link = {"type": tarfile.SYMTYPE, "linkname": str(outside)}
        add("link", b"", **link)
        add("link/through.txt")
        link = {"type": tarfile.SYMTYPE, "linkname": str(outside / "secret.txt")}
        add("good/secret.txt", b"", **link)
        add("good/hard.txt", b"", **link | {"type": tarfile.LNKTYPE})


def _zip(path: pathlib.Path, outside: pathlib.Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good/a.txt", "good")
        for name in ("../up.txt", "good/../../up.txt", f"{outside}/absolute.txt"):
            archive.writestr(name, "evil")
        link = zipfile.ZipInfo("good/secret.txt")
        link.external_attr = 0o120777 << 16  # A symbolic link, as Unix writes it.
        archive.writestr(link, str(outside / "secret.txt"))


@pytest.mark.parametrize(("make", "suffix"), [(_tar, "tgz"), (_zip, "zip")])
def test_archive_cannot_leave_its_folder(tmp_path, make, suffix):
    outside, by_hand = tmp_path / "outside", tmp_path / "by_hand"
    outside.mkdir()
    by_hand.mkdir()
    (outside / "secret.txt").write_text("secret")
    make(by_hand / f"pictures.{suffix}", outside)
    url = f"{URL}.{suffix}"
    builder = types.SimpleNamespace(
        ARCHIVES=[manual.Archive(url, "pictures")], manual_dir=by_hand
    )
    downloads = tfds.download.DownloadManager(download_dir=tmp_path / "downloads")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    made = manual.Manager(downloads, builder).download_and_extract(url)
    assert (made / "good/a.txt").read_text() == "good"
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(tmp_path / "downloads") for path in new)
    assert not [path for path in new if path.is_symlink()]
    assert "secret" not in {path.read_text() for path in new}
    assert sorted(outside.iterdir()) == [outside / "secret.txt"]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
