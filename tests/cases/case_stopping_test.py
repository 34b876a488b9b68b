"""Asked to end, and started twice, by the command line."""

import pathlib
import signal
import sys
import time

import command
import exports
import numpy as np
import pytest
from command import tiny
from PIL import Image

TO_GENERATOR = "--stages=prepare,train_generator"
SEGMENT = "tfcomgan.segment"
# A step takes half a second, and each leaves a mark before it counts as done.
SLOW = """
import time
from tfcomgan.training import callbacks
end = callbacks.Saver.on_train_batch_end
def slow(self, batch, logs=None):
    open({mark!r}, "a").write("x")
    time.sleep(0.5)
    end(self, batch, logs)
callbacks.Saver.on_train_batch_end = slow
"""


def _steps(mark: pathlib.Path) -> int:
    return mark.stat().st_size if mark.exists() else 0


def _checkpoints(run_dir) -> list[str]:
    found = run_dir.glob(".partial-train_generator-*/unfinished/step-*.index")
    return sorted(path.stem for path in found)


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        (signal.SIGTERM, 143, "stopped by SIGTERM; the same command goes on"),
        pytest.param(
            *(signal.SIGHUP, 129, "stopped by SIGHUP; the same command goes on"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *(signal.SIGINT, 130, "interrupted; the same command goes on"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_training_saves_within_a_step_and_goes_on_from_there(
    tmp_path, number, code, told
):
    run_dir, mark = tmp_path / "run", tmp_path / "mark"
    arguments = [a for a in tiny(run_dir, TO_GENERATOR) if "checkpoint" not in a]
    running = command.start(*arguments, first=SLOW.format(mark=str(mark)))
    done = running.kill_when(lambda: _steps(mark) == 3, number)
    assert done.code == code, done
    assert told in done.err and "Traceback" not in done.err
    assert _steps(mark) == 3 and _checkpoints(run_dir)[-1] == "step-3"
    command.run(*arguments).check()
    ours, unbroken = (
        np.load(base / "train_generator/network.npz")
        for base in (run_dir, command.finished())
    )
    for key in unbroken:
        np.testing.assert_array_equal(ours[key], unbroken[key])


@pytest.mark.slow
def test_a_second_ctrl_c_is_not_held(tmp_path):
    mark = tmp_path / "mark"
    twice = SLOW.format(mark=str(mark)) + (
        "import os, signal\n"
        "again = callbacks.Saver.on_train_batch_end\n"
        "def interrupted(self, batch, logs=None):\n"
        "    if batch == 2:\n"
        "        os.kill(os.getpid(), signal.SIGINT); os.kill(os.getpid(), signal.SIGINT)\n"
        "    again(self, batch, logs)\n"
        "callbacks.Saver.on_train_batch_end = interrupted\n"
    )
    done = command.run(*tiny(tmp_path / "run", TO_GENERATOR), first=twice)
    assert done.code == 130 and _checkpoints(tmp_path / "run")[-1] == "step-2"


def test_outside_of_a_training_a_command_ends_at_once(tmp_path):
    run_dir = tmp_path / "run"
    fresh = f"--data_dir={tmp_path / 'data'}"
    done = command.start(*tiny(run_dir, fresh)).kill_when(
        (run_dir / "run.json").exists, signal.SIGTERM
    )
    assert done.code == 143, done
    assert "stopped by SIGTERM" in done.err and "Traceback" not in done.err
    assert command.artifacts(run_dir) == set()


@pytest.mark.slow
def test_what_is_ignored_stays_so(tmp_path):
    """As under nohup."""
    first = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + (
        SLOW.format(mark=str(tmp_path / "mark"))
    )
    running = command.start(*tiny(tmp_path / "run", TO_GENERATOR), first=first)
    done = running.kill_when(lambda: _steps(tmp_path / "mark") == 1, signal.SIGHUP)
    assert done.code == 0, done


def test_remains_of_killed_processes_are_swept(tmp_path):
    run_dir = tmp_path / "run"
    left = ".unfinished-0123456789abcdef-77"
    for name in (f"pictures/{left}", f"serving/segmenter/{left}/1/saved_model.pb"):
        (run_dir / name).parent.mkdir(parents=True)
        (run_dir / name).write_bytes(b"half")
    fresh = f"--data_dir={tmp_path / 'data'}"
    command.run(*tiny(run_dir, "--stages=prepare", fresh)).check()
    (prepared,) = (tmp_path / "data").glob("scenes/*/*/")
    torn = prepared.with_name(f"incomplete.ABC_{prepared.name}")  # TFDS's name.
    prepared.rename(torn)  # As TFDS leaves it when it is killed.
    (run_dir / "run.json").unlink()
    command.run(*tiny(run_dir, "--stages=prepare", fresh)).check()
    assert not list(tmp_path.rglob(".unfinished-*"))
    command.run(*tiny(tmp_path / "other", "--stages=prepare", fresh)).check()
    assert not torn.exists() and prepared.exists()


# Two at once.


# A run that has claimed its folder and waits for a file.
WAITING = """
import pathlib, time
from pipelines import preparing
prepare = preparing.Examples.describe
def slow(source):
    pathlib.Path({there!r}).touch()
    while not pathlib.Path({go!r}).exists():
        time.sleep(0.01)
    return prepare(source)
preparing.Examples.describe = staticmethod(slow)
"""


def _waiting(tmp_path, run_dir):
    """A run that holds its folder until `go` is there."""
    there, go = tmp_path / "there", tmp_path / "go"
    first = WAITING.format(there=str(there), go=str(go))
    running = command.start(*tiny(run_dir, TO_GENERATOR), first=first)
    while running.is_running() and not there.exists():
        time.sleep(0.001)
    return running, go


def test_a_second_run_in_the_same_folder_is_told_who_is_there(tmp_path):
    run_dir = tmp_path / "run"
    first, go = _waiting(tmp_path, run_dir)
    message = command.run(*tiny(run_dir, "--stages=prepare")).message
    assert f"--run_dir={run_dir} is in use by process {first.pid} on " in message
    assert TO_GENERATOR in message  # The other's command.
    go.touch()
    first.kill_when((run_dir / "prepare").exists)
    # A killed process holds nothing.
    assert "prepare: reused" in command.run(*tiny(run_dir, "--stages=prepare")).out


def test_two_that_need_the_same_data_set_end_well(tmp_path):
    fresh = f"--data_dir={tmp_path / 'data'}"
    runs = [
        command.start(*tiny(tmp_path / name, "--stages=prepare", fresh))
        for name in ("a", "b", "c")
    ]
    done = [run.wait().check() for run in runs]
    made = [command.content(tmp_path / name, "prepare") for name in "abc"]
    assert made[0]["info"] == made[1]["info"] == made[2]["info"]
    waited = [d.err for d in done if "is in use by process" in d.err]
    assert all("Waiting for its end." in text for text in waited)


@pytest.mark.parametrize("answer", ["ENOSYS", "ENOLCK", "EOPNOTSUPP"])
def test_a_file_system_without_locks_is_told_of_and_used(tmp_path, answer):
    first = (
        "import errno, fcntl\n"
        "def without(*args):\n"
        f"    raise OSError(errno.{answer}, 'no locks')\n"
        "fcntl.flock = without\n"
    )
    done = command.run(*tiny(tmp_path / "run", "--stages=prepare"), first=first).check()
    assert f"--run_dir={tmp_path / 'run'} lies on a file system without" in done.err
    assert "Warning" not in done.err
    assert not list((tmp_path / "run").glob("*lock*"))


def test_two_that_write_results_to_one_folder(tmp_path):
    """As long as one writes, the other is refused and changes nothing."""
    exports.make_segmenter(tmp_path / "run")
    (tmp_path / "photos").mkdir()
    for i in range(2):
        noise = np.random.default_rng(i).integers(0, 256, [9, 9, 3], np.uint8)
        Image.fromarray(noise).save(tmp_path / f"photos/{i}.png")
    flags = (
        tmp_path / "photos",
        f"--model={tmp_path / 'run'}",
        f"--out={tmp_path / 'out'}",
    )
    wait = f"""
import time, pathlib
from tfcomgan.photos import ledger
begin = ledger.begin
def slow(*args):
    while not pathlib.Path({str(tmp_path / "go")!r}).exists():
        time.sleep(0.01)
    return begin(*args)
ledger.begin = slow
"""
    first = command.start(*flags, module=SEGMENT, first=wait)
    while first.is_running() and not (tmp_path / "out/masks").exists():
        time.sleep(0.001)
    message = command.run(*flags, module=SEGMENT).message
    assert f"--out={tmp_path / 'out'} is in use by process {first.pid} on" in message
    (tmp_path / "go").touch()
    assert "2 pictures segmented" in first.wait().check().out
    assert "2 done before" in command.run(*flags, module=SEGMENT).check().out


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
