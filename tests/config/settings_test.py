"""Settings: dataclasses that gin binds, their types and ranges."""

import dataclasses
import math
import sys

import pytest
from toy_settings import Net, Pair

from tfcomgan import config
from tfcomgan.config.field_types import within
from tfcomgan.errors import UserError


def test_settings_are_plain_frozen_dataclasses_outside_gin():
    net = Net(width=3)
    assert type(net) is Net
    assert net.area() == 9
    assert dataclasses.asdict(net)["sizes"] == (1,)
    assert dataclasses.replace(net, width=4) == Net(width=4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        net.width = 5


def test_gin_binds_what_the_caller_does_not(parse):
    parse("toy.net.width = 3\ntoy.net.rate = 2\n")
    assert config.build(Net) == Net(width=3, rate=2.0)
    assert Net(width=7).width == 7
    # The bound rate, 2, does not leak into a replaced copy.
    assert dataclasses.replace(Net(width=1, rate=0.1), width=2).rate == 0.1


def test_lists_become_tuples_and_ints_floats():
    net = Net(width=1, sizes=[1, 2], rate=1)
    assert net.sizes == (1, 2)
    assert isinstance(net.rate, float)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("width", 1.0, "int"),
        ("width", True, "int"),
        ("width", "1", "int"),
        ("rate", "fast", "float"),
        ("rate", False, "float"),
        ("is_wide", 1, "bool"),
        ("title", None, "str"),
        ("sizes", 3, "tuple[int, ...]"),
        ("sizes", [1, 2.5], "tuple[int, ...]"),
        ("pair", [1], "tuple[int, str]"),
        ("pair", [1, "a", 2], "tuple[int, str]"),
        ("pair", ["a", 1], "tuple[int, str]"),
        ("crop", 1, "one of 'center', 'box' or None"),
    ],
)
def test_wrong_type_names_field_expectation_and_value(field, value, expected):
    with pytest.raises(config.ConfigError) as error:
        Net(**{"width": 1, field: value})
    assert f"`toy.net.{field}` must be {expected}. " in str(error.value)
    assert f"Received: {value!r} ({type(value).__name__})" in str(error.value)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("depth", 0, "be positive. Received: 0."),
        ("share", 0.5, "lie in [0, 0.5). Received: 0.5. Half is none."),
        ("share", -1e-9, "lie in [0, 0.5)"),
        ("share", math.nan, "lie in [0, 0.5)"),
        ("shares", (0.0, -1.0), "not be negative"),
        ("count", 3, "be at least 4"),
        ("seed", 2**32, "lie in [0, 2^32)"),
    ],
)
def test_number_out_of_range_names_field_range_and_value(field, value, expected):
    for wrong in (config.ConfigError, ValueError):
        with pytest.raises(wrong) as error:
            Net(**{"width": 1, field: value})
        assert f"`toy.net.{field}` must {expected}" in str(error.value)


def test_numbers_at_the_ends_of_their_range_fit():
    ends = dict(depth=1, share=0, shares=[0], count=4, seed=2**32 - 1)
    net = Net(width=1, **ends)
    assert {name: getattr(net, name) for name in ends} == ends | {"shares": (0.0,)}
    assert isinstance(net.share, float) and Net(width=1, depth=None).depth is None


def test_type_is_checked_before_the_range():
    with pytest.raises(config.ConfigError, match="must be int or None. Received: 'a'"):
        Net(width=1, depth="a")


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        ("(0, 1)", [0.5], [0, 1]),
        ("[0, 1]", [0, 1], [-0.1, 1.1]),
        ("(0, 1]", [1], [0]),
        ("[-1, 1)", [-1], [1]),
    ],
)
def test_intervals_are_read_as_in_mathematics(interval, inside, outside):
    limit = within(interval)
    assert all(map(limit.holds, inside)) and not any(map(limit.holds, outside))
    assert limit.words.endswith(interval)


def test_wrong_choice_suggests_the_nearest():
    with pytest.raises(config.ConfigError, match="Did you mean 'center'"):
        Net(width=1, crop="centre")


def test_other_types_are_not_checked():
    assert Net(width=1, factory=3).factory == 3


def test_missing_bindings_are_all_listed(parse):
    parse("toy.net.rate = 1.0\n")
    with pytest.raises(UserError, match="`toy.pair.left`, `toy.pair.right`.*gin file"):
        config.build(Pair)
    with pytest.raises(UserError, match="`toy.net.width`.*--gin_param=toy.net.width="):
        config.build(Net)


def test_build_reports_what_the_class_refuses_without_gins_trail(parse):
    parse("toy.net.width = -1\n")
    with pytest.raises(config.ConfigError) as error:
        config.build(Net)
    assert str(error.value) == "`toy.net`: `width` must not be negative."


def test_two_definitions_cannot_share_a_name():
    with pytest.raises(ValueError, match="names both Net and .*Other"):

        @config.settings("toy.net")
        class Other:
            pass


def test_settings_can_be_declared_after_parse(parse):
    parse("toy.net.width = 1\n")

    @config.settings("toy.late")
    class Late:
        depth: int = 2

    assert config.build(Late).depth == 2


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
