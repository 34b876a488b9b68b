"""Damaged picture files: `segment_encoded` gives a mask or an error, and goes on."""

import json
import pathlib
import subprocess
import sys

import fuzz
import pytest
from segmenters import exported


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_damaged_file_crashes_and_hangs_nothing(count, tmp_path):
    current = tmp_path / "current"
    done = subprocess.run(
        [sys.executable, fuzz.__file__, str(exported()[1]), str(count), str(current)],
        env={"PYTHONPATH": str(pathlib.Path(fuzz.__file__).parents[1])},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=1800,
    )
    assert done.returncode == 0, f"{done.stderr[-2000:]}\n{current.read_bytes()!r}"
    result = json.loads(done.stdout)
    print(result)
    refused = sum(result["reasons"].values())
    assert result["masks"] + refused == count
    # The changes are neither all fatal nor all harmless.
    assert result["masks"] > count / 20 and refused > count / 20
    # Seconds; the largest picture that passes takes one or two to decode.
    assert result["slowest"] < 30


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
