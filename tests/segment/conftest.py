"""Shared by the tests of `segment`."""

import pathlib

import exports
import pytest
from command import Done, python


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run whose one export finds bright pixels; to look at only."""
    run = tmp_path_factory.mktemp("run")
    exports.make_segmenter(run)
    return run


@pytest.fixture
def typed(tmp_path):
    """Runs `python -m tfcomgan.segment` in an empty folder."""

    def run(*args: str | pathlib.Path) -> Done:
        module = ("-m", "tfcomgan.segment")
        return python(*module, *args, cwd=tmp_path, TF_CPP_MIN_LOG_LEVEL=None)

    return run
