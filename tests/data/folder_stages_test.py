"""The data set `folder` in the stages: its gin files, fingerprints and notes."""

import functools
import os
import sys

import command
import pytest
from own_folders import noise, save
from PIL import Image

from pipelines import cache, planning
from pipelines import run as pipeline
from pipelines.preparing import PrepareSettings
from tfcomgan import config
from tfcomgan.data import digests, input_pipeline
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


def _changed_by(change, place, *bindings):
    """The stages that have another fingerprint after a change."""
    config.parse(["gin/folder_64.gin"], bindings)
    before = planning.plans(place)
    change()
    after = planning.plans(place)
    return {n for n in after if before[n].fingerprint != after[n].fingerprint}


SCORED = {"prepare", "evaluate"}


@pytest.mark.parametrize("on_bad, touched", [("fail", SCORED), ("skip", set(STAGES))])
def test_a_changed_mask_is_scored_by_and_teaches_nothing_anew(
    masked, tmp_path, on_bad, touched
):
    """But where a picture may be left out for its mask."""
    place, binding = _place(tmp_path, masked), f"folder.on_bad_image='{on_bad}'"
    mask = sorted((masked / "masks").rglob("*.png"))[0]
    assert _changed_by(mask.unlink, place, binding) == touched
    picture = sorted((masked / "images").rglob("*.*"))[0]
    change = functools.partial(save, picture, noise(99))
    assert _changed_by(change, place, binding) == set(STAGES)


def test_masks_that_are_added_or_inverted_teach_nothing_anew(masked, tmp_path):
    place, aside = _place(tmp_path, masked), tmp_path / "aside"
    (masked / "masks").rename(aside)
    assert _changed_by(lambda: aside.rename(masked / "masks"), place) == SCORED

    def invert():
        config.parse(["gin/folder_64.gin"], ["folder.invert_masks=True"])

    assert _changed_by(invert, place) == SCORED


def test_files_that_have_not_changed_are_not_read_again(masked, tmp_path, monkeypatch):
    place, read = _place(tmp_path, masked), []
    place.data_dir.mkdir()
    for path in masked.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    monkeypatch.setattr(digests, "_SOON", 0)  # Their other time is of now.
    config.parse(["gin/folder_64.gin"])
    planning.plans(place)
    digest = digests._digest
    monkeypatch.setattr(digests, "_digest", lambda p: read.append(p) or digest(p))
    for _ in range(2):
        monkeypatch.setattr(digests, "_known", {})  # As in another process.
        planning.plans(place)
    assert read == []


def test_a_mask_that_is_mended_while_a_run_works_does_not_stop_its_trainings(
    masked, tmp_path
):
    config.parse(["gin/folder_64.gin"])
    place, view = _place(tmp_path, masked), View("train", crop="center", size=32)
    pipeline.run(["prepare"], place, report=lambda line: None)
    plans = planning.plans(place)
    learning, scoring = (
        planning.inputs(plans[name], place)["examples"]
        for name in ("train_generator", "evaluate")
    )
    next((masked / "masks" / "x").iterdir()).unlink()
    assert len(learning.load(view).images) == 3
    with pytest.raises(UserError, match="pictures or masks have changed"):
        scoring.load(view)


def test_pictures_stored_smaller_than_a_training_takes_them_are_refused(
    photos, tmp_path
):
    config.parse(["gin/folder_64.gin"], ["IMAGE_SIZE=128"])
    place = _place(tmp_path, photos)
    with pytest.raises(UserError, match="Set folder.store_size = 152 or more"):
        pipeline.run(["prepare", "train_generator"], place, report=lambda line: None)
    assert not place.run_dir.exists()
    pipeline.run(["prepare"], place, report=lambda line: None)


def test_pictures_that_change_while_a_run_works_are_not_learned_from(photos, tmp_path):
    config.parse(["gin/folder_64.gin"])
    place = _place(tmp_path, photos)
    pipeline.run(["prepare"], place, report=lambda line: None)
    plans = planning.plans(place)
    examples = planning.inputs(plans["train_generator"], place)["examples"]
    save(photos / "late.png", noise(98))
    with pytest.raises(UserError, match=f"{photos}: pictures or masks have changed"):
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
