"""The command line `tfcomgan.main`, with a pipeline that stands in."""

import pathlib
import sys
import time

import pytest
from command import Done, python

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
    checkpoint_minutes: float = 0.0
    hosts_minutes: float = 0.0

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
    environment = {"PYTHONDONTWRITEBYTECODE": "1", "TF_CPP_MIN_LOG_LEVEL": None}

    def run(*args: str) -> Done:
        return python("-m", "tfcomgan.main", *args, cwd=tmp_path, **environment)

    return run


def test_help_is_quick_and_lists_the_flags(command):
    start = time.monotonic()
    done = command("--help")
    seconds = time.monotonic() - start
    assert done.code == 0
    for flag in ("gin_file", "gin_param", "stages", "run_dir", "dry_run", "devices"):
        assert flag in done.out
    # 0.1 s here; importing TensorFlow takes several, and more on a busy machine.
    assert seconds < 10


def test_main_imports_neither_tensorflow_nor_gin_before_it_runs():
    code = (
        "import sys, tfcomgan.main;"
        "print([m for m in ('tensorflow', 'keras', 'gin', 'numpy') if m in sys.modules])"
    )
    done = python("-c", code).check()
    assert done.out.strip() == "[]"


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
    assert done.code == 2, done.err
    assert "error: " in done.err
    assert expected in done.err
    assert "Traceback" not in done.err


def test_interruption_and_defect_have_their_own_exit_codes(command):
    done = command("--gin_file=gin/toy.gin", "--gin_param=run.title='interrupt'")
    assert done.code == 130
    assert "the same command goes on from the last checkpoint" in done.err
    done = command("--gin_file=gin/toy.gin", "--gin_param=run.title='defect'")
    assert done.code == 1
    assert "ZeroDivisionError" in done.err


def test_dry_run_prints_the_settings_and_leaves_nothing(command, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    done = command("--gin_file=gin/toy.gin", "--gin_param=STEPS=7", "--dry_run")
    assert done.code == 0, done.err
    assert "STEPS = 7" in done.out
    assert "run.title = 'none'" in done.out
    assert sorted(tmp_path.rglob("*")) == before
    # What it prints is a gin file for the same run.
    (tmp_path / "again.gin").write_text(done.out)
    assert command("--gin_file=again.gin", "--dry_run").out == done.out


def test_pipeline_receives_the_flags(command, tmp_path):
    done = command("--gin_file=gin/toy.gin", "--gin_file=gin/more.gin")
    assert done.code == 0, done.err
    arguments, environment, *_ = done.out.splitlines()
    assert f"('run_dir', {pathlib.PosixPath('runs/toy+more')!r})" in arguments
    assert f"('data_dir', {pathlib.PosixPath('data')!r})" in arguments
    # As they were found, so that a run has one name from anywhere.
    found = [str(tmp_path / "gin/toy.gin"), str(tmp_path / "gin/more.gin")]
    assert f"('gin_files', {found})" in arguments
    assert "('devices', ())" in arguments
    assert "('manual_dir', None)" in arguments
    assert "('checkpoint_every', 500)" in arguments
    assert "('checkpoint_minutes', 5.0)" in arguments
    assert "('hosts_minutes', 10.0)" in arguments
    assert environment == "tensorflow 3"
    done = command(
        "--gin_file=gin/toy.gin",
        "--stages=evaluate,prepare",
        "--devices=cpu:0,cpu:1",
        "--run_dir=/tmp/x",
    )
    assert "('stages', ['prepare', 'evaluate'])" in done.out  # In their own order.
    assert "('devices', ('cpu:0', 'cpu:1'))" in done.out
    assert f"('run_dir', {pathlib.PosixPath('/tmp/x')!r})" in done.out


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
