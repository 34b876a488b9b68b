"""Exports that are killed at their end, and what lies beside them."""

import json
import shutil
import signal
import sys

import command
import pytest
from command import tiny

from tfcomgan.serving import versions

# The process dies around the rename that ends in $PLACE.
KILL = """
import os, signal
def _killing(real):
    def rename(source, target, **kwargs):
        is_time = str(target).endswith({place!r})
        if is_time and {is_before}:
            os.kill(os.getpid(), signal.SIGKILL)
        done = real(source, target, **kwargs)
        if is_time:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return rename
os.replace, os.rename = _killing(os.replace), _killing(os.rename)
"""


@pytest.fixture
def unexported(run_dir):
    """A run whose export is still to be made."""
    shutil.rmtree(run_dir / "export")
    shutil.rmtree(run_dir / "serving")
    return run_dir


def _kill(run_dir, place: str, *more: str, is_before: bool) -> None:
    first = KILL.format(place=place, is_before=is_before)
    done = command.run(*tiny(run_dir, *more), first=first)
    assert done.code == -signal.SIGKILL, done.err


def _versions(run_dir) -> dict[str, list[int]]:
    names = (versions.SEGMENTER, versions.GENERATOR)
    return {name: versions.versions(run_dir / "serving" / name) for name in names}


@pytest.mark.parametrize(
    ("place", "is_before", "kept"),
    [
        ("serving/segmenter/1", False, {"segmenter"}),
        ("serving/generator/1", True, {"segmenter"}),
        ("serving/generator/1", False, {"segmenter", "generator"}),
        ("/export", True, {"segmenter", "generator"}),
        ("/export", False, {"segmenter", "generator"}),
    ],
)
def test_a_version_that_a_killed_export_published_is_taken(
    unexported, place, is_before, kept
):
    _kill(unexported, place, is_before=is_before)
    before = command.changes(unexported / "serving")
    published = {n for n, numbers in _versions(unexported).items() if numbers}
    assert published == kept
    command.run(*tiny(unexported)).check()
    assert _versions(unexported) == {"segmenter": [1], "generator": [1]}
    after = command.changes(unexported / "serving")
    for name in kept:
        files = [file for file in before if file.startswith(f"{name}/1/")]
        assert files and all(after[file] == before[file] for file in files)
    record = command.artifact(unexported, "export")
    made = ["serving/segmenter/1", "serving/generator/1"]
    assert record["info"]["version_dirs"] == made
    assert any(name.endswith("segmenter/1/saved_model.pb") for name in record["files"])
    assert (unexported / "serving/README.md").is_file()
    assert 'name: "generator"' in (unexported / "serving/models.config").read_text()
    assert "not finished" not in (unexported / "report.html").read_text()


def test_a_version_of_other_settings_is_not_taken_for_that_of_a_killed_export(
    unexported,
):
    """It took the number that the killed one had chosen."""
    _kill(unexported, "serving/segmenter/1", is_before=True)
    (noted,) = unexported.glob(".partial-export-*/unfinished/segmenter.json")
    assert json.loads(noted.read_text())["version"] == "1"
    # Others in this folder, and then back.
    other = "--gin_param=export.litert=True"
    command.run(*tiny(unexported, other)).check()
    command.run(*tiny(unexported)).check()
    assert _versions(unexported) == {"segmenter": [1, 2], "generator": [1, 2]}
    made = command.artifact(unexported, "export")["info"]["version_dirs"]
    assert made == ["serving/segmenter/2", "serving/generator/2"]


def test_what_is_damaged_beside_the_stages_is_written_anew(run_dir):
    names = ("report.html", "serving/README.md")
    names += ("serving/models.config", "serving/batching.config")
    command.run(*tiny(run_dir)).check()  # The report has the folder's name.
    whole = {name: (run_dir / name).read_bytes() for name in names}
    for name in names[::2]:
        (run_dir / name).write_bytes(whole[name][: len(whole[name]) // 2])
    for name in names[1::2]:
        (run_dir / name).unlink()
    before = command.changes(run_dir / "serving/segmenter")
    command.run(*tiny(run_dir)).check()
    assert {name: (run_dir / name).read_bytes() for name in names} == whole
    assert command.changes(run_dir / "serving/segmenter") == before


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
