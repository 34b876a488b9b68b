"""Shared by all tests: a quiet TensorFlow, and no settings left by the test before."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import pytest  # noqa: E402

from tfcomgan import config  # noqa: E402


@pytest.fixture(autouse=True)
def no_gin_settings():
    """Settings made in a test have their defaults: gin's bindings are global."""
    config.parse([])
