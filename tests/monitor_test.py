"""Tests of the trivial-mask monitor: fires on each collapse, silent on what is healthy."""

import json
import re
import sys

import command
import markupsafe
import numpy as np
import pytest
import tensorflow as tf
from command import tiny

from pipelines import attempts, cache
from pipelines.settings import Place, TrainingSettings, Work
from tfcomgan import callbacks, monitor, training
from tfcomgan.errors import UserError
from tfcomgan.models import comgan, update
from tfcomgan.monitor import Finding, MonitorSettings, Reading
from tfcomgan.networks import discriminators
from tfcomgan.networks import generator as generators

HEALTHY = {
    "mask_area": 0.25,
    "smaller_side": 0.2,
    "layer_difference": 0.4,
    "mask_variation": 0.3,
}
SIGNS = {
    "empty": {"mask_area": 0.001, "smaller_side": 0.001, "mask_variation": 0.0},
    "full": {"mask_area": 0.999, "smaller_side": 0.001, "mask_variation": 0.0},
    "full_or_empty": {"mask_area": 0.5, "smaller_side": 0.001, "mask_variation": 0.5},
    "equal_layers": {"layer_difference": 0.001},
    "one_mask": {"mask_variation": 0.0001},
}
SETTINGS = MonitorSettings(every=10, window=30)


def _readings(*values):
    return [Reading(10 * (i + 1), HEALTHY | v) for i, v in enumerate(values)]


# What counts.


@pytest.mark.parametrize("sign, solution", zip(SIGNS, [1, 1, 1, 2, 2], strict=True))
def test_each_sign_is_found_and_names_its_solution(sign, solution):
    (found,) = monitor.findings(_readings({}, *[SIGNS[sign]] * 4, {}), SETTINGS)
    assert found == Finding(sign, first_step=20, last_step=50)
    assert found.solution == solution
    text = found.text(7)
    assert text.startswith({1: "First", 2: "Second"}[solution] + " trivial solution")
    assert "with seed 7" in text and "from step 20 to step 50" in text
    assert "comgan.binary_weight" in text  # What to change.


def test_healthy_logs_and_signs_shorter_than_the_window_find_nothing():
    assert not monitor.findings(_readings(*[{}] * 20), SETTINGS)
    empty, full = SIGNS["empty"], SIGNS["full"]
    # Two readings at a time, where three make the window; full and empty do not add up.
    short = _readings(empty, empty, {}, empty, empty, full, full, {})
    assert not monitor.findings(short, SETTINGS)


def test_a_mask_that_recovers_and_falls_again_is_found_twice():
    empty = [SIGNS["empty"]] * 3
    found = monitor.findings(_readings(*empty, {}, *empty), SETTINGS)
    assert [(f.first_step, f.last_step) for f in found] == [(10, 30), (50, 70)]


def test_a_training_without_masks_or_layers_shows_no_sign():
    assert SETTINGS.sign({}) is None
    assert SETTINGS.sign({"mask_area": 0.2}) is None  # The segmenter's.


