"""Shared by the tests of settings."""

import pytest

from tfcomgan import config


@pytest.fixture
def parse(tmp_path):
    """Parses the text of a gin file, then parameters."""

    def write_and_parse(text: str, *params: str) -> None:
        (tmp_path / "case.gin").write_text(text)
        config.parse([str(tmp_path / "case.gin")], params)

    return write_and_parse
