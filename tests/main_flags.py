"""Flags as `tfcomgan.main` reads them."""

import pytest
from absl import flags

from tfcomgan import main


def parsed(arguments):
    """The values that it understands; fails on a flag that it does not know."""
    values = flags.FlagValues()
    given = flags.FLAGS
    try:
        flags.FLAGS = values  # absl's DEFINE functions take this one by default.
        with pytest.MonkeyPatch.context() as patch:
            for name in ("multi_string", "list", "string", "integer", "float", "bool"):
                define = getattr(flags, f"DEFINE_{name}")
                patch.setattr(
                    flags,
                    f"DEFINE_{name}",
                    lambda *a, define=define, **k: define(*a, flag_values=values, **k),
                )
            main._define_flags()
    finally:
        flags.FLAGS = given
    assert values(["tfcomgan", *arguments]) == ["tfcomgan"]
    return values
