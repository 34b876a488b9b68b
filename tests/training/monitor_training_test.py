"""The monitor at work: driven trainings, other seeds, the command."""

import json
import re
import sys

import command
import markupsafe
import numpy as np
import pytest
import tensorflow as tf
from command import tiny

from pipelines import attempts
from pipelines.work import Place, Work
from tfcomgan import run_folder
from tfcomgan.errors import UserError
from tfcomgan.models import comgan, update
from tfcomgan.networks import discriminators, generators
from tfcomgan.training import callbacks, loop, monitor
from tfcomgan.training.checkpoints import Keeping
from tfcomgan.training.monitor import MonitorSettings
from tfcomgan.training.settings import TrainingSettings

HEALTHY = {"mask_area": 0.25, "layer_difference": 0.4, "mask_variation": 0.3}


# Trainings driven to each collapse by a loss of their own.


class _Driven(comgan.ComGAN):
    pressure = None

    def generator_losses(self, drawn, scene):
        terms = super().generator_losses(drawn, scene)
        return terms | {"pressure": tf.convert_to_tensor(self.pressure(scene))}

    def _weights(self, step):
        return super()._weights(step) | {"pressure": 100.0}


# Not to full masks and empty ones: 80 steps do not bring so small a network there.
PRESSURES = {
    "empty": lambda scene: tf.reduce_mean(scene.mask),
    "full": lambda scene: -tf.reduce_mean(scene.mask),
    "equal_layers": lambda s: tf.reduce_mean(tf.abs(s.foreground - s.background)),
    "one_mask": lambda s: tf.reduce_mean(tf.math.reduce_variance(s.mask, axis=0)),
    None: lambda scene: 0.0,
}


def _train(pressure, folder, settings):
    def make_model():
        model = _Driven(
            generator=generators.GeneratorSettings(
                architecture="comgan", image_size=32, width=2, z_dim=4
            ),
            critics=discriminators.CriticSettings(width=2),
            settings=comgan.ComGANSettings(),
            adam=update.AdamSettings(learning_rate=0.02),
            batch_size=4,
            seed=0,
        )
        model.pressure = pressure
        return model

    images = np.random.default_rng(0).uniform(-1, 1, [4, 32, 32, 3])
    batches = tf.data.Dataset.range(200).map(
        lambda step: {
            "image": tf.constant(images, tf.float32),
            "position": 4 * step + tf.range(4, dtype=tf.int64),
        }
    )
    board = callbacks.Board(folder / "logs")
    watching = monitor.Monitor(settings, seed=0, steps=80, folder=folder, board=board)
    loop.train(
        TrainingSettings(steps=80, steps_per_execution=5, batch_size=4, seed=0),
        Keeping(folder, every=80, fingerprint=""),
        make_model=make_model,
        make_batches=lambda start: batches.skip(start),
        watchers=lambda model: [watching],
        on=loop.strategy(["cpu:0"]),
    )
    return monitor.findings(monitor.read(folder / monitor.READINGS), settings)


@pytest.mark.parametrize(
    "sign",
    [
        "empty",
        "equal_layers",
        None,
        pytest.param("full", marks=pytest.mark.slow),
        pytest.param("one_mask", marks=pytest.mark.slow),
    ],
)
def test_fires_on_a_training_driven_to_a_collapse_and_on_no_other(sign, tmp_path):
    # After 80 steps masks are grey as a rule.
    watch = MonitorSettings(every=5, window=15, max_grey=1.0)
    found = _train(PRESSURES[sign], tmp_path, watch)
    assert {f.sign for f in found} == ({sign} if sign else set())


# With another seed.


@pytest.fixture
def work(tmp_path):
    place = Place(tmp_path, tmp_path, None, (), 100)
    (tmp_path / "work" / run_folder.UNFINISHED).mkdir(parents=True)
    return Work("s", tmp_path / "work", "f", place)


def _attempts(work, monkeypatch, fails, doubt=lambda model: "", **settings):
    """Runs attempts that end in a trivial solution while `fails` lasts."""
    tried = []

    def attempt(work, training, place):
        seed = training.schedule.seed
        tried.append((seed, place))
        if len(tried) <= fails:
            raise monitor.Restart(f"empty with seed {seed}")
        place.mkdir(exist_ok=True)
        (place / monitor.READINGS).write_text(json.dumps([20, HEALTHY]) + "\n")
        return "model"

    monkeypatch.setattr(attempts, "_attempt", attempt)
    training = attempts.Training(
        images=None,
        pictures=None,
        schedule=TrainingSettings(seed=5, steps=100, batch_size=4),
        watch=MonitorSettings(**{"on_trivial": "restart", "window": 20} | settings),
        make_model=None,
        drawer=lambda model: lambda: np.zeros([4, 4, 3], np.uint8),
        shown=(),
        doubt=doubt,
    )
    try:
        result = attempts.train(work, training)
    except UserError as error:
        result = error
    return result, tried


