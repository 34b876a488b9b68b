"""Data sets are on the disk before they have their names."""

import pathlib
import sys

import pytest

from tfcomgan.data import making, scenes


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


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
