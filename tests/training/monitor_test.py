"""Tests of the trivial-mask monitor: fires on each collapse, silent on what is healthy."""

import re
import sys

import pytest

from pipelines import declared
from tfcomgan import config
from tfcomgan.errors import UserError
from tfcomgan.training import monitor, signs
from tfcomgan.training.monitor import Finding, MonitorSettings, Reading

HEALTHY = {
    "mask_area": 0.25,
    "one_layer": 0.1,
    "layer_difference": 0.4,
    "mask_variation": 0.3,
    "object_area": 0.25,
    "layer_echo": 0.3,
    "mask_entropy": 0.1,
}
SIGNS = {
    "empty": {"mask_area": 0.001, "one_layer": 1.0, "mask_variation": 0.0},
    "full": {"mask_area": 0.999, "one_layer": 1.0, "mask_variation": 0.0},
    "full_or_empty": {"mask_area": 0.5, "one_layer": 0.75, "mask_variation": 0.5},
    "equal_layers": {"layer_difference": 0.001},
    "one_mask": {"mask_variation": 0.0001},
    "shrunk": {"object_area": 0.04},
    "grown": {"object_area": 0.8},
    "echo": {"layer_echo": 0.95},
}
SETTINGS = MonitorSettings(
    every=10, window=30, min_object=0.05, max_object=0.75, max_echo=0.9
)


def _readings(*values):
    return [Reading(10 * (i + 1), HEALTHY | v) for i, v in enumerate(values)]


# What counts.


@pytest.mark.parametrize(
    "sign, solution", zip(SIGNS, [1, 1, 1, 2, 2, 1, 1, 2], strict=True)
)
def test_each_sign_is_found_and_names_its_solution(sign, solution):
    (found,) = monitor.findings(_readings({}, *[SIGNS[sign]] * 4, {}), SETTINGS)
    assert found == Finding(sign, first_step=20, last_step=50)
    assert found.solution == solution
    text = found.text(7)
    assert text.startswith({1: "First", 2: "Second"}[solution] + " trivial solution")
    assert "with seed 7" in text and "from step 20 to step 50" in text
    assert re.search(r"comgan\.\w+", text)  # What to change.


def test_masks_that_stay_grey_are_named_and_are_no_trivial_solution():
    grey = {"mask_entropy": 0.9}
    (found,) = monitor.findings(_readings({}, *[grey] * 4), SETTINGS)
    assert found == Finding("grey", first_step=20, last_step=50) and not found.solution
    text = found.text(7, is_last=True)
    assert text.startswith("Warning with seed 7: masks stay grey")
    assert "to the end" in text and "comgan.binary_weight" in text
    # Empty masks are crisp and yet trivial; what is trivial and grey is trivial.
    (found,) = monitor.findings(_readings(*[grey | SIGNS["one_mask"]] * 4), SETTINGS)
    assert found.sign == "one_mask"


def test_healthy_logs_and_signs_shorter_than_the_window_find_nothing():
    assert not monitor.findings(_readings(*[{}] * 20), SETTINGS)
    empty, full = SIGNS["empty"], SIGNS["full"]
    # Two readings at a time, where three make the window; full and empty do not add up.
    short = _readings(empty, empty, {}, empty, empty, full, full, {})
    assert not monitor.findings(short, SETTINGS)


@pytest.mark.parametrize("at_once", [1, 10, 20, 60, 100])
def test_readings_farther_apart_fill_the_same_window(tmp_path, at_once):
    """A reading is due each 20 steps; the window is 200, whatever an execution has."""
    settings = MonitorSettings(every=20, window=200, on_trivial="stop")
    watching = monitor.Monitor(
        settings, seed=0, steps=600, folder=tmp_path, board=_Board()
    )
    watching.on_train_begin()
    empty = HEALTHY | SIGNS["empty"]
    apart = max(20, at_once)
    # From the first reading on; to the first that is 200 - 20 steps later or more.
    last = apart + -(-180 // apart) * apart
    with pytest.raises(UserError, match=f"from step {apart} to step {last}"):
        for step in range(at_once, 601, at_once):
            watching.on_train_batch_end(step - 1, empty)


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


@pytest.mark.parametrize("on_trivial", ["warn", "stop", "restart"])
@pytest.mark.parametrize("area", ["mask_area", "real_mask_area"])
def test_grey_masks_are_warned_of_in_the_second_half_and_stop_nothing(
    tmp_path, area, on_trivial
):
    board = _Board()
    watching = monitor.Monitor(
        MonitorSettings(every=10, window=30, on_trivial=on_trivial),
        seed=0, steps=100, folder=tmp_path, board=board, area=area,
    )  # fmt: skip
    watching.on_train_begin()
    for step in range(100):  # Grey from the first step to the last.
        logs = {area: 0.4, area.replace("area", "entropy"): 0.98}
        watching.on_train_batch_end(step, logs)
    # Readings at 60, 70 and 80 make the window.
    assert board.texts == [("trivial_solution", 80)]
    assert set(board.curve.values()) == {0}


def test_a_segmenter_is_not_advised_as_a_generator_is(tmp_path):
    said = []
    for area in ("mask_area", "real_mask_area"):
        with pytest.raises(UserError) as failed:
            _watch_empty(tmp_path / area, area)
        said.append(str(failed.value))
    assert "comgan.area_weight" in said[0] and "SEGMENTER_STEPS" not in said[0]
    assert "comgan." not in said[1] and "SEGMENTER_STEPS" in said[1]


def _watch_empty(folder, area):
    folder.mkdir()
    watching = monitor.Monitor(
        MonitorSettings(every=10, window=20, on_trivial="stop"),
        seed=0, steps=100, folder=folder, board=_Board(), area=area,
    )  # fmt: skip
    watching.on_train_begin()
    for step in range(100):
        watching.on_train_batch_end(step, {area: 0.0})


@pytest.mark.parametrize(
    "advice", [*(sign.advice for sign in signs.SIGNS.values()), signs.OF_SEGMENTER]
)
def test_what_the_advice_names_exists(advice):
    known = {f"{k}.{field}" for k, v in declared.settings().items() for field in v}
    words = set(re.findall(r"[\w/]+\.\w+", advice))
    overlays = {word for word in words if word.endswith(".gin")}
    assert words - overlays <= known
    assert all(config.resolve([name])[0].is_file() for name in overlays)
    assert set(re.findall(r"\b[A-Z]{3}[A-Z_]+\b", advice)) <= {
        "SEED", "STEPS", "SEGMENTER_STEPS", "SELF_TRAINING_STEPS",
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
