"""The stage `self_train`: through the command line, and what decides in it."""

import pathlib
import shutil
import sys

import command
import numpy as np
import pytest
from command import tiny
from PIL import Image

import tfcomgan
from pipelines import rounds
from pipelines.rounds import Round
from tfcomgan import run_folder
from tfcomgan.models.self_training import SelfTrainingSettings

# IEM's masks mean something where two steps of tiny networks have learned nothing.
TWO_ROUNDS = (
    "--gin_param=self_training.rounds=2",
    "--gin_param=self_training.first_teacher='iem'",
    "--gin_param=self_training.least_kept=0.0",
    "--gin_param=self_training.agreed=1.0",
    "--gin_param=SELF_TRAINING_STEPS=4",
    "--gin_param=iem.iterations=20",
)
ALONE = "--stages=self_train"


@pytest.fixture(scope="module")
def taught(tmp_path_factory) -> pathlib.Path:
    """A finished run with two rounds; to look at only."""
    run_dir = tmp_path_factory.mktemp("taught") / "run"
    shutil.copytree(command.finished(), run_dir)
    command.run(*tiny(run_dir, *TWO_ROUNDS)).check()
    return run_dir


def _weights(run_dir: pathlib.Path, stage: str) -> dict[str, np.ndarray]:
    with np.load(run_dir / stage / "network.npz") as stored:
        return dict(stored)


def _are_equal(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[name], other[name]) for name in one
    )


# Through the door.


def test_no_rounds_pass_the_segmenter_on_bit_for_bit_and_say_nothing():
    run_dir = command.finished()
    assert _are_equal(
        _weights(run_dir, "train_segmenter"), _weights(run_dir, "self_train")
    )
    info = command.artifact(run_dir, "self_train")["info"]
    before = command.artifact(run_dir, "train_segmenter")["parameters"]
    assert info == {name: before[name] for name in ("segmenter", "input_pipeline")}
    assert not (run_dir / "logs/self_train").exists()
    assert "Self-training" not in (run_dir / "report.html").read_text()


def test_two_rounds_teach_a_new_segmenter_that_is_scored_and_exported(taught):
    info = command.artifact(taught, "self_train")["info"]
    first, second = info["rounds"][1:]
    assert (first["teacher"], second["teacher"]) == ("iem", "round 1")
    assert first["pictures"] == second["pictures"] == 29  # 3 of 32 are kept aside.
    assert 0 < first["kept"] <= 29
    if second["agreement"] is not None:
        assert 0 <= second["agreement"] <= 1 and 0 <= second["fit"] <= 1
    # IEM is no segmenter to compare with, so a student is kept.
    assert info["kept_round"] in (1, 2)
    new = _weights(taught, "self_train")
    assert not _are_equal(new, _weights(taught, "train_segmenter"))
    inputs = command.artifact(taught, "evaluate")["inputs"]
    assert inputs["self_train"] == command.artifact(taught, "self_train")["fingerprint"]
    made = command.artifact(taught, "export")["info"]["version_dirs"]
    assert made == ["serving/segmenter/2", "serving/generator/2"]


def test_the_exported_segmenter_is_the_kept_student(taught):
    from tfcomgan.models import inference
    from tfcomgan.networks import unet

    info = command.artifact(taught, "self_train")["info"]
    network = unet.build(unet.SegmenterSettings(**info["segmenter"]), 32)
    for variable, value in zip(
        network.variables, _weights(taught, "self_train").values(), strict=True
    ):
        variable.assign(value)
    image = np.random.default_rng(0).integers(0, 256, [32, 32, 3], np.uint8)
    (expected,) = inference.predictor(network)(image[np.newaxis])
    served = tfcomgan.load(taught).segment(image, refine="none")
    np.testing.assert_allclose(served, expected, atol=1e-5)


def test_sheets_curves_and_words_tell_the_rounds(taught):
    info = command.artifact(taught, "self_train")["info"]
    page = (taught / "report.html").read_text()
    assert "Self-training" in page
    for number in range(1, len(info["rounds"])):
        for folder in ("self_train/figures", "pictures"):
            with Image.open(taught / folder / f"self_train-{number}.png") as sheet:
                assert min(sheet.size) > 100
        assert f'id="figure-self_train-{number}"' in page
    for note in info["notes"]:
        assert note.split(":")[0] in page
    from tfcomgan.reporting import curves

    found = {(c.stage, c.name): list(c.steps) for c in curves.read(taught / "logs")}
    assert found["self_train", "kept_share"][:1] == [1]
    assert found["self_train-1", "cross_entropy"][-1] == 4
    done = command.run(*tiny(taught, *TWO_ROUNDS, ALONE)).check()
    assert f"self_train: reused {taught / 'self_train'}" in done.out
    assert all(note in done.out for note in info["notes"])