@pytest.mark.parametrize(
    "wrong, message",
    [
        (dict(every=300), "`monitor.every` must lie in .1, monitor.window."),
        (dict(every=0), "`monitor.every` must lie in"),
        (dict(min_area=-0.1), "`monitor.min_area` must not be negative"),
        (dict(max_restarts=-1), "`monitor.max_restarts` must not be negative"),
    ],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        MonitorSettings(**wrong)


# The callback.


class _Board:
    """Keeps what TensorBoard would show."""

    def __init__(self):
        self.curve, self.texts = {}, []

    def scalars(self, step, values):
        self.curve[step] = values["trivial_solution"]

    def text(self, name, content, step):
        self.texts.append((name, step))


def _monitor(folder, first_step=0, settings=SETTINGS, board=None):
    watching = monitor.Monitor(
        settings, seed=0, steps=100, folder=folder, board=board or _Board()
    )
    watching.first_step = first_step
    watching.on_train_begin()
    return watching


def _feed(watching, start, stop):
    """Logs of steps start + 1 to stop: the mask is empty from step 31 to 70."""
    for step in range(start, stop):
        logs = HEALTHY | (SIGNS["empty"] if 30 < step + 1 <= 70 else {})
        watching.on_train_batch_end(step - watching.first_step, logs)


def test_the_curve_shows_the_solution_while_it_lasts_and_the_warning_comes_once(
    tmp_path,
):
    board = _Board()
    _feed(_monitor(tmp_path, board=board), 0, 100)
    assert board.curve == {
        step: 1 if 60 <= step <= 70 else 0 for step in range(10, 101, 10)
    }
    assert board.texts == [("trivial_solution", 60)]


@pytest.mark.parametrize("checkpoint, killed", [(40, 57), (50, 95), (60, 61)])
def test_a_resumed_training_finds_what_an_unbroken_one_does(
    tmp_path, checkpoint, killed
):
    _feed(_monitor(tmp_path / "unbroken"), 0, 100)
    folder = tmp_path / "killed"
    _feed(_monitor(folder), 0, killed)
    with (folder / monitor.READINGS).open("a") as file:
        file.write('[70, {"mask_')  # Torn.
    board = _Board()
    _feed(_monitor(folder, first_step=checkpoint, board=board), checkpoint, 100)
    ours, theirs = (monitor.read(tmp_path / n / monitor.READINGS) for n in
                    ("killed", "unbroken"))  # fmt: skip
    assert ours == theirs and len(ours) == 10
    assert monitor.findings(ours, SETTINGS) == [Finding("empty", 40, 70)]
    # What was told before the checkpoint is not told again.
    assert len(board.texts) == (0 if checkpoint == 60 else 1)


@pytest.mark.parametrize(
    "on_trivial, error", [("stop", UserError), ("restart", monitor.Restart)]
)
def test_it_stops_or_asks_for_another_seed_where_told_to(tmp_path, on_trivial, error):
    settings = MonitorSettings(every=10, window=30, on_trivial=on_trivial)
    watching = _monitor(tmp_path, settings=settings)
    _feed(watching, 0, 59)
    with pytest.raises(error, match="the mask is empty, from step 40 to step 60"):
        _feed(watching, 59, 60)


# Trainings driven to each collapse by a loss of their own.


class _Driven(comgan.ComGAN):
    pressure = None

    def generator_losses(self, drawn, scene):
        self._pressed = self.pressure(scene)
        return super().generator_losses(drawn, scene)

    def _total(self, terms, step):
        return super()._total(terms, step) + 100.0 * self._pressed


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
    training.train(
        make_model=make_model,
        make_batches=lambda start: batches.skip(start),
        watchers=lambda model: [watching],
        on=training.strategy(["cpu:0"]),
        steps=80,
        steps_per_execution=5,
        batch_size=4,
        seed=0,
        policy="float32",
        checkpoint_dir=folder,
        checkpoint_every=80,
        fingerprint="",
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
    found = _train(PRESSURES[sign], tmp_path, MonitorSettings(every=5, window=15))
    assert {f.sign for f in found} == ({sign} if sign else set())


# With another seed.


@pytest.fixture
def work(tmp_path):
    place = Place(tmp_path, tmp_path, None, (), 100)
    (tmp_path / "work" / cache.UNFINISHED).mkdir(parents=True)
    return Work(tmp_path / "work", "f", place)


def _attempts(work, monkeypatch, fails, **settings):
    """Runs attempts that end in a trivial solution while `fails` lasts."""
    tried = []

    def attempt(work, stage, place, *, schedule, watch, **parts):
        tried.append((schedule.seed, place))
        if len(tried) <= fails:
            raise monitor.Restart(f"empty with seed {schedule.seed}")
        place.mkdir(exist_ok=True)
        (place / monitor.READINGS).write_text(json.dumps([20, HEALTHY]) + "\n")
        return "model"

    monkeypatch.setattr(attempts, "_attempt", attempt)
    schedule = TrainingSettings(seed=5, steps=100, batch_size=4)
    watch = MonitorSettings(on_trivial="restart", window=20, **settings)
    picture = np.zeros([4, 4, 3], np.uint8)
    try:
        result = attempts.train(
            work, "s", schedule=schedule, watch=watch, drawer=lambda m: lambda: picture
        )
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


# Through the command line.

_STAGES = "--stages=prepare,train_generator"
_BLIND = "--gin_param=monitor.min_variation=9.0"  # All masks seem one.


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
    restart = ("monitor.on_trivial='restart'", "monitor.max_restarts=1")
    flags = [f"--gin_param={binding}" for binding in restart]
    ended = command.run(*tiny(tmp_path / "run", _STAGES, _BLIND, *flags))
    assert ended.message.startswith("No seed of 2 led past a trivial solution")
    given_up = [
        int(n) for n in re.findall("trivial solution with seed (.*?):", ended.err)
    ]
    # Each warned of as it was given up; the message names the last once more.
    assert given_up[0] == 0 and given_up[1] == given_up[2] != 0
    assert command.artifacts(tmp_path / "run") == {"prepare"}


def test_on_trivial_stop_ends_with_a_message(tmp_path):
    stop = "--gin_param=monitor.on_trivial='stop'"
    message = command.run(*tiny(tmp_path / "run", _STAGES, _BLIND, stop)).message
    assert message.startswith("Second trivial solution with seed 0")
    assert "Training stopped (monitor.on_trivial='stop')" in message
    assert command.artifacts(tmp_path / "run") == {"prepare"}


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
