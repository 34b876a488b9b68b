"""Names at the limit, and names that are patterns, by the command line."""

import sys

import command
import exports
import numpy as np
import pytest
from PIL import Image

from tfcomgan.images import save_png
from tfcomgan.system import files

SEGMENT = "tfcomgan.segment"
ODD = "a [1] *?\\x"


def save(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, [9, 9, 3], np.uint8)
    Image.fromarray(noise).save(path)


def test_a_name_may_have_all_255_bytes(tmp_path):
    for name in ("a" * 251 + ".png", "é" * 125 + "a.png"):
        save_png(tmp_path / name, np.zeros([2, 2, 3], np.uint8))
        assert len(name.encode()) == 255
        with Image.open(tmp_path / name) as image:
            assert image.size == (2, 2)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), files.replacing(tmp_path / "a") as temporary:
        temporary.write_text("half", encoding="utf-8")
        assert temporary.name.startswith(files.UNFINISHED)
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_names_too_long_for_a_result_are_cut_and_stop_no_other(tmp_path):
    exports.make_segmenter(tmp_path / "run")
    longest = "é" * 125 + "a"  # 251 bytes.
    for name in (f"{longest}.png", f"{longest}.jpg", "x/ok.png"):
        save(tmp_path / "photos" / name)
    command.run(
        tmp_path / "photos", f"--model={tmp_path / 'run'}", f"--out={tmp_path / 'out'}",
        module=SEGMENT,
    ).check()  # fmt: skip
    made = [path.name for path in (tmp_path / "out/masks").rglob("*.png")]
    assert "ok.png" in made and len(made) == 3
    assert sum(name.startswith("é" * 110) for name in made) == 2


def test_folders_whose_names_are_patterns_are_segmented(tmp_path):
    base = tmp_path / ODD
    exports.make_segmenter(base / "run")
    for i in range(2):
        save(base / f"photos/{i} [x].png", i)
    flags = (f"--model={base / 'run'}", f"--out={base / 'out'}")
    for argument in (base / "photos", base / "photos/*.png", base / "photos/0 [x].png"):
        command.run(argument, *flags, module=SEGMENT).check()
    made = sorted(path.name for path in (base / "out/masks").glob("*.png"))
    assert made == ["0 [x].png", "1 [x].png"]


@pytest.mark.slow
def test_folders_whose_names_are_patterns_are_trained_in(tmp_path):
    base = tmp_path / ODD
    base.mkdir()
    run_dir = base / "run"
    data = f"--data_dir={base / 'data'}"
    done = command.start(*command.tiny(run_dir, data)).kill_when(
        lambda: any(path.name == "step-6.index" for path in run_dir.rglob("*.index"))
    )
    kept = sorted(path.stem for path in run_dir.rglob("*.index"))
    assert done.code < 0 and kept[-1] == "step-6" and len(kept) <= 3
    done = command.run(*command.tiny(run_dir, data)).check()
    assert "generator: 0/8" not in done.err
    ours, unbroken = (
        np.load(run / "train_generator/network.npz")
        for run in (run_dir, command.finished())
    )
    for key in unbroken:
        np.testing.assert_array_equal(ours[key], unbroken[key])
    assert (run_dir / "serving/segmenter/1/saved_model.pb").is_file()
    save(base / "photo.png")
    command.run(
        base / "photo.png", f"--model={run_dir}", f"--out={base / 'o'}", module=SEGMENT
    ).check()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
