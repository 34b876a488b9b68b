"""Shared by the tests of stages."""

import pathlib
import shutil

import command
import pytest


@pytest.fixture(scope="module")
def finished() -> pathlib.Path:
    """An unbroken run, to look at only."""
    return command.finished()


@pytest.fixture
def run_dir(finished, tmp_path) -> pathlib.Path:
    """A copy of an unbroken run."""
    # Of the same name, which the report has.
    return shutil.copytree(finished, tmp_path / finished.name)
