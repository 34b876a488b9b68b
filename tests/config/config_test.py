"""Gin files and parameters, and what is said when something is wrong in them."""

import shutil
import sys

import command
import pytest
from toy_settings import Net, make

from tfcomgan import config


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
    shutil.copytree(command.REPOSITORY / "tfcomgan/config", package / "config")
    for name in ("__init__", "errors", "version"):
        shutil.copy(command.REPOSITORY / f"tfcomgan/{name}.py", package)
    (package / "resources/gin/base.gin").write_text("A = 1\n")
    (package / "resources/gin/top.gin").write_text("include 'gin/base.gin'\n")
    code = (
        "import gin; from tfcomgan import config; config.parse(['gin/top.gin'], ['A=2']);"
        "print(config.resolve(['gin/top.gin']), gin.config_str())"
    )
    site = str(tmp_path / "site")
    done = command.python("-c", code, cwd=tmp_path, PYTHONPATH=site).check()
    assert str(package / "resources/gin/top.gin") in done.out
    assert "A = 2" in done.out


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
