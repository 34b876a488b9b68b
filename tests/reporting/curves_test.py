"""Tests of `tfcomgan.reporting.curves` and `tfcomgan.reporting.environment`."""

import re
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.reporting import curves, environment
from tfcomgan.reporting.curves import Curve


def test_a_curve_is_drawn_in_proportion():
    steps, values = [100, 200, 300, 500], [0.0, 1.0, 4.0, 3.0]
    text = curves.svg(Curve("s", "loss", steps, values))
    (points,) = re.findall(r'polyline[^>]*points="([^"]*)"', text)
    x, y = np.array([p.split(",") for p in points.split()], float).T
    # To a tenth of a unit, in which points are written.
    np.testing.assert_allclose((x - x[0]) / np.ptp(x), [0, 0.25, 0.5, 1], atol=1e-3)
    np.testing.assert_allclose((y[0] - y) / np.ptp(y), [0, 0.25, 1, 0.75], atol=2e-3)
    assert "step 100" in text and "step 500" in text


def test_a_long_curve_is_drawn_by_mean_and_range():
    values = np.tile([0.0, 1.0, 2.0, 1.0], 1000)
    text = curves.svg(Curve("s", "loss", range(len(values)), values))
    band, line = (
        np.array([p.split(",") for p in found.split()], float)
        for found in re.findall(r'(?:polygon|polyline)[^>]*points="([^"]*)"', text)
    )
    assert len(line) <= 150 and len(text) < 20_000
    # Spans of 26 or 27 steps: means are near 1, half way, and the band spans it all.
    middle = (band[:, 1].min() + band[:, 1].max()) / 2
    np.testing.assert_allclose(line[:, 1], middle, atol=np.ptp(band[:, 1]) / 26)


@pytest.mark.parametrize("value", [0.0, 5.0, -3e-9, 1e12])
def test_a_constant_curve_can_be_drawn(value):
    assert "polyline" in curves.svg(Curve("s", "loss", [1, 2], [value, value]))


def test_a_single_value_is_a_dot_at_its_height():
    # One fourth of the way from the lower rule to the upper.
    text = curves.svg(Curve("s", "loss", [7], [1.25]))
    ((x, y),) = re.findall(r'<circle class="point" cx="([\d.]+)" cy="([\d.]+)"', text)
    rules = {
        float(tick): float(at)
        for at, tick in re.findall(r'<text x="41" y="([\d.]+)"[^>]*>([\d.]+)<', text)
    }
    (low, bottom), (high, top) = min(rules.items()), max(rules.items())
    share = (1.25 - low) / (high - low)
    np.testing.assert_allclose(float(y), bottom + share * (top - bottom), atol=0.1)
    assert text.count("step 7") == 1
    assert "circle" not in curves.svg(Curve("s", "loss", [7, 8], [1.25, 1.25]))


def _write_events(folder, points, suffix):
    writer = tf.summary.create_file_writer(str(folder), filename_suffix=suffix)
    with writer.as_default():
        tf.summary.text("operative_config", "SEED = 1", step=0)
        for step, value in points:
            tf.summary.scalar("loss/adversarial", value, step=step)
        tf.summary.image("scenes", np.zeros([1, 4, 4, 3]), step=0)
    writer.close()


def test_curves_are_read_from_event_files_of_all_starts(tmp_path):
    folder = tmp_path / "train_generator"
    _write_events(folder, [(20, 1.0), (40, 0.5), (60, 0.25)], ".a")
    first = next(folder.iterdir())
    # An earlier start, killed while it wrote: its last record is cut off.
    data = first.read_bytes()
    first.rename(folder / "events.out.tfevents.0000000001.a")
    (folder / "events.out.tfevents.0000000001.a").write_bytes(data[:-7])
    _write_events(folder, [(60, 2.0), (80, 4.0)], ".b")
    (curve,) = curves.read(tmp_path)
    assert curve == Curve(
        "train_generator", "adversarial", (20, 40, 60, 80), (1.0, 0.5, 2.0, 4.0)
    )
    assert curves.read(tmp_path / "nothing") == []


def test_the_environment_is_that_of_this_process():
    found = environment.current()
    assert found.cpu and found.cores >= 1
    assert found.versions["TensorFlow"] == tf.__version__
    assert found.versions["Python"] == ".".join(map(str, sys.version_info[:3]))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
