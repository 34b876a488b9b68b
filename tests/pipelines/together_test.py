"""Two hosts train what one process with two replicas trains; one that dies is named.

Both hosts are processes on this machine, with a CPU each, that meet over the loopback.
"""

import json
import pathlib
import re
import shutil
import signal
import socket
import sys

import command
import numpy as np
import pytest

from tfcomgan.system import locks

# Graphs of several replicas take minutes to trace, their operations seconds to run.
EAGERLY = "import tensorflow as tf; tf.config.run_functions_eagerly(True)\n"
# With a large epsilon Adam's steps are linear in the gradients, so rounding stays rounding.
LINEAR = ("--gin_param=adam.epsilon=1.0", "--gin_param=adam.learning_rate=0.1",
          "--gin_param=train_generator/adam.learning_rate=0.1",
          "--gin_param=train_segmenter/adam.learning_rate=0.1")  # fmt: skip


def addresses(count: int = 2) -> list[str]:
    """Of ports that are free now."""
    with_ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [f"127.0.0.1:{opened.getsockname()[1]}" for opened in with_ports]
    for opened in with_ports:
        opened.close()
    return found


def start(index: int, cluster, run_dir: pathlib.Path, *more: str, first: str = ""):
    """Starts the command as worker `index`, with TF_CONFIG set."""
    text = json.dumps(
        {"cluster": {"worker": cluster}, "task": {"type": "worker", "index": index}}
    )
    setting = f"import os; os.environ['TF_CONFIG'] = {text!r}\n"
    return command.start(*command.tiny(run_dir, *more), first=setting + first)


def both(run_dir, *more: str, others: tuple[str, ...] = (), first: str = ""):
    """Two workers on free ports; the second one's further flags are `others`."""
    cluster = addresses()
    flags = more, others or more
    return [start(i, cluster, run_dir, *flags[i], first=first) for i in range(2)]


# Refused by name, before TensorFlow connects anything.


def test_host_with_other_settings_is_refused_by_their_name_on_both(tmp_path):
    two = both(tmp_path / "run", others=("--gin_param=SEED=7",))
    for done in (worker.wait() for worker in two):
        assert "is not as the chief: `SEED` is '7' there and '0' here" in done.message
    assert command.artifacts(tmp_path / "run") == set()


def test_host_that_does_not_come_is_named_by_its_address(tmp_path):
    cluster = addresses()
    done = start(0, cluster, tmp_path / "run", "--hosts_minutes=0.02").wait()
    assert f"{cluster[1]} did not come to {tmp_path / 'run'}" in done.message


def test_run_folder_that_is_not_shared_is_named(tmp_path):
    cluster = addresses()
    two = [
        start(i, cluster, tmp_path / f"run-{i}", "--hosts_minutes=0.05")
        for i in range(2)
    ]
    chief, other = (worker.wait().message for worker in two)
    assert f"{cluster[1]} did not come to {tmp_path / 'run-0'}" in chief
    assert f"{cluster[0]}, was not seen in {tmp_path / 'run-1'}" in other
    assert "that all share" in chief and "that all share" in other


def test_run_folder_of_another_job_is_refused_on_both_hosts(tmp_path):
    with locks.hold(tmp_path / "run", "--run_dir"):
        for done in (worker.wait() for worker in both(tmp_path / "run")):
            assert "in use by process" in done.message


def test_devices_are_not_chosen_by_the_flag(tmp_path):
    done = start(0, addresses(), tmp_path / "run", "--devices=cpu:0").wait()
    assert "CUDA_VISIBLE_DEVICES" in done.message


def test_wrong_tf_config_is_named(tmp_path):
    first = "import os; os.environ['TF_CONFIG'] = '{\"cluster\": '"
    done = command.run(*command.tiny(tmp_path / "run"), first=first)
    assert done.message.startswith("TF_CONFIG is no JSON (")


# Trained together.

