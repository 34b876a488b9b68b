"""What lies where in a run folder."""

import hashlib
import json
import pathlib
import shlex
import sys

import command
import numpy as np
import pytest
from command import tiny
from PIL import Image

from pipelines import planning, stages
from tfcomgan import config, run_folder
from tfcomgan.evaluation import telling
from tfcomgan.run_folder import STAGES

# The stages a stage takes something from, in the order of its parameters.
INPUTS = {
    "prepare": [],
    "train_generator": ["prepare"],
    "train_segmenter": ["prepare", "train_generator"],
    "self_train": ["prepare", "train_segmenter"],
    "evaluate": ["prepare", "train_generator", "self_train"],
    "export": ["self_train", "train_generator"],
}


def test_run_folder_says_what_it_was_made_from(run_dir):
    assert json.loads((run_dir / "run.json").read_text()) == {
        "gin_files": ["scenes", "smoke"]
    }
    config.parse([str(run_dir / "operative_config.gin")])
    for stage, plan in planning.plans().items():
        assert plan.fingerprint == command.artifact(run_dir, stage)["fingerprint"]


@pytest.mark.parametrize(
    "file, name",
    [
        ("gin/comgan.gin", "comgan"),
        ("gin/trivial/comgan.gin", "trivial/comgan"),
        ("/a/gin/b/gin/cub.gin", "cub"),
        ("/a/gin/b/c/cub.gin", "cub"),
        ("mine/comgan.gin", "comgan"),
    ],
)
def test_a_run_is_named_after_its_gin_file_below_gin(file, name):
    assert run_folder.config_name(file) == name
    whole = run_folder.default_name([file, "gin/smoke.gin"])
    assert whole == f"{name.replace('/', '-')}+smoke"


def test_no_two_gin_files_of_ours_share_a_name():
    files = sorted(map(str, pathlib.Path("gin").glob("**/*.gin")))
    names = [run_folder.default_name([file]) for file in files]
    assert len(set(names)) == len(names) > 20


def test_the_stages_are_those_of_the_run_folder():
    assert tuple(stages.STAGES) == STAGES == tuple(INPUTS)


@pytest.mark.parametrize("stage", STAGES)
def test_fingerprint_is_the_sha256_of_stage_version_inputs_and_parameters(
    finished, stage
):
    made = command.artifact(finished, stage)
    inputs = [command.artifact(finished, name)["fingerprint"] for name in INPUTS[stage]]
    version = stages.STAGES[stage].version
    content = [stage, version, inputs, made["parameters"]]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert made["fingerprint"] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("stage", STAGES)
def test_artifact_lists_the_digest_of_every_file_of_its_own(finished, stage):
    folder = finished / stage
    files = command.artifact(finished, stage)["files"]
    for name, digest in files.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    on_disk = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert on_disk - {"artifact.json"} == {n for n in files if not n.startswith("..")}
    serving = {
        f"../{path.relative_to(finished)}"
        for path in (finished / "serving").glob("*/**/*")
        if path.is_file()
    }
    assert {n for n in files if n.startswith("..")} == (
        serving if stage == "export" else set()
    )


def test_finished_run_leaves_no_work_folder(finished):
    hidden = [path.name for path in finished.rglob(".*")]
    assert hidden == [".tfcomgan-lock"]
    assert not list(finished.rglob(run_folder.UNFINISHED))


def test_end_prints_the_scores_and_the_next_commands(finished):
    out = command.run(*tiny(finished)).check().out
    scores = json.loads((finished / "evaluate/scores.json").read_text())
    for split, pictures in (("test", "test, held out"), ("train", "trained on")):
        segmenter = scores[f"{split}_center_32px_t0.5"]["segmenter"]
        (row,) = (
            line
            for line in out.splitlines()
            if line.startswith(pictures) and " segmenter " in line
        )
        assert f"{100 * segmenter['iou_plain']['mean']:.1f}" in row.split()
        assert f"{100 * segmenter['dice_best_polarity']['mean']:.1f}" in row.split()
    metrics = json.loads((finished / "evaluate/metrics.json").read_text())
    distance = telling.number(metrics["Generation"]["fd_random"])
    assert f"Generation: fd_random {distance}, " in out
    assert f"{finished}/report.html" in out
    commands = {  # All work from any folder: whole paths.
        title: shlex.split(rest)
        for title, _, rest in (line.partition(":") for line in out.splitlines())
        if title in ("Curves", "Segment", "Generate")
    }
    assert commands["Curves"][-2:] == ["--logdir", str(finished / "logs")]
    model = ["--model", str(finished), "--out"]
    assert commands["Segment"][-5:] == ["photo.jpg", *model, "segmented"]
    assert commands["Generate"][-4:] == [*model, "generated"]
    assert str(finished / "pictures") in out


def test_pictures_of_both_trainings_and_of_the_evaluation(finished):
    names = {path.name for path in (finished / "pictures").iterdir()}
    assert names == {
        *(f"train_generator-{step:06d}.png" for step in (2, 4, 6, 8)),
        *(f"train_segmenter-{step:06d}.png" for step in (2, 4)),
        *(f"{name}.png" for name in ("predictions", "cases", "layers")),
        *(f"{name}.png" for name in ("control", "disentanglement", "interpolation")),
    }
    for name in names:
        with Image.open(finished / "pictures" / name) as picture:
            pixels = np.asarray(picture)
        assert pixels.ndim == 3 and pixels.std() > 0


@pytest.mark.parametrize(
    ("stage", "scalars", "last_step"),
    [
        (
            "train_generator",
            {
                "loss/d_adversarial",
                "loss/g_adversarial",
                "loss/info_foreground",
                "loss/info_background",
                "mask/mask_area",
                "mask/mask_entropy",
                "gradient/mask_gradient_norm",
            },
            8,
        ),
        (
            "train_segmenter",
            {
                "loss/consistency",
                "loss/dm_adversarial",
                "loss/s_adversarial",
                "mask/real_mask_area",
                "mask/real_mask_entropy",
            },
            4,
        ),
    ],
)
def test_tensorboard_has_scalars_pictures_and_settings(
    finished, stage, scalars, last_step
):
    events = _events(finished / "logs" / stage)
    assert scalars <= {tag for tag, (kind, *_) in events.items() if kind == "scalars"}
    for tag in scalars:
        _, steps, last = events[tag]
        assert steps[-1] == last_step
        assert np.isfinite(last)
    kind, steps, _ = events[stage]
    assert kind == "images"
    assert steps == list(range(2, last_step + 1, 2))
    kind, _, text = events["operative_config"]
    assert kind == "text"
    assert "training.steps = %STEPS" in text.item().decode()


def test_tensorboard_has_the_predictions(finished):
    assert _events(finished / "logs/evaluate")["predictions"][0] == "images"


def _events(folder: pathlib.Path) -> dict[str, tuple]:
    """By tag: TensorBoard's plugin, the steps, and the last value."""
    import tensorflow as tf
    from tensorboard.backend.event_processing import event_accumulator

    events = event_accumulator.EventAccumulator(str(folder)).Reload()
    found = {}
    for tag in events.Tags()["tensors"]:
        values = events.Tensors(tag)
        kind = events.SummaryMetadata(tag).plugin_data.plugin_name
        last = tf.make_ndarray(values[-1].tensor_proto)
        found[tag] = (kind, [value.step for value in values], last)
    return found


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
