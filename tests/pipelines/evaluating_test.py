"""The stage `evaluate` and the report through the command line."""

import json
import pathlib
import re
import shutil
import sys

import command
import numpy as np
import pytest
import unprivileged
from command import tiny
from PIL import Image

from tfcomgan.run_folder import STAGES


def test_scores_name_protocol_method_and_polarity(finished):
    scores = json.loads((finished / "evaluate/scores.json").read_text())
    methods = {"t0.5": {"segmenter", "otsu", "mean_mask"}, "otsu": {"segmenter"}}
    assert {name: set(found) for name, found in scores.items()} == {
        f"{split}_center_32px_{end}": methods[end]
        for split in ("train", "test")
        for end in ("t0.5", "otsu")
    }
    for metrics in (m for methods in scores.values() for m in methods.values()):
        for metric in ("iou", "dice"):
            plain, best = (
                metrics[f"{metric}_{end}"] for end in ("plain", "best_polarity")
            )
            assert 0 <= plain["mean"] <= best["mean"] <= 1
            assert plain["low"] <= plain["mean"] <= plain["high"]
    assert scores == command.artifact(finished, "evaluate")["info"]["scores"]


def test_generator_is_measured_under_names_that_nobody_takes_for_fid(finished):
    metrics = json.loads((finished / "evaluate/metrics.json").read_text())
    assert metrics == command.artifact(finished, "evaluate")["info"]["metrics"]
    generation, movement, codes = metrics.values()
    assert generation["fd_random"] > 0 and "fid" not in generation
    assert (
        generation["generated pictures"] == 20 and generation["training pictures"] == 32
    )
    # By the architecture: shapes know no code, layers not each other's.
    for effect in ("f on mask", "b on mask", "b on foreground", "f on background"):
        assert movement[effect] == 0
    assert movement["z on mask"] == 1
    assert codes["chance"] == 0.1 and len(codes) == 5


def test_figures_of_the_paper_lie_in_the_run_and_in_its_report(finished):
    page = (finished / "report.html").read_text()
    for figure in command.artifact(finished, "evaluate")["info"]["figures"]:
        for folder in ("evaluate/figures", "pictures"):
            with Image.open(finished / folder / f"{figure['name']}.png") as image:
                assert min(image.size) > 100
        assert f'id="figure-{figure["name"]}"' in page
    assert len(re.findall('src="data:image/png', page)) == 6


def test_report_says_what_was_trained_where_and_for_how_long(finished):
    page = (finished / "report.html").read_text()
    for stage in STAGES:
        made = command.artifact(finished, stage)
        assert made["seconds"] >= 0 and made["environment"]["cores"] >= 1
        assert f"<td>{stage}</td>" in page
    assert "not recorded" not in page and "unfinished" not in page
    assert "Otsu" in page or "otsu" in page
    assert "comgan.binary_weight = 1.0" in page  # The operative configuration.


def test_report_of_an_unfinished_run_says_so(run_dir):
    shutil.rmtree(run_dir / "export")
    shutil.rmtree(run_dir / "evaluate")
    command.run(*tiny(run_dir, "--stages=evaluate")).check()
    assert "not finished: export is missing" in (run_dir / "report.html").read_text()


def test_baselines_are_chosen_in_gin_and_run_alone(run_dir):
    before = command.changes(run_dir)
    chosen = "--gin_param=evaluation.baselines=('grabcut', 'iem')"
    drawn = "--gin_param=evaluation.refine='guided'"
    done = command.run(*tiny(run_dir, chosen, drawn, "--stages=evaluate"))
    assert "evaluate: running" in done.check().out
    assert "segmenter, drawn to edges" in done.out
    scores = json.loads((run_dir / "evaluate/scores.json").read_text())
    methods = {"segmenter", "segmenter_drawn", "grabcut", "iem", "iem_drawn"}
    assert set(scores["test_center_32px_t0.5"]) == methods
    found = scores["test_center_32px_t0.5"]
    assert found["iem_drawn"] != found["iem"]
    assert "Drawn to edges: " in (run_dir / "report.html").read_text()
    kept = [n for n in before if n.startswith(("train_", "serving/", "export/"))]
    kept.remove("serving/README.md")  # Tells the scores.
    assert kept and all(command.changes(run_dir)[name] == before[name] for name in kept)


def test_another_folder_is_scored_with_its_open_pixels_and_without(run_dir, tmp_path):
    folder, rng = tmp_path / "other", np.random.default_rng(0)
    for i in range(4):
        for kind in ("images", "masks", "unknown"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            shape = [40, 40, 3] if kind == "images" else [40, 40]
            array = rng.integers(0, 256, shape, np.uint8)
            array = array if kind == "images" else (array > 127) * np.uint8(255)
            Image.fromarray(array).save(folder / kind / f"{i}.png")
    flags = (
        f"--gin_param=evaluation.folder='{folder}'",
        "--gin_param=evaluation.part='odd'",
    )
    done = command.run(*tiny(run_dir, *flags, "--stages=evaluate")).check()
    scores = json.loads((run_dir / "evaluate/scores.json").read_text())
    before = json.loads((command.finished() / "evaluate/scores.json").read_text())
    # The data set's mean mask stands there, too; its own scores are what they were.
    methods = {"segmenter", "otsu", "mean_mask"}
    assert set(scores["other-odd_center_32px_t0.5"]) == methods
    assert set(scores["other-odd-known_center_32px_t0.5"]) == methods
    assert {name: scores[name] for name in before} == before
    info = command.artifact(run_dir, "evaluate")["info"]
    assert info["num_scored"]["other-odd"] == 2
    assert "other-odd_center_32px_t0.5" in done.out
    page = (run_dir / "report.html").read_text()
    assert "2 pictures of other-odd" in page and "IoU under 50" in page
    record = command.artifact(run_dir, "evaluate")["parameters"]
    assert set(record["evaluation_folder"]) == {"content"}


def test_a_data_folder_may_be_for_reading_alone(run_dir, tmp_path):
    made = command.artifact(run_dir, "prepare")["info"]["tfds_folder"]
    data = shutil.copytree(pathlib.Path(made).parents[2], tmp_path / "data")
    shutil.rmtree(data / "statistics")
    before = command.artifact(run_dir, "evaluate")["info"]["metrics"]
    shutil.rmtree(run_dir / "evaluate")
    for path in sorted(data.rglob("*"), reverse=True) + [data]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    flags = (f"--data_dir={data}", "--stages=evaluate")
    command.run(*tiny(run_dir, *flags), first=unprivileged.FIRST).check()
    assert command.artifact(run_dir, "evaluate")["info"]["metrics"] == before
    assert list(run_dir.glob("statistics/*.npz")) and not (data / "statistics").exists()


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ("evaluation.baselines=('otsu', 'grabcat')", "Received: grabcat"),
        ("evaluation.folder='no/such'", "must hold folders images and masks"),
        ("generation_metrics.num_samples=3", "at least 10. Received: 3"),
        ("disentanglement.num_pictures=0", "at least 4. Received: 0"),
        ("generation_metrics.inception='no/such'", "'no/such' is no folder with a"),
    ],
)
def test_wrong_settings_of_the_evaluation_are_refused(run_dir, parameter, said):
    before = command.artifact(run_dir, "evaluate")
    done = command.run(*tiny(run_dir, f"--gin_param={parameter}"))
    assert said in done.message
    assert command.artifact(run_dir, "evaluate") == before


def test_a_model_card_lies_beside_the_served_models(finished):
    text = (finished / "serving/README.md").read_text()
    assert text.startswith("---\nlibrary_name: ") and "## Limits" in text


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
