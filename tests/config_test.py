"""Settings, gin files, the command line and what it says when something is wrong."""

import dataclasses
import errno
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Literal

import pytest

from tfcomgan import config
from tfcomgan.errors import UserError, explain

REPOSITORY = pathlib.Path(config.__file__).resolve().parents[1]


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


@config.configurable
def toy_save(path: str = "") -> None:
    raise OSError(errno.ENOSPC, "No space left on device", path)


@pytest.fixture(autouse=True)
def no_bindings():
    config.parse([])
    yield
    config.parse([])


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
    assert "width" not in config.full_text()


def test_includes_and_files_are_found_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "gin").mkdir()
    (tmp_path / "gin/base.gin").write_text("toy.net.width = 1\n")
    (tmp_path / "gin/top.gin").write_text("include 'gin/base.gin'\nW = 1\n")
    monkeypatch.chdir(tmp_path)
    config.parse(["gin/top.gin"])
    assert config.build(Net).width == 1


def test_installed_files_are_found_in_the_package(tmp_path):
    """A copy of config.py, with gin files where `pip install` puts them."""
    package = tmp_path / "site/tfcomgan"
    (package / "resources/gin").mkdir(parents=True)
    for name in ("__init__.py", "config.py", "errors.py", "field_types.py"):
        (package / name).write_text((REPOSITORY / "tfcomgan" / name).read_text())
    (package / "resources/gin/base.gin").write_text("A = 1\n")
    (package / "resources/gin/top.gin").write_text("include 'gin/base.gin'\n")
    code = (
        "from tfcomgan import config; config.parse(['gin/top.gin'], ['A=2']);"
        "print(config.resolve(['gin/top.gin']), config.full_text())"
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


def test_circular_macro_is_explained(parse):
    parse("A = %A\ntoy.net.width = %A\n")
    with pytest.raises(config.ConfigError, match="refers to itself"):
        config.build(Net)


def test_file_that_includes_itself_is_explained(parse, tmp_path):
    with pytest.raises(config.ConfigError, match="case.gin: it includes itself"):
        parse(f"include '{tmp_path / 'case.gin'}'\n")


def test_operative_text_has_defaults_and_full_text_has_unused_bindings(parse):
    parse("toy.net.width = 1\ntoy.pair.left = 2\n")
    config.build(Net)
    assert "net.crop = 'center'" in config.operative_text()
    assert "pair.left" not in config.operative_text()
    assert "pair.left = 2" in config.full_text()


# Errors of disk and memory.


def _tensorflow_error(name: str, text: str) -> Exception:
    """As tf.errors raises it, without a second of importing TensorFlow."""
    module = "tensorflow.python.framework.errors_impl"
    return type(name, (Exception,), {"__module__": module})(text)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space left on device"),
        (errno.EDQUOT, "Disk quota exceeded"),
        (errno.EFBIG, "File too large"),
        (errno.EROFS, "Read-only file system"),
        (errno.EACCES, "Permission denied"),
        (errno.EPERM, "Permission denied"),
    ],
)
def test_disk_errors_name_file_and_way_out(number, words):
    text = explain(OSError(number, os.strerror(number), "/runs/a/ckpt-1"))
    assert text.startswith(f"{words}: /runs/a/ckpt-1. ")
    assert "--run_dir" in text
    assert "the same command goes on" in text


@pytest.mark.parametrize(
    "words",
    [
        "No space left on device",
        "File too large",
        "Read-only file system",
        "Permission denied",
    ],
)
def test_disk_errors_of_tensorflow_and_hdf5_are_recognised(words):
    # An untrue "out of memory" would follow from the class of the first alone.
    raised = _tensorflow_error(
        "ResourceExhaustedError", f"/runs/a/ckpt; {words} [Op:X]"
    )
    assert explain(raised).startswith(f"{words}: /runs/a/ckpt. ")
    raised = OSError(
        f"Unable to create file (name = '/runs/a.h5', message = '{words}')"
    )
    assert explain(raised).startswith(f"{words}: /runs/a.h5. ")


def test_disk_error_wrapped_by_gin_keeps_its_file():
    with pytest.raises(OSError) as raised:
        toy_save(path="/runs/a/ckpt-1")
    assert raised.value.errno is None  # Lost in gin's proxy.
    text = explain(raised.value)
    assert text.startswith("No space left on device: /runs/a/ckpt-1. ")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 3 GiB"),
        _tensorflow_error("ResourceExhaustedError", "OOM when allocating [64,128]"),
        _tensorflow_error("InternalError", "CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
    ],
)
def test_out_of_memory_advises_a_smaller_batch(error):
    assert explain(error).startswith("out of memory")
    assert "--gin_param=BATCH_SIZE=" in explain(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("No space left on device"),
        FileNotFoundError(errno.ENOENT, "No such file", "/a"),
        _tensorflow_error("InvalidArgumentError", "shapes differ"),
    ],
)
def test_defects_are_not_explained_away(error):
    assert explain(error) is None


# The command line.