FLAGS = (
    "--stages=prepare,train_generator,train_segmenter,self_train",
    "--gin_param=self_training.rounds=1",
    "--gin_param=self_training.least_iou=0.0",
    "--gin_param=self_training.least_area=0.0",
    "--gin_param=self_training.most_area=1.0",
    "--gin_param=self_training.held_aside=8",
    "--gin_param=STEPS=4",
    "--gin_param=SEGMENTER_STEPS=2",
    *LINEAR,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Run folders of one process with two replicas, and of two hosts, once killed."""
    folder = tmp_path_factory.mktemp("hosts")
    chief, other = both(folder / "two", *FLAGS, first=EAGERLY)
    kept = "train_generator-*/unfinished/step-2.index"
    killed = other.kill_when(lambda: list((folder / "two").glob(f".partial-{kept}")))
    assert killed.code == -signal.SIGKILL
    alone = chief.wait()
    two = [w.wait().check() for w in both(folder / "two", *FLAGS, first=EAGERLY)]
    # A process each: run eagerly, the replicas of a second training in a process get into
    # each other's way.
    for stages in ("prepare,train_generator", "train_segmenter", "self_train"):
        more = (*FLAGS, f"--stages={stages}", "--devices=cpu:0,cpu:1")
        command.run(*command.tiny(folder / "one", *more), first=EAGERLY).check()
    return folder, alone, two


@pytest.mark.slow
def test_killed_host_is_told_of_by_the_other_which_ends(trained):
    _, alone, _ = trained
    assert re.search(r"because another of 127\.0\.0\.1:\d+ has ended", alone.message)


@pytest.mark.slow
def test_two_hosts_go_on_and_train_what_two_replicas_of_one_process_train(trained):
    folder, _, two = trained
    assert "generator: 0/4" not in two[0].err  # It did not start anew.
    for stage in ("train_generator", "train_segmenter", "self_train"):
        ours, theirs = (
            np.load(folder / name / stage / "network.npz") for name in ("two", "one")
        )
        assert set(ours) == set(theirs) and len(ours) > 20
        for key in theirs:  # The tolerance of tests/training/replicas_test.py.
            np.testing.assert_allclose(ours[key], theirs[key], 1e-5, 5e-5, err_msg=key)


@pytest.mark.slow
def test_the_chief_alone_writes(trained):
    folder, _, two = trained
    assert "train_generator: training along" in two[1].out
    assert "steps" not in two[1].err  # One progress bar.
    logs = folder / "two" / "logs" / "train_segmenter"
    assert len(list(logs.iterdir())) == 1
    left = {path.name for path in (folder / "two").glob(".*")}
    assert left == {".tfcomgan-lock"}


# A host that decodes the lessons' pictures for some seconds longer.
SLOW = """
import time
from pipelines import album
has_lessons = album.Album.has_lessons.fget
album.Album.has_lessons = property(lambda self: time.sleep(5) or has_lessons(self))
"""


@pytest.mark.slow
@pytest.mark.parametrize("is_late", [0, 1])
def test_host_that_comes_late_to_self_training_learns_along(tmp_path, is_late):
    run_dir, cluster = (
        shutil.copytree(command.finished(), tmp_path / "run"),
        addresses(),
    )
    more = (*FLAGS[1:6], "--stages=self_train", "--gin_param=grabcut.least_side=0",
            "--gin_param=self_training.first_teacher='grabcut'")  # fmt: skip
    two = [
        start(i, cluster, run_dir, *more, first=EAGERLY + SLOW * (i == is_late))
        for i in range(2)
    ]
    assert "self_train: done" in [worker.wait().check() for worker in two][0].out
    rounds = command.artifact(run_dir, "self_train")["info"]["rounds"]
    assert [done["agreement"] is None for done in rounds] == [True, False]


@pytest.mark.slow
def test_signal_to_one_host_saves_and_ends_both_within_a_step(tmp_path):
    run_dir = tmp_path / "run"
    more = ("--stages=prepare,train_generator", "--gin_param=STEPS=1000",
            "--checkpoint_every=3")  # fmt: skip
    chief, other = both(run_dir, *more, first=EAGERLY)
    steps = "train_generator-*/unfinished/step-*.index"
    asked = other.kill_when(
        lambda: list(run_dir.glob(f".partial-{steps}")), signal.SIGTERM
    )
    told = chief.wait()
    assert (told.code, asked.code) == (143, 143)
    assert "stopped with another host" in told.err and "stopped by SIGTERM" in asked.err


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