@pytest.mark.parametrize(
    "at",
    [
        "round-1/unfinished/step-2.index",
        pytest.param("round-2", marks=pytest.mark.slow),
    ],
)
def test_a_killed_stage_goes_on_and_ends_as_an_unbroken_one(taught, tmp_path, at):
    run_dir = shutil.copytree(command.finished(), tmp_path / "run")
    done = command.start(*tiny(run_dir, *TWO_ROUNDS, ALONE)).kill_when(
        lambda: list(
            run_dir.glob(f".partial-self_train-*/{run_folder.UNFINISHED}/{at}")
        )
    )
    assert done.code < 0, done
    command.run(*tiny(run_dir, *TWO_ROUNDS, ALONE)).check()
    assert _are_equal(_weights(run_dir, "self_train"), _weights(taught, "self_train"))
    assert command.content(run_dir, "self_train") == command.content(
        taught, "self_train"
    )


@pytest.mark.parametrize(
    ("first", "name", "other"),
    [
        ("segmenter", "the segmenter of stage two", "grabcut"),
        ("grabcut", "GrabCut from a box", "segmenter"),
    ],
)
def test_a_teacher_that_means_nothing_is_named_and_the_segmenter_kept(
    tmp_path, first, name, other
):
    run_dir = shutil.copytree(command.finished(), tmp_path / "run")
    flags = (
        "--gin_param=self_training.rounds=3",
        "--gin_param=self_training.least_iou=1",
        f"--gin_param=self_training.first_teacher='{first}'",
        "--gin_param=grabcut.least_side=0",
    )
    out = command.run(*tiny(run_dir, *flags, ALONE)).check().out
    info = command.artifact(run_dir, "self_train")["info"]
    assert info["end"] == "meaningless" and info["kept_round"] == 0
    assert len(info["rounds"]) == 2 and info["rounds"][1]["kept"] == 0
    assert _are_equal(
        _weights(run_dir, "train_segmenter"), _weights(run_dir, "self_train")
    )
    assert info["rounds"][1]["teacher"] == first
    assert f"Too few masks of {name} fit the edges" in out
    assert f"self_training.first_teacher='{other}'" in out
    assert (run_dir / "pictures/self_train-1.png").exists()
    assert "Warning: self-training" in (run_dir / "report.html").read_text()


def test_where_no_picture_is_left_to_learn_from_the_segmenter_is_passed_on(tmp_path):
    run_dir = tmp_path / "run"
    flags = (
        "--gin_param=scenes.num_train=1",
        "--gin_param=self_training.rounds=2",
        "--stages=prepare,train_generator,train_segmenter,self_train",
    )
    done = command.run(*tiny(run_dir, *flags)).check()
    said = "No self-training: of so few training pictures (1) none is left"
    assert said in done.out and said in (run_dir / "report.html").read_text()
    assert _are_equal(
        _weights(run_dir, "train_segmenter"), _weights(run_dir, "self_train")
    )
    assert not (run_dir / "logs/self_train").exists()


# What decides.


def _rounds(*pairs):
    """Number 0 with its fit, then rounds of (agreement, fit)."""
    fit, *rest = pairs
    made = [Round(0, fit=fit)]
    for number, (agreement, its_fit) in enumerate(rest, start=1):
        made.append(Round(number, "segmenter", 10, 7, agreement, its_fit))
    return made


@pytest.mark.parametrize(
    ("done", "end", "best"),
    [
        (_rounds(0.6), None, 0),
        (_rounds(0.6, (0.7, 0.8)), None, 1),
        (_rounds(0.6, (0.95, 0.8)), "agreed", 1),
        (_rounds(0.6, (0.7, 0.8), (0.8, 0.7)), None, 1),
        (_rounds(0.6, (0.7, 0.8), (0.7, 0.9)), "stalled", 2),
        (_rounds(0.6, (0.7, 0.8), (0.8, 0.85), (0.9, 0.9)), "rounds", 3),
        (_rounds(0.9, (0.7, 0.8), (0.6, 0.7)), "stalled", 0),
        (_rounds(0.6, (None, None)), "meaningless", 0),
        (_rounds(0.6, (0.7, 0.8), (None, None)), "meaningless", 1),
        # Another's masks have no segmenter to be kept.
        (_rounds(None, (0.7, 0.2), (0.6, 0.1)), "stalled", 1),
        (_rounds(None, (None, None)), "meaningless", 0),
    ],
)
def test_rounds_end_and_one_is_kept_by_what_is_measured_without_labels(done, end, best):
    settings = SelfTrainingSettings(rounds=3, agreed=0.95)
    assert rounds.end(done, settings) == end
    assert rounds.best(done) == best


def test_a_kept_segmenter_whose_masks_fit_no_edges_is_told_of():
    settings = SelfTrainingSettings(rounds=1)
    for fit, is_told in ((0.03, True), (0.66, False)):
        said = rounds.texts(_rounds(None, (0.8, fit)), settings)
        assert any("mean little" in line for line in said) == is_told


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
