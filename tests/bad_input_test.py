"""Bad input through the command line: a clear message, exit code 2, nothing half-made."""

import pathlib
import resource
import shutil
import sys

import command
import numpy as np
import pytest
from command import tiny

TO_GENERATOR = "--stages=prepare,train_generator"


@pytest.fixture
def run_dir(tmp_path) -> pathlib.Path:
    """Where a run folder is to be."""
    return tmp_path / "run"


@pytest.fixture
def finished(run_dir) -> pathlib.Path:
    """A copy of an unbroken run."""
    return shutil.copytree(command.finished(), run_dir)


def _param(binding: str) -> str:
    return f"--gin_param={binding}"


# Settings: refused before anything is made.


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--gin_file=gin/scnes.gin", "mean 'gin/scenes.gin'"),
        (
            _param("scenes.num_trian=1"),
            "has no parameter 'num_trian'. Did you mean 'nu",
        ),
        (_param("scnes.num_train=1"), "no configurable 'scnes'. Did you mean 'scenes'"),
        (_param("STEP=1"), "no macro 'STEP'. Did you mean 'STEPS'"),
        (
            _param("train_generatr/training.steps=1"),
            "no scope 'train_generatr' for a binding. Did you mean 'train_generator'",
        ),
        (_param("train_segmenter/comgan.binary_weight=9.0"), "do: train_generator."),
        (_param("prepare/clevr6.num_objects=(2,3)"), "'clevr6'. Nor does another."),
        (_param("STEPS=10**9"), "cannot read 'STEPS=10**9'"),
        (_param("STEPS='many'"), "`training.steps` must be int. Received: 'many'"),
        (_param("STEPS=0"), "`training.steps` must be positive. Received: 0"),
        (_param("SEED=-1"), "`training.seed` must lie in [0, 2^32). Received: -1"),
        (
            _param("IMAGE_SIZE=48"),
            "`image_size` must be a power of two and at least 32",
        ),
        (_param("IMAGE_SIZE=16"), "Received: 16. Set IMAGE_SIZE to 32, 64, 128"),
        (
            _param("input_pipeline.image_size=64"),
            "`generator.image_size` and `input_pipeline.image_size` must agree",
        ),
        (_param("orientation.num_samples=1"), "`orientation.num_samples` must be at l"),
        (
            _param("train_segmenter/input_pipeline.low=0"),
            "`segmentation.colour_jitter` is for pictures in [-1, 1], and `train_segmenter`",
        ),
        (_param("comgan.binary_weight=-0.1"), "`comgan.binary_weight` must not be neg"),
        (
            _param("monitor.window=9"),
            "`monitor.window` must not be longer than the training. Received: 9, and 8 "
            "steps in train_generator",
        ),
        (
            _param("monitor.on_trivial='stpo'"),
            "`monitor.on_trivial` must be one of 'warn', 'stop', 'restart'. Received: 'stpo' "
            "(str). Did you mean 'stop'?",
        ),
        (
            _param("prepare.source=None"),
            "`prepare.source` must be a data set's settings",
        ),
        ("--devices=gpu:77", "--devices names 'gpu:77', which is not here. Devices: "),
    ],
)
def test_wrong_setting_is_named_and_nothing_is_made(run_dir, flag, expected):
    assert expected in command.run(*tiny(run_dir, flag)).message
    assert not run_dir.exists()


@pytest.mark.parametrize(
    "macro", ["BATCH_SIZE", "SEGMENTER_BATCH_SIZE", "SELF_TRAINING_BATCH_SIZE"]
)
def test_batch_that_does_not_divide_among_replicas(run_dir, macro):
    options = _param(f"{macro}=3"), _param("self_training.rounds=1")
    message = command.run(*tiny(run_dir, *options, "--devices=cpu:0,cpu:1")).message
    assert message.startswith(f"{macro} must be divisible by the number of replicas")
    assert f"Received: 3 for 2 replicas. Set {macro}, or --devices." in message
    assert not run_dir.exists()


def test_batch_that_cannot_fit_names_batch_size_at_once(run_dir):
    # 10^9 pictures of 32 x 32 x 3 float32 are 12 TB.
    message = command.run(*tiny(run_dir, _param("BATCH_SIZE=1000000000"))).message
    assert message.startswith("BATCH_SIZE=1000000000 would run out of memory")
    assert "Lower BATCH_SIZE" in message
    assert not run_dir.exists()


@pytest.mark.slow
def test_memory_that_tensorflow_cannot_get_names_batch_size(run_dir):
    # A kernel [10^9, 512] of float32 is 2 TB: one allocation, refused at once.
    message = command.run(
        *tiny(run_dir, TO_GENERATOR, _param("generator.z_dim=1000000000"))
    ).message
    assert message.startswith("out of memory (")
    assert "--gin_param=BATCH_SIZE=" in message
    assert command.artifacts(run_dir) == {"prepare"}


# Folders.


def test_run_dir_that_is_a_file(run_dir):
    run_dir.write_text("mine")
    message = command.run(*tiny(run_dir)).message
    assert message.startswith(f"Not a directory: {run_dir}. Set --run_dir")
    assert run_dir.read_text() == "mine"


# Root may write where the mode forbids it, so the disk is made read-only by hand.
READ_ONLY = """
import errno, os
def mkdir(path, *args, **kwargs):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
os.mkdir = mkdir
"""


def test_read_only_disk(run_dir):
    message = command.run(*tiny(run_dir), first=READ_ONLY).message
    assert message.startswith(f"Read-only file system: {run_dir}. Set --run_dir")


