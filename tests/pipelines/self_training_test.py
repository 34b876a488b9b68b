"""The stage `self_train`: through the command line, and what decides in it."""

import pathlib
import shutil
import sys

import command
import numpy as np
import pytest
from command import tiny
from PIL import Image
from scipy import ndimage

import tfcomgan
from pipelines import rounds, teachers
from pipelines.rounds import Round
from pipelines.teachers import Refined
from tfcomgan import run_folder
from tfcomgan.evaluation.baselines import iem
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


def test_a_teacher_that_means_nothing_is_named_and_the_segmenter_kept(tmp_path):
    run_dir = shutil.copytree(command.finished(), tmp_path / "run")
    flags = (
        "--gin_param=self_training.rounds=3",
        "--gin_param=self_training.least_iou=1",
    )
    out = command.run(*tiny(run_dir, *flags, ALONE)).check().out
    info = command.artifact(run_dir, "self_train")["info"]
    assert info["end"] == "meaningless" and info["kept_round"] == 0
    assert len(info["rounds"]) == 2 and info["rounds"][1]["kept"] == 0
    assert _are_equal(
        _weights(run_dir, "train_segmenter"), _weights(run_dir, "self_train")
    )
    assert "Too few masks of the segmenter of stage two fit the edges" in out
    assert "self_training.first_teacher='iem'" in out
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


def _refined(teacher, refined):
    """Rows of a 4 x 5 picture, by how many pixels of 20 are object."""

    def masks(counts):
        return np.stack([np.arange(20).reshape(4, 5, 1) < n for n in counts])

    return Refined(masks(teacher).astype(np.float32), masks(refined).astype(np.uint8))


def test_gate_keeps_masks_that_agree_and_cover_neither_little_nor_all():
    settings = SelfTrainingSettings(least_iou=0.5, least_area=0.1, most_area=0.7)
    #          8 in 10; 5 of 10: 0.5 is not over; 2: area 0.1; 14: 0.7; empty; both empty
    found = _refined([8, 10, 3, 3, 14, 4, 0], [10, 5, 3, 2, 14, 0, 0])
    np.testing.assert_allclose(found.iou, [0.8, 0.5, 1, 2 / 3, 1, 0, 1])
    expected = [True, False, True, False, False, False, False]
    np.testing.assert_array_equal(found.is_kept(settings), expected)
    # The same masks count in the fit, whether or not they agree.
    assert found.fit(settings) == pytest.approx((0.8 + 0.5 + 1) / 7)


def test_gate_leaves_out_masks_along_the_border():
    # The ring has 14 of the 20 pixels. The first 8 cover 6 of them, the first 3 three.
    settings = SelfTrainingSettings(least_area=0.1, most_border=0.3)
    found = _refined([8, 3], [8, 3])
    np.testing.assert_array_equal(found.is_kept(settings), [False, True])
    assert found.fit(settings) == pytest.approx(1 / 2)


def test_masks_at_half_count_as_ground():
    found = Refined(np.full([1, 2, 2, 1], 0.5, np.float32), np.zeros([1, 2, 2, 1]))
    assert found.iou == [1]  # Both empty.


def test_a_networks_masks_are_the_mean_over_the_mirror_image(monkeypatch):
    column = np.linspace(0, 1, 4, dtype=np.float32)[None, None, :, None]

    def predict(images):  # One that leans to the right, and follows the picture.
        return images[..., :1] / 510 + column / 2

    monkeypatch.setattr(teachers.inference, "predictor", lambda network, low: predict)
    image = np.random.default_rng(0).integers(0, 256, [2, 4, 4, 3], np.uint8)
    expected = image[..., :1] / 510 + 0.25  # The lean is gone.
    np.testing.assert_allclose(
        teachers.of_network(None, -1)(image), expected, atol=1e-6
    )


def test_iems_masks_are_blurred_so_that_outlines_are_not_sure():
    image = np.zeros([1, 32, 32, 3], np.uint8)
    image[:, 10:22, 10:22] = [250, 120, 30]
    masks = teachers.of_iem(iem.IEMSettings(iterations=20))(image)
    assert masks.shape == (1, 32, 32, 1) and 0 <= masks.min() <= masks.max() <= 1
    outline = masks[0, 16, 10:12, 0]
    assert np.all((outline > 0.03) & (outline < 0.97))
    assert masks[0, 16, 16, 0] > 0.9 and masks[0, 0, 0, 0] < 0.03


@pytest.mark.parametrize("refinement", ["grabcut", "guided"])
def test_refinement_works_at_the_size_of_the_pictures_it_is_given(refinement):
    rng = np.random.default_rng(0)
    truth = np.zeros([2, 48, 48, 1], np.uint8)
    truth[:, 14:34, 12:36] = 1
    noise = rng.integers(0, 40, [2, 48, 48, 3])
    images = (noise + np.where(truth, [180, 60, 20], [20, 90, 160])).astype(np.uint8)
    soft = ndimage.gaussian_filter(np.float32(np.roll(truth, 2, axis=2)), (0, 3, 3, 0))
    small = teachers.resized(soft, 24)
    settings = SelfTrainingSettings(refinement=refinement)
    found = teachers.refine(images, small, settings)
    assert found.refined.shape == found.masks.shape == (2, 48, 48, 1)
    assert set(np.unique(found.refined)) == {0, 1}
    assert teachers.agreement(found.refined, truth) > 0.9
    assert teachers.agreement(found.masks, truth) < 0.9


def test_resizing_takes_means_of_areas_and_lines_between():
    masks = np.random.default_rng(0).random([2, 6, 6, 1], np.float32)
    expected = masks.reshape(2, 3, 2, 3, 2, 1).mean(axis=(2, 4))
    np.testing.assert_allclose(teachers.resized(masks, 3), expected, atol=1e-6)
    flat = np.full([1, 4, 4, 1], 0.3, np.float32)
    np.testing.assert_allclose(teachers.resized(flat, 7), 0.3, atol=1e-6)


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


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
