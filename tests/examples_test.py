"""The scripts in `examples/`, as a reader would start them, on a tiny model."""

import runpy
import sys

import exports
import numpy as np
import pytest
from build_deps import ROOT
from PIL import Image


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return exports.make_run(tmp_path_factory.mktemp("run"))


def _start(monkeypatch, *arguments):
    script = str(ROOT / "examples/cut_and_paint.py")
    monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
    runpy.run_path(script, run_name="__main__")


def test_cut_and_paint_writes_the_pictures_it_names(run_dir, tmp_path, monkeypatch):
    photo = np.zeros([30, 40, 3], np.uint8)
    photo[:, 20:] = 255  # The tiny segmenter finds what is bright.
    Image.fromarray(photo).save(tmp_path / "photo.png")
    _start(monkeypatch, run_dir, tmp_path / "photo.png", tmp_path / "made")
    made = {p.name: np.asarray(Image.open(p)) for p in (tmp_path / "made").iterdir()}
    assert set(made) == {"cutout.png", "elsewhere.png", "looks.png"}
    opacity = made["cutout.png"][..., 3]
    assert opacity[:, :18].max() < 128 < opacity[:, 22:].min()
    # Between lies the edge, in the object's colours.
    for sure in (slice(None, 18), slice(22, None)):
        colours = made["cutout.png"][:, sure, :3]
        np.testing.assert_allclose(colours, photo[:, sure], atol=2)
    assert made["elsewhere.png"].shape == photo.shape
    # The object is kept as far as its mask is sure of it; the ground is another's.
    change = np.abs(made["elsewhere.png"].astype(int) - photo)
    assert change[:, 22:].max() <= 128 and change[:, :18].mean() > 0
    assert made["looks.png"].shape == (exports.SIZE, 4 * exports.SIZE, 3)


def test_wrong_arguments_end_in_the_usage(monkeypatch):
    with pytest.raises(SystemExit, match="Usage: .* RUN PHOTO OUT"):
        _start(monkeypatch)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