def test_another_seed_is_tried_in_a_folder_of_its_own_and_recorded(work, monkeypatch):
    (model, info), tried = _attempts(work, monkeypatch, fails=2)
    seeds, folders = zip(*tried, strict=True)
    assert model == "model" and len(set(seeds)) == len(set(folders)) == 3
    assert seeds[0] == 5 and info["trivial"]["seed"] == seeds[-1]
    assert info["trivial"]["findings"] == []
    expected = [f"Given up. empty with seed {seed}" for seed in seeds[:2]]
    assert info["notes"] == expected
    # Killed, it goes on with the seed it was at.
    (_, again), tried = _attempts(work, monkeypatch, fails=0)
    assert again == info and [seed for seed, _ in tried] == [seeds[-1]]


def test_so_many_seeds_and_no_more(work, monkeypatch):
    error, tried = _attempts(work, monkeypatch, fails=9, max_restarts=1)
    assert len(tried) == 2
    assert re.match("No seed of 2 led past a trivial solution", str(error))


@pytest.mark.parametrize("on_trivial, trained", [("restart", 3), ("warn", 1)])
def test_doubtful_models_are_given_up_but_for_the_last(
    work, monkeypatch, on_trivial, trained
):
    (model, info), tried = _attempts(
        work,
        monkeypatch,
        fails=0,
        doubt=lambda model: f"{model} is doubtful",
        on_trivial=on_trivial,
        max_restarts=2,
    )
    seeds = [seed for seed, _ in tried]
    assert model == "model" and len(set(seeds)) == len(seeds) == trained
    assert info["trivial"]["seed"] == seeds[-1]
    expected = [f"Seed {seed}: model is doubtful" for seed in seeds[:-1]]
    assert info["trivial"]["given_up"] == expected
    last = f"Kept all the same. Seed {seeds[-1]}: model is doubtful"
    assert last in info["notes"]


# Through the command line.

_STAGES = "--stages=prepare,train_generator"
_BLIND = "--gin_param=monitor.min_variation=9.0"  # All masks seem one.
_RESTART = (
    "--gin_param=train_generator/monitor.on_trivial='restart'",
    "--gin_param=monitor.max_restarts=1",
)


def test_a_warning_is_in_the_log_the_artifact_and_the_report(tmp_path):
    done = command.run(*tiny(tmp_path / "run", _STAGES, _BLIND)).check()
    info = command.artifact(tmp_path / "run", "train_generator")["info"]
    assert info["trivial"]["findings"] == [
        {"sign": "one_mask", "first_step": 1, "last_step": 8, "solution": 2}
    ]
    (note,) = info["notes"]
    assert "the mask is the same for every z, from step 1 to the end" in note
    assert note in done.out and "Second trivial solution with seed 0" in done.err
    report = (tmp_path / "run" / "report.html").read_text()
    assert "Warning: the monitor of train_generator" in report
    assert markupsafe.escape(note) in report


def test_on_trivial_restart_tries_other_seeds_and_says_that_none_was_better(tmp_path):
    ended = command.run(*tiny(tmp_path / "run", _STAGES, _BLIND, *_RESTART))
    assert ended.message.startswith("No seed of 2 led past a trivial solution")
    given_up = [
        int(n) for n in re.findall("trivial solution with seed (.*?):", ended.err)
    ]
    # Each warned of as it was given up; the message names the last once more.
    assert given_up[0] == 0 and given_up[1] == given_up[2] != 0
    assert command.artifacts(tmp_path / "run") == {"prepare"}


def test_undecided_training_is_started_again_and_the_last_one_is_kept(tmp_path):
    doubtful = "--gin_param=orientation.least_margin=0.999"
    done = command.run(*tiny(tmp_path / "run", _STAGES, doubtful, *_RESTART)).check()
    info = command.artifact(tmp_path / "run", "train_generator")["info"]
    (given_up,) = info["trivial"]["given_up"]
    assert given_up.startswith("Seed 0: which side of the masks is the object stayed")
    assert f"Given up. {given_up}" in done.out
    assert info["trivial"]["seed"] != 0 and info["orientation"]["margin"] < 0.999


def test_on_trivial_stop_ends_with_a_message(tmp_path):
    stop = "--gin_param=train_generator/monitor.on_trivial='stop'"
    message = command.run(*tiny(tmp_path / "run", _STAGES, _BLIND, stop)).message
    assert message.startswith("Second trivial solution with seed 0")
    assert "Training stopped (monitor.on_trivial='stop')" in message
    assert command.artifacts(tmp_path / "run") == {"prepare"}


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
