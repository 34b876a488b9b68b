"""Settings and gin files, and what is said when something is wrong in them."""

import dataclasses
import math
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Literal

import pytest

from tfcomgan import config
from tfcomgan.config.field_types import POSITIVE, at_least, within
from tfcomgan.errors import UserError

REPOSITORY = pathlib.Path(config.__file__).resolve().parents[2]


@config.settings("toy.net")
class Net:
    width: int
    rate: float = 0.5
    crop: Literal["center", "box"] | None = "center"
    sizes: tuple[int, ...] = (1,)
    pair: tuple[int, str] = (1, "a")
    is_wide: bool = False
    title: str = "net"
    factory: Callable | None = None
    depth: Annotated[int, POSITIVE] | None = None
    share: Annotated[float, within("[0, 0.5)", "Half is none.")] = 0.0
    shares: tuple[Annotated[float, at_least(0)], ...] = ()
    count: Annotated[int, at_least(4)] = 4
    seed: Annotated[int, within("[0, 2^32)")] = 0

    def __post_init__(self):
        if self.width < 0:
            raise ValueError("`width` must not be negative.")

    def area(self) -> int:
        return self.width**2


@config.settings("toy.pair")
class Pair:
    left: int
    right: int


@config.configurable("toy_make")
def make(toy_depth: int = 1) -> int:
    return toy_depth


@pytest.fixture
def parse(tmp_path):
    """Parses the text of a gin file, then parameters."""

    def write_and_parse(text: str, *params: str) -> None:
        (tmp_path / "case.gin").write_text(text)
        config.parse([str(tmp_path / "case.gin")], params)

    return write_and_parse


# Settings.


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


# Files and parameters.


def test_later_file_wins_and_parameters_win_over_files(tmp_path):
    (tmp_path / "a.gin").write_text("W = 1\ntoy.net.width = %W\ntoy.net.rate = 0.1\n")
    (tmp_path / "b.gin").write_text("W = 2\ntoy.net.rate = 0.2\n")
    files = [str(tmp_path / "a.gin"), str(tmp_path / "b.gin")]
    config.parse(files)
    assert (Net().width, Net().rate) == (2, 0.2)
    config.parse(files, ["W=3", "toy.net.rate = 0.3"])
    assert (Net().width, Net().rate) == (3, 0.3)
    config.parse(files[::-1])
    assert (Net().width, Net().rate) == (1, 0.1)


def test_parse_forgets_the_former_configuration(parse):
    parse("toy.net.width = 1\n")
    parse("toy.net.rate = 0.1\n")
    with pytest.raises(config.ConfigError, match="`toy.net.width`"):
        config.build(Net)


def test_includes_and_files_are_found_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "gin").mkdir()
    (tmp_path / "gin/base.gin").write_text("toy.net.width = 1\n")
    (tmp_path / "gin/top.gin").write_text("include 'gin/base.gin'\nW = 1\n")
    monkeypatch.chdir(tmp_path)
    config.parse(["gin/top.gin"])
    assert config.build(Net).width == 1