# Stands for pipelines/run.py, so that these tests wait for no TensorFlow.
PIPELINE = """
import errno, os, typing
from tfcomgan import config
from tfcomgan.errors import UserError

@config.settings("toy.run")
class Run:
    steps: int
    title: str = "none"

class Place(typing.NamedTuple):
    run_dir: object
    data_dir: object
    manual_dir: object
    devices: tuple
    checkpoint_every: int
    beam: object = None

def settings():
    config.build(Run)

def run(names, place, *, gin_files):
    print(sorted({"stages": names, "gin_files": gin_files, **place._asdict()}.items()))
    print(os.environ["KERAS_BACKEND"], os.environ["TF_CPP_MIN_LOG_LEVEL"])
    title = config.build(Run).title
    if title == "user":
        raise UserError("the folder is empty")
    if title == "interrupt":
        raise KeyboardInterrupt
    if title == "disk":
        raise OSError(errno.ENOSPC, "No space left on device", "/runs/x")
    if title == "defect":
        raise ZeroDivisionError("a defect")
"""


@pytest.fixture
def command(tmp_path):
    """Runs `python -m tfcomgan.main` in a folder with a pipeline and two gin files."""
    (tmp_path / "gin").mkdir()
    (tmp_path / "gin/toy.gin").write_text("STEPS = 5\ntoy.run.steps = %STEPS\n")
    (tmp_path / "gin/more.gin").write_text("toy.run.title = 'more'\n")
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/__init__.py").touch()
    (tmp_path / "pipelines/run.py").write_text(PIPELINE)
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("TF_CPP_MIN_LOG_LEVEL", None)

    def run(*args: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "tfcomgan.main", *args],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_help_is_quick_and_lists_the_flags(command):
    start = time.monotonic()
    done = command("--help")
    seconds = time.monotonic() - start
    assert done.returncode == 0
    for flag in ("gin_file", "gin_param", "stages", "run_dir", "dry_run", "devices"):
        assert flag in done.stdout
    # 0.1 s here; importing TensorFlow takes several, and more on a busy machine.
    assert seconds < 10


def test_main_imports_neither_tensorflow_nor_gin_before_it_runs():
    code = (
        "import sys, tfcomgan.main;"
        "print([m for m in ('tensorflow', 'keras', 'gin', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], "No --gin_file"),
        (["--gin_fil=gin/toy.gin"], "Did you mean: gin_file"),
        (["gin/toy.gin"], "Unexpected argument 'gin/toy.gin'"),
        (["--gin_file=gin/toy.gin", "--checkpoint_every=0"], "checkpoint_every=0"),
        (["--gin_file=gin/toy.gin", "--checkpoint_every=a"], "checkpoint_every=a"),
        (["--gin_file=gin/toy.gin", "--stages=evalute"], "Did you mean 'evaluate'"),
        (["--gin_file=gin/toy.gin", "--stages="], "--stages is empty"),
        (["--gin_file=gin/tyo.gin"], "Did you mean 'gin/toy.gin'"),
        (["--gin_file=gin/toy.gin", "--gin_param=STEP=1"], "Did you mean 'STEPS'"),
        (["--gin_file=gin/toy.gin", "--gin_param=STEPS='a'"], "must be int"),
        (["--gin_file=gin/more.gin"], "not bound: `toy.run.steps`"),
        (["--gin_file=gin/toy.gin", "--gin_param=run.title='user'"], "folder is empty"),
        (
            ["--gin_file=gin/toy.gin", "--gin_param=run.title='disk'"],
            "left on device: /",
        ),
    ],
)
def test_users_mistake_gives_one_message_and_exit_code_2(command, args, expected):
    done = command(*args)
    assert done.returncode == 2, done.stderr
    assert "error: " in done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_interruption_and_defect_have_their_own_exit_codes(command):
    done = command("--gin_file=gin/toy.gin", "--gin_param=run.title='interrupt'")
    assert done.returncode == 130
    assert "the same command goes on from the last checkpoint" in done.stderr
    done = command("--gin_file=gin/toy.gin", "--gin_param=run.title='defect'")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_dry_run_prints_the_settings_and_leaves_nothing(command, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    done = command("--gin_file=gin/toy.gin", "--gin_param=STEPS=7", "--dry_run")
    assert done.returncode == 0, done.stderr
    assert "STEPS = 7" in done.stdout
    assert "run.title = 'none'" in done.stdout
    assert sorted(tmp_path.rglob("*")) == before
    # What it prints is a gin file for the same run.
    (tmp_path / "again.gin").write_text(done.stdout)
    assert command("--gin_file=again.gin", "--dry_run").stdout == done.stdout


def test_pipeline_receives_the_flags(command):
    done = command("--gin_file=gin/toy.gin", "--gin_file=gin/more.gin")
    assert done.returncode == 0, done.stderr
    arguments, environment, *_ = done.stdout.splitlines()
    assert f"('run_dir', {pathlib.PosixPath('runs/toy+more')!r})" in arguments
    assert f"('data_dir', {pathlib.PosixPath('data')!r})" in arguments
    assert "('gin_files', ['gin/toy.gin', 'gin/more.gin'])" in arguments
    assert "('devices', ())" in arguments
    assert "('manual_dir', None)" in arguments
    assert "('checkpoint_every', 500)" in arguments
    assert environment == "tensorflow 2"
    done = command(
        "--gin_file=gin/toy.gin",
        "--stages=evaluate,prepare",
        "--devices=cpu:0,cpu:1",
        "--run_dir=/tmp/x",
    )
    assert "('stages', ['prepare', 'evaluate'])" in done.stdout  # In their own order.
    assert "('devices', ('cpu:0', 'cpu:1'))" in done.stdout
    assert f"('run_dir', {pathlib.PosixPath('/tmp/x')!r})" in done.stdout


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
