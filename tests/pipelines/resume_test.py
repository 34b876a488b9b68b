"""A killed run goes on and ends as an unbroken one; a checkpoint is never misused."""

import pathlib
import shutil
import signal
import sys

import command
import numpy as np
import pytest
from command import tiny

from pipelines import cache, stages
from tfcomgan import run_folder
from tfcomgan.run_folder import STAGES

TO_GENERATOR = "--stages=prepare,train_generator"


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory) -> pathlib.Path:
    """A run killed while it saved its third checkpoint, or just after; for copying."""
    run_dir = tmp_path_factory.mktemp("interrupted") / "run"
    done = command.start(*tiny(run_dir)).kill_when(
        lambda: (
            _checkpoints(run_dir, "step-6_temp") or _checkpoints(run_dir, "step-6.*")
        )
    )
    assert done.code == -signal.SIGKILL
    assert _checkpoints(run_dir, "step-4.index")
    return run_dir


@pytest.fixture
def run_dir(interrupted, tmp_path) -> pathlib.Path:
    return shutil.copytree(interrupted, tmp_path / "run")


def _checkpoints(run_dir: pathlib.Path, pattern: str, stage="train_generator") -> list:
    return sorted(run_dir.glob(f".partial-{stage}-*/{run_folder.UNFINISHED}/{pattern}"))


def _assert_same_networks(run_dir: pathlib.Path, *stages: str) -> None:
    """Every variable equals that of an unbroken run, to the last bit."""
    for stage in stages:
        ours, unbroken = (
            np.load(base / stage / "network.npz")
            for base in (run_dir, command.finished())
        )
        assert set(ours) == set(unbroken) and len(ours) > 20
        for key in unbroken:
            np.testing.assert_array_equal(ours[key], unbroken[key])


# Killed.


def test_run_killed_in_mid_save_ends_as_an_unbroken_one(run_dir):
    assert command.artifacts(run_dir) == {"prepare"}
    done = command.run(*tiny(run_dir, TO_GENERATOR)).check()
    assert "generator: 0/8" not in done.err  # It did not start anew.
    _assert_same_networks(run_dir, "train_generator")
    made, unbroken = (
        command.content(base, "train_generator")
        for base in (run_dir, command.finished())
    )
    assert made == unbroken
    assert [p.name for p in run_dir.glob(".*")] == [".tfcomgan-lock"]


def test_what_a_kill_left_of_a_finished_stage_goes_with_the_next_start(tmp_path):
    run_dir = shutil.copytree(command.finished(), tmp_path / "run")
    # Between the last rename and the end of the clearing.
    left = [
        run_dir / "train_generator" / run_folder.UNFINISHED,
        run_dir / ".old-evaluate",
    ]
    for folder in left:
        folder.mkdir()
        (folder / "step-8.index").write_bytes(b"left")
    done = command.run(*tiny(run_dir)).check()
    assert "train_generator: reused" in done.out + done.err
    assert [folder for folder in left if folder.exists()] == []


@pytest.mark.slow
def test_run_killed_at_every_stage_ends_as_an_unbroken_one(tmp_path):
    run_dir = tmp_path / "run"
    moments = {
        "while pictures are prepared": lambda: (run_dir / "run.json").exists(),
        "before the first checkpoint": lambda: (run_dir / "logs").exists(),
        "in the first save": lambda: _checkpoints(run_dir, "step-*_temp"),
        "between two checkpoints": lambda: _checkpoints(run_dir, "step-4.index"),
        "in the last save": lambda: _checkpoints(run_dir, "step-8_temp"),
        "when the generator is done": lambda: (run_dir / "train_generator").exists(),
        "before the segmenter's first": lambda: (
            run_dir / "logs/train_segmenter"
        ).exists(),
        "in the segmenter's training": lambda: _checkpoints(
            run_dir, "step-2*", "train_segmenter"
        ),
        "when the segmenter is done": lambda: (run_dir / "train_segmenter").exists(),
        "while it is evaluated": lambda: list(run_dir.glob(".partial-evaluate-*")),
        "while it is exported": lambda: list(
            run_dir.glob("serving/segmenter/.unfinished-*/1/*")
        ),
    }
    for moment, is_time in moments.items():
        done = command.start(*tiny(run_dir)).kill_when(is_time)
        assert done.code == -signal.SIGKILL, f"{moment}: {done}"
    command.run(*tiny(run_dir)).check()
    _assert_same_networks(run_dir, "train_generator", "train_segmenter")
    for stage in STAGES[:-1]:
        assert command.content(run_dir, stage) == command.content(
            command.finished(), stage
        )
    versions = run_dir / "serving/segmenter"
    assert (versions / "1/saved_model.pb").is_file()
    assert [p.name for p in versions.iterdir() if p.name.isdigit()] == ["1"]
    assert [p.name for p in run_dir.glob(".*")] == [".tfcomgan-lock"]