def test_installed_files_are_found_in_the_package(tmp_path):
    """A copy of the package, with gin files where `pip install` puts them."""
    package = tmp_path / "site/tfcomgan"
    (package / "resources/gin").mkdir(parents=True)
    shutil.copytree(REPOSITORY / "tfcomgan/config", package / "config")
    for name in ("__init__", "errors", "version"):
        shutil.copy(REPOSITORY / f"tfcomgan/{name}.py", package)
    (package / "resources/gin/base.gin").write_text("A = 1\n")
    (package / "resources/gin/top.gin").write_text("include 'gin/base.gin'\n")
    code = (
        "import gin; from tfcomgan import config; config.parse(['gin/top.gin'], ['A=2']);"
        "print(config.resolve(['gin/top.gin']), gin.config_str())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(package / "resources/gin/top.gin") in done.stdout
    assert "A = 2" in done.stdout


def test_unknown_file_names_the_nearest(tmp_path, monkeypatch):
    (tmp_path / "gin").mkdir()
    (tmp_path / "gin/meadow.gin").touch()
    monkeypatch.chdir(tmp_path)
    for name in ("gin/meadows.gin", "meadow.gin", "meadow", "meadw"):
        with pytest.raises(config.ConfigError, match="mean 'gin/meadow.gin'"):
            config.resolve([name])
    with pytest.raises(config.ConfigError, match="no gin file 'gin'"):
        config.resolve(["gin"])


def test_unknown_include_names_file_line_and_nearest(parse, tmp_path, monkeypatch):
    (tmp_path / "gin").mkdir()
    (tmp_path / "gin/meadow.gin").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(config.ConfigError) as error:
        parse("\ninclude 'gin/medow.gin'\n")
    assert "case.gin line 2: " in str(error.value)
    assert "Did you mean 'gin/meadow.gin'?" in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "\ntoy.nte.width = 1",
            "line 2: there is no configurable 'toy.nte'. Did you mean",
        ),
        (
            "toy.net.rate = @toy_mak()",
            "no configurable 'toy_mak'. Did you mean 'toy_make'",
        ),
        ("\ntoy.net.widht = 1", "line 2: 'toy.net' has no parameter 'widht'. Did you"),
        ("toy.net.toy_depth = 1", "There is toy_make.toy_depth."),
        ("\n\ntoy.net.width = box", "line 3: cannot read 'toy.net.width = box'"),
        ("toy.net.width 3", "line 1: cannot read 'toy.net.width 3'"),
        ("toy.net.sizes = [1,\n", "left open"),
        (
            "toy.net.width = %WIDHT\nWIDTH = 3",
            "macro %WIDHT is used and not defined. Did",
        ),
        ("toy.net.width = %gin.REQUIRED", "not subsequently overridden"),
        ("import no_such_module", "line 1: No module named 'no_such_module'"),
    ],
)
def test_wrong_file_is_explained(parse, text, expected):
    with pytest.raises(config.ConfigError) as error:
        parse(text)
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("param", "expected"),
    [
        ("WIDHT=1", "the gin files have no macro 'WIDHT'. Did you mean 'WIDTH'?"),
        ("Q=1", "Known: WIDTH."),
        ("WIDTH", "has no '='"),
        (
            "toy.net.widht=1",
            "'toy.net' has no parameter 'widht'. Did you mean 'width'?",
        ),
        ("net.widht=1", "'net' has no parameter 'widht'. Did you mean 'width'?"),
        (
            "some/toy.nett.width=1",
            "no configurable 'toy.nett'. Did you mean 'toy.net'?",
        ),
        ("toy.net.crop=box", "A text needs quotes"),
        ("toy.net.sizes=[1,", "left open"),
    ],
)
def test_wrong_parameter_is_explained(parse, param, expected):
    with pytest.raises(config.ConfigError) as error:
        parse("WIDTH = 1\ntoy.net.width = %WIDTH\n", param)
    assert f"--gin_param={param}" in str(error.value)
    assert expected in str(error.value)


def test_parameter_may_define_a_macro_the_files_only_use(parse):
    parse("toy.net.width = %WIDTH\n", "WIDTH=5")
    assert config.build(Net).width == 5


def test_scoped_parameter_holds_in_its_scope_only(parse):
    parse("toy.net.width = @some/toy_make()", "some/toy_make.toy_depth=4")
    assert config.build(Net).width == 4
    assert make() == 1


def test_required_macro_is_named_until_it_is_set(parse):
    text = "A = %gin.REQUIRED\ntoy.net.width = %A\n"
    with pytest.raises(config.ConfigError, match="macro A must be set.*_param=A=VALUE"):
        parse(text)
    parse(text, "A=3")
    assert config.build(Net).width == 3


def test_circular_macro_is_explained(parse):
    parse("A = %A\ntoy.net.width = %A\n")
    with pytest.raises(config.ConfigError, match="refers to itself"):
        config.build(Net)


def test_file_that_includes_itself_is_explained(parse, tmp_path):
    with pytest.raises(config.ConfigError, match="case.gin: it includes itself"):
        parse(f"include '{tmp_path / 'case.gin'}'\n")


def test_operative_text_has_defaults_and_no_unused_bindings(parse):
    parse("toy.net.width = 1\ntoy.pair.left = 2\n")
    config.build(Net)
    assert "net.crop = 'center'" in config.operative_text()
    assert "pair.left" not in config.operative_text()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
