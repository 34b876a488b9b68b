"""Data sets are on the disk before they have their names; damaged ones are named."""

import pathlib
import shutil
import sys

import pytest

from tfcomgan.data import making, reading, scenes
from tfcomgan.errors import UserError


def test_a_data_set_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """A power cut between the two must not leave torn files under the final name."""
    source = scenes.ScenesSource(image_size=32, num_train=3, num_test=2)
    final = pathlib.Path(source.builder(tmp_path, None).data_dir)
    waited = []

    def wait(folder):
        names = {path.name for path in pathlib.Path(folder).iterdir()}
        waited.append((pathlib.Path(folder), names, final.exists()))

    monkeypatch.setattr(making.files, "sync_all", wait)
    monkeypatch.setattr(making.files, "sync", lambda path: waited.append(path))
    source.prepare(tmp_path)
    (folder, names, had_its_name), parent = waited
    assert folder.parent == parent == final.parent
    # The name by which remains of killed processes are known.
    assert folder.name.startswith("incomplete.") and not had_its_name
    assert names == {path.name for path in final.iterdir()}


def _pictures(source, data_dir) -> list[bytes]:
    """All that is stored, found or made."""
    builder = source.prepare(data_dir)
    views = [reading.View(split, crop="full", size=8) for split in ("train", "test")]
    return [
        image.tobytes()
        for view in views
        for rows in reading.rows(builder, source.adapt, view)
        for image in rows.images
    ]


def test_any_file_that_lost_its_end_is_met_by_a_message_that_helps(tmp_path):
    source = scenes.ScenesSource(image_size=8, num_train=3, num_test=2)
    whole = _pictures(source, tmp_path)
    folder = pathlib.Path(source.builder(tmp_path, None).data_dir)
    refused = set()
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        try:
            assert _pictures(source, tmp_path) == whole  # Nobody needs the file.
        except UserError as error:
            refused.add(path.name.split(".")[0])
            assert f"Delete the folder {folder} and give the same" in str(error)
            shutil.rmtree(folder)
            assert _pictures(source, tmp_path) == whole
        else:
            path.write_bytes(content)
    assert refused >= {"dataset_info", "metadata", "scenes-train", "scenes-test"}


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