@pytest.mark.slow
def test_run_killed_in_every_save_ends_as_an_unbroken_one(tmp_path):
    run_dir = tmp_path / "run"
    for step in range(1, 8):
        done = command.start(
            *tiny(run_dir, TO_GENERATOR), "--checkpoint_every=1"
        ).kill_when(lambda step=step: _checkpoints(run_dir, f"step-{step}_temp/*"))
        if done.code == 0:  # The saves were quicker than we.
            break
        assert done.code == -signal.SIGKILL, done
    command.run(*tiny(run_dir, TO_GENERATOR)).check()
    _assert_same_networks(run_dir, "train_generator")


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_goes_on(tmp_path):
    run_dir = tmp_path / "run"
    done = command.start(*tiny(run_dir, TO_GENERATOR)).kill_when(
        lambda: _checkpoints(run_dir, "step-2.index"), signal.SIGINT
    )
    assert done.code == 130, done
    assert "the same command goes on from the last checkpoint" in done.err
    assert "Traceback" not in done.err
    command.run(*tiny(run_dir, TO_GENERATOR)).check()
    _assert_same_networks(run_dir, "train_generator")


def test_killed_before_the_last_rename_counts_the_files_once(tmp_path):
    """All is made, and nothing says so yet: a stage of a run folder with its mark."""

    def make():
        with cache.produce(tmp_path, "stage", "abc", {"a": 1}) as (folder, info):
            (folder / run_folder.UNFINISHED).mkdir(exist_ok=True)
            (folder / "file").write_text("content")
            info["b"] = 2

    make()
    (tmp_path / "stage").rename(tmp_path / ".partial-stage-abc")
    assert cache.find(tmp_path, "stage") is None
    make()
    found = cache.find(tmp_path, "stage")  # Checks the digests.
    assert found.parameters == {"a": 1} and found.info == {"b": 2}
    assert not (tmp_path / "stage" / run_folder.UNFINISHED).exists()


# Checkpoints that must not be used.


def test_checkpoint_of_other_settings_is_refused(run_dir):
    made = command.artifact(command.finished(), "train_generator")
    made["parameters"]["training"]["seed"] = 1
    other = cache.fingerprint(
        "train_generator",
        stages.STAGES["train_generator"].version,
        [command.artifact(run_dir, "prepare")["fingerprint"]],
        made["parameters"],
    )
    (ours,) = run_dir.glob(".partial-train_generator-*")
    ours.rename(run_dir / f".partial-train_generator-{other[:16]}")
    message = command.run(*tiny(run_dir, TO_GENERATOR, "--gin_param=SEED=1")).message
    assert "was made with other settings" in message
    assert f"fingerprint {made['fingerprint'][:12]}, expected {other[:12]}" in message
    folder = run_dir / f".partial-train_generator-{other[:16]}" / run_folder.UNFINISHED
    assert f"Delete the folder {folder}" in message
    assert command.artifacts(run_dir) == {"prepare"}


def test_partial_work_of_other_settings_is_left_alone(run_dir):
    """Going back to the former settings then goes on from there."""
    (partial,) = run_dir.glob(".partial-train_generator-*")
    before = sorted(partial.rglob("*"))
    done = command.start(*tiny(run_dir, TO_GENERATOR, "--gin_param=SEED=1")).kill_when(
        lambda: len(list(run_dir.glob(".partial-train_generator-*"))) == 2
    )
    assert done.code == -signal.SIGKILL, done
    assert sorted(partial.rglob("*")) == before


def _truncate(data: pathlib.Path) -> None:
    data.write_bytes(data.read_bytes()[:-1000])


def _flip_a_bit(data: pathlib.Path) -> None:
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)


def _remove(data: pathlib.Path) -> None:
    data.unlink()


@pytest.mark.parametrize(
    "damage",
    [
        _flip_a_bit,
        pytest.param(_truncate, marks=pytest.mark.slow),
        pytest.param(_remove, marks=pytest.mark.slow),
    ],
)
def test_damaged_checkpoint_is_named_and_the_way_out_leads_on(run_dir, damage):
    newest = _checkpoints(run_dir, "step-*.index")[-1].with_suffix("")
    damage(newest.with_suffix(".data-00000-of-00001"))
    message = command.run(*tiny(run_dir, TO_GENERATOR)).message
    assert f"The checkpoint {newest} is damaged" in message
    assert f"Delete the files {newest}.* and give the same command again" in message
    assert command.artifacts(run_dir) == {"prepare"}
    # What the message says.
    for path in newest.parent.glob(f"{newest.name}.*"):
        path.unlink()
    done = command.run(*tiny(run_dir, TO_GENERATOR)).check()
    assert "generator: 0/8" not in done.err  # There is the checkpoint before.
    _assert_same_networks(run_dir, "train_generator")


@pytest.mark.slow
def test_damaged_index_of_a_checkpoint_is_named(run_dir):
    newest = _checkpoints(run_dir, "step-*.index")[-1]
    newest.write_bytes(newest.read_bytes()[:100])
    message = command.run(*tiny(run_dir, TO_GENERATOR)).message
    assert f"The checkpoint {newest.with_suffix('')} is damaged" in message


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
