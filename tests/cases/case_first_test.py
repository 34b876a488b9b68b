"""What a new user does next: types what a run has printed, somewhere else."""

import os
import re
import shutil
import subprocess
import sys

import command
import pytest
from PIL import Image

_WIDE = 80  # Columns of a terminal.


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a run says in the end that lies in a folder with a space, by its title."""
    run_dir = tmp_path_factory.mktemp("base") / "it's my run"
    shutil.copytree(command.finished(), run_dir)
    out = command.run(*command.tiny(run_dir)).check().out
    return out, run_dir, dict(re.findall(r"^(\w+): +(.*)$", out, re.MULTILINE))


def test_files_that_are_named_are_there(told):
    _, run_dir, named = told
    assert named["Report"] == f"{run_dir}/report.html"
    for title in ("Report", "Look"):
        assert os.path.exists(named[title])


def test_numbers_fit_a_terminal_and_have_no_exponent(told):
    numbers, _, _ = told[0].partition("\nReport: ")
    table = numbers[numbers.index("IoU") :]
    assert max(map(len, table.splitlines())) <= _WIDE
    assert not re.search(r"\de[+-]\d", table)
    rows = [re.split("  +", row.strip())[:2] for row in table.splitlines()[1:5]]
    assert rows == [
        ["test, held out", "segmenter"],
        ["test, held out", "Otsu's threshold"],
        ["test, held out", "mean mask"],
        ["trained on", "segmenter"],
    ]


@pytest.mark.parametrize(
    ("title", "made"),
    [
        ("Segment", "segmented/masks/photo.png"),
        pytest.param("Generate", "generated/layers.png", marks=pytest.mark.slow),
    ],
)
def test_commands_work_as_printed_from_another_folder(told, tmp_path, title, made):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "photo.jpg")
    done = subprocess.run(
        ["sh", "-c", told[2][title]],
        cwd=tmp_path, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and (tmp_path / made).is_file()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
