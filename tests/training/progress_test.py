"""Tests of `tfcomgan.training.progress`: what a person sees of a stage at work."""

import io
import re
import sys
import time

import pytest

from tfcomgan.training import progress


class _Terminal(io.StringIO):
    def isatty(self):
        return True


class _Clock:
    """tqdm's, to be put forward."""

    def __init__(self, monkeypatch):
        self.now = time.time()
        monkeypatch.setattr("tqdm.std.time", lambda: self.now)


def _train(stage="train_generator", *, steps=10, first_step=0, ends=(4, 8), logs=None):
    shown = ("d_adversarial", "g_adversarial", "mask_area", "mask_entropy", "absent")
    watched = progress.Progress(stage, steps=steps, shown=shown)
    watched.first_step = first_step
    watched.on_train_begin()
    for end in ends:
        watched.on_train_batch_end(end - first_step - 1, logs or {})
    watched.on_train_end()


def test_lines_where_there_is_no_terminal(capsys):
    logs = {"mask_area": 0.5678, "hidden": 5.0}
    _train(first_step=4, ends=(8, 12), logs=logs)  # Two too many.
    error = capsys.readouterr().err
    first, *_, last = error.splitlines()
    assert "\r" not in error
    assert first.startswith("generator: 4/10 steps") and "compiling" in first
    assert last.startswith("generator: 10/10 steps") and last.endswith("area 0.57")
    assert "hidden" not in error and "absent" not in error


@pytest.mark.parametrize("steps", [10, 58_500])
def test_the_bar_fits_80_columns(monkeypatch, steps):
    terminal, clock = _Terminal(), _Clock(monkeypatch)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    logs = dict.fromkeys(["d_adversarial", "g_adversarial"], 12.345)
    logs |= dict.fromkeys(["mask_area", "mask_entropy"], 0.5)

    def slow(end):  # Hours are left.
        clock.now += 30
        return end

    _train(steps=steps, ends=map(slow, range(1, 10)), logs=logs)
    drawn = [line for line in re.split("[\r\n]", terminal.getvalue()) if line.strip()]
    assert len(drawn) >= 9 and max(map(len, drawn)) <= 80
    assert "D 12.35 G 12.35 area 0.50 grey 0.50" in drawn[-1]


def test_compiling_is_said_and_not_counted_in_the_time_left(capsys, monkeypatch):
    clock = _Clock(monkeypatch)
    watched = progress.Progress("train_generator", steps=100, shown=())
    watched.on_train_begin()
    clock.now += 1000  # The first step.
    watched.on_train_batch_end(0, {})
    for step in range(1, 11):  # Ten steps of 30 s: the other 89 take 44 min 30 s.
        clock.now += 30
        watched.on_train_batch_end(step, {})
    watched.close()
    first, *_, last = capsys.readouterr().err.splitlines()
    assert "compiling" in first and "compiling" not in last
    assert last.startswith("generator: 11/100 steps, 44:30 left")


def test_parts_of_a_job_are_named_one_after_the_other(capsys):
    with progress.parts("evaluate", 2) as begin:
        begin("masks")
        begin("figures")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "evaluate: 0/2",
        "evaluate: 0/2, masks",
        "evaluate: 1/2, figures",
        "evaluate: 2/2, done",
    ]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
