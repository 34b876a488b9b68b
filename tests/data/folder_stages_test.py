"""The data set `folder` in the stages: its gin files, fingerprints and notes."""

import sys

import command
import pytest
from own_folders import noise, save
from PIL import Image

from pipelines import cache, planning
from pipelines import run as pipeline
from pipelines.preparing import PrepareSettings
from tfcomgan import config
from tfcomgan.data import input_pipeline
from tfcomgan.data.folder import FolderSource
from tfcomgan.data.reading import View
from tfcomgan.errors import UserError
from tfcomgan.run_folder import STAGES


@pytest.mark.parametrize("name", ["folder", "folder_64"])
def test_gin_files_parse_and_ask_for_no_path(name):
    config.parse([f"gin/{name}.gin"])
    pipeline.settings()
    source = config.build(PrepareSettings, "prepare").source
    pictures = config.build(input_pipeline.InputSettings, "train_generator")
    assert isinstance(source, FolderSource)
    assert source.store_size >= pictures.kept_size


def _place(tmp_path, manual_dir):
    return pipeline.Place(tmp_path / "run", tmp_path / "data", manual_dir, (), 1)


def test_a_changed_picture_makes_all_stages_run_again(photos, tmp_path):
    config.parse(["gin/folder_64.gin"])
    place = _place(tmp_path, photos)

    def digests():
        return {n: p.fingerprint for n, p in planning.plans(place).items()}

    before = digests()
    assert digests() == before
    save(photos / "a 0.png", noise(99))
    after = digests()
    assert not set(before.values()) & set(after.values())


@pytest.mark.parametrize(
    "on_bad, touched", [("fail", "prepare evaluate"), ("skip", "")]
)
def test_a_changed_mask_is_scored_by_and_teaches_nothing_anew(
    masked, tmp_path, on_bad, touched
):
    """But where a picture may be left out for its mask."""
    config.parse(["gin/folder_64.gin"], [f"folder.on_bad_image='{on_bad}'"])
    place = _place(tmp_path, masked)

    def changed_by(change):
        before = planning.plans(place)
        change()
        after = planning.plans(place)
        return {n for n in after if before[n].fingerprint != after[n].fingerprint}

    mask = sorted((masked / "masks").rglob("*.png"))[0]
    every = set(planning.plans(place))
    assert changed_by(mask.unlink) == (set(touched.split()) or every)
    picture = sorted((masked / "images").rglob("*.*"))[0]
    assert changed_by(lambda: save(picture, noise(99))) == every


def test_pictures_that_change_while_a_run_works_are_not_learned_from(photos, tmp_path):
    config.parse(["gin/folder_64.gin"])
    place = _place(tmp_path, photos)
    pipeline.run(["prepare"], place, report=lambda line: None)
    plans = planning.plans(place)
    examples = planning.inputs(plans["train_generator"], place)["examples"]
    save(photos / "late.png", noise(98))
    with pytest.raises(UserError, match=f"masks of {photos} have changed"):
        examples.load(View("train", crop="center", size=32))
    (photos / "late.png").unlink()
    examples = planning.inputs(plans["train_generator"], place)["examples"]
    assert len(examples.load(View("train", crop="center", size=32)).images) == 11


def test_prepare_reports_what_was_left_out(photos, tmp_path):
    (photos / "zero.jpg").write_bytes(b"")
    config.parse(["gin/folder_64.gin"], ["folder.on_bad_image='skip'"])
    lines = []
    place = _place(tmp_path, photos)
    pipeline.run(["prepare"], place, report=lines.append)
    assert "  1 of 13 pictures left out: zero.jpg." in lines
    info = cache.find(place.run_dir, "prepare").info
    assert info["bad_images"] == {"zero.jpg": "the file is empty"}
    assert info["num_examples"] == {"train": 11, "test": 1}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["folder", "folder_64"])
def test_a_folder_without_masks_runs_to_the_end_and_says_why_no_scores(
    photos, tmp_path, name
):
    flags = (
        f"--gin_file=gin/{name}.gin",
        "--gin_file=gin/smoke.gin",
        f"--manual_dir={photos}",
        f"--run_dir={tmp_path / 'run'}",
        f"--data_dir={tmp_path / 'data'}",
    )
    done = command.run(*flags).check()
    assert "No scores: the data set has no masks." in done.out
    info = cache.find(tmp_path / "run", "evaluate").info
    assert info["scores"] == {} and "no masks" in info["why_no_scores"]
    assert (tmp_path / "run/pictures/predictions.png").is_file()
    again = command.run(*flags).check()
    assert "evaluate: reused" in again.out and "No scores" in again.out


@pytest.mark.slow
def test_a_folder_with_masks_is_scored_and_scored_anew_when_masks_are_mended(
    masked, tmp_path
):
    run_dir = tmp_path / "run"
    flags = (
        "--gin_file=gin/folder_64.gin",
        "--gin_file=gin/smoke.gin",
        f"--manual_dir={masked}",
        f"--run_dir={run_dir}",
        f"--data_dir={tmp_path / 'data'}",
    )
    done = command.run(*flags).check()
    assert "test_center_64px_t0.5" in done.out
    for path in (masked / "masks" / "x").iterdir():
        with Image.open(path) as mask:
            turned = mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        turned.save(path)
    done = command.run(*flags).check()
    ran = [name for name in STAGES if f"{name}: running" in done.out]
    assert ran == ["prepare", "evaluate"]
    assert "of other settings" not in (run_dir / "report.html").read_text()
    table = command.run(str(run_dir), module="tfcomgan.compare").check()
    assert "test_center_64px_t0.5" in table.out


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
