"""Artifacts of a run folder that may be a stranger's."""

import sys

import pytest

from pipelines.artifacts import Examples
from pipelines.cache import Record
from tfcomgan.data import scenes
from tfcomgan.errors import UserError


def _examples(tmp_path, **made):
    record = Record(
        folder=tmp_path / "prepare",
        fingerprint="0",
        parameters={},
        info={"source": {"settings": {}} | made},
    )
    return Examples(record, tmp_path / "data", None)


def test_a_data_set_is_made_from_its_description(tmp_path):
    source = scenes.ScenesSource(image_size=16, num_train=3)
    assert _examples(tmp_path, **Examples.describe(source)).source() == source


@pytest.mark.parametrize(
    "module, name",
    [("os", "getcwd"), ("tfcomgan.main", "run"), ("tfcomgan.database", "Source")],
)
def test_a_module_that_is_no_data_set_of_ours_is_not_imported(tmp_path, module, name):
    with pytest.raises(UserError, match=f"of the module '{module}', not of"):
        _examples(tmp_path, module=module, name=name).source()


@pytest.mark.parametrize("name", ["move", "shutil", "none", "_WORK"])
def test_what_is_no_data_set_is_not_called(tmp_path, name):
    victim = tmp_path / "victim"
    victim.mkdir()
    settings = {"work": str(victim), "folder": str(tmp_path), "names": []}
    made = dict(module="tfcomgan.data.decoding", name=name, settings=settings)
    with pytest.raises(UserError, match=f"made by '{name}', which is no data set"):
        _examples(tmp_path, **made).source()
    assert victim.is_dir()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