def test_damaged_mark_of_a_run_folder_is_named(finished):
    (finished / "run.json").write_text('{"gin_fi')
    message = command.run(*tiny(finished)).message
    assert f"{finished / 'run.json'} is damaged. Delete it" in message
    (finished / "run.json").unlink()
    assert "running" not in command.run(*tiny(finished)).check().out


# Artifacts.


def _truncate(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _change(path: pathlib.Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _not_text(path: pathlib.Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(
    ("name", "damage", "expected"),
    [
        ("prepare/artifact.json", _truncate, "cannot be read"),
        ("train_generator/artifact.json", _not_text, "cannot be read"),
        ("train_generator/network.npz", pathlib.Path.unlink, "is missing"),
        ("train_segmenter/network.npz", _change, "has changed since it was made"),
        ("train_segmenter/network.npz", _truncate, "has changed since it was made"),
        ("serving/segmenter/1/saved_model.pb", pathlib.Path.unlink, "is missing"),
    ],
)
def test_damaged_artifact_is_named_and_how_to_go_on(finished, name, damage, expected):
    path = finished / name
    damage(path)
    folder = finished / "export" if "serving" in name else path.parent
    message = command.run(*tiny(finished)).message
    assert f"The artifact {folder} is damaged: {path} {expected}" in message
    assert f"Delete the folder {folder} and give the same command again" in message


def test_deleting_the_damaged_artifact_makes_it_anew(finished):
    _change(finished / "evaluate/scores.json")
    assert f"Delete the folder {finished / 'evaluate'}" in (
        command.run(*tiny(finished)).message
    )
    shutil.rmtree(finished / "evaluate")
    out = command.run(*tiny(finished)).check().out
    assert "evaluate: done" in out and out.count("running") == 1
    assert command.content(finished, "evaluate") == command.content(
        command.finished(), "evaluate"
    )


def test_damaged_pictures_are_named(run_dir, tmp_path):
    """A file of the data set cut off: the folder to delete is named."""
    arguments = tiny(run_dir, f"--data_dir={tmp_path / 'data'}")
    command.run(*arguments, "--stages=prepare").check()
    (train,) = (tmp_path / "data").rglob("*train.tfrecord*")
    _truncate(train)
    message = command.run(*arguments, TO_GENERATOR).message
    assert str(train.parent) in message
    assert command.artifacts(run_dir) == {"prepare"}


# A full disk, and losses that are not numbers, in mid-training.


def test_full_disk_in_training_and_then_room_again(run_dir):
    """A checkpoint is of 300 kB; the files before it are smaller than the limit."""
    limits = {resource.RLIMIT_FSIZE: 150_000}
    message = command.run(*tiny(run_dir, TO_GENERATOR), limits=limits).message
    assert message.startswith(f"File too large: {run_dir}")
    assert "the same command goes on from there" in message
    assert command.artifacts(run_dir) == {"prepare"}
    command.run(*tiny(run_dir, TO_GENERATOR)).check()
    _assert_same_generator(run_dir)


# The pictures of step 5 (from 0) and later become infinite.
INFINITE_PICTURES = """
import tensorflow as tf
from tfcomgan.data import input_pipeline
batches = input_pipeline.training_batches
def broken(*args, batch_size, **kwargs):
    def divide(batch):
        step = batch["position"][0] // batch_size
        scale = tf.where(step < 5, 1.0, float("inf"))
        return batch | {"image": batch["image"] * scale}
    return batches(*args, batch_size=batch_size, **kwargs).map(divide)
input_pipeline.training_batches = broken
"""


def test_non_finite_loss_is_named_and_the_last_checkpoint_kept(run_dir):
    message = command.run(*tiny(run_dir, TO_GENERATOR), first=INFINITE_PICTURES).message
    assert message.startswith("The loss `d_adversarial` is not finite at step 5.")
    (partial,) = run_dir.glob(".partial-train_generator-*/unfinished")
    assert f"the last good checkpoint is kept in {partial}" in message
    assert command.artifacts(run_dir) == {"prepare"}
    # The step-4 checkpoint is good: from it, sound pictures give the unbroken run.
    done = command.run(*tiny(run_dir, TO_GENERATOR)).check()
    assert "generator: 0/8" not in done.err
    _assert_same_generator(run_dir)


@pytest.mark.slow
def test_training_that_diverges_at_once_has_no_checkpoint_to_keep(run_dir):
    rate = _param("train_generator/adam.learning_rate=1e30")
    message = command.run(*tiny(run_dir, TO_GENERATOR, rate)).message
    assert message.startswith("The loss `g_adversarial` is not finite at step 0.")
    assert "Training stopped before its first checkpoint" in message
    assert "adam.learning_rate" in message
    assert command.artifacts(run_dir) == {"prepare"}


def _assert_same_generator(run_dir: pathlib.Path) -> None:
    ours, unbroken = (
        np.load(base / "train_generator/network.npz")
        for base in (run_dir, command.finished())
    )
    for key in unbroken:
        np.testing.assert_array_equal(ours[key], unbroken[key])


# A disk that is full when the network is written, and not before.
FULL_DISK = """
import errno, os, pathlib
write_bytes = pathlib.Path.write_bytes
def full(self, data):
    if self.name == "network.npz":
        write_bytes(self, data[:1000])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
    return write_bytes(self, data)
pathlib.Path.write_bytes = full
"""


@pytest.mark.slow
def test_full_disk_after_the_last_step_trains_nothing_again(run_dir):
    message = command.run(*tiny(run_dir, TO_GENERATOR), first=FULL_DISK).message
    assert message.startswith(f"No space left on device: {run_dir}")
    assert command.artifacts(run_dir) == {"prepare"}
    done = command.run(*tiny(run_dir, TO_GENERATOR)).check()
    assert "/8 steps" not in done.err
    _assert_same_generator(run_dir)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
