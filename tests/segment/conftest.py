"""Shared by the tests of `segment`."""

import os
import pathlib
import subprocess
import sys

import exports
import pytest
from command import REPOSITORY


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run whose one export finds bright pixels; to look at only."""
    run = tmp_path_factory.mktemp("run")
    exports.make_segmenter(run)
    return run


@pytest.fixture
def typed(tmp_path):
    """Runs `python -m tfcomgan.segment` in an empty folder."""
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    env.pop("TF_CPP_MIN_LOG_LEVEL", None)

    def run(*args: str | pathlib.Path) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "tfcomgan.segment", *map(str, args)],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run
