"""The pipeline through the command line: what runs, what is reused, what lies where."""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys

import command
import numpy as np
import pytest
from command import STAGES, tiny
from PIL import Image

from pipelines import cache
from pipelines import run as pipeline
from tfcomgan import config

GIN_FILES = ["gin/scenes.gin", "gin/smoke.gin"]
AFTER_GENERATOR = ("train_segmenter", "evaluate", "export")
AFTER_PREPARE = ("train_generator", *AFTER_GENERATOR)
# The stages a stage takes something from, in the order of its parameters.
INPUTS = {
    "prepare": [],
    "train_generator": ["prepare"],
    "train_segmenter": ["prepare", "train_generator"],
    "evaluate": ["prepare", "train_segmenter"],
    "export": ["train_segmenter", "train_generator"],
}


@pytest.fixture(scope="module")
def finished() -> pathlib.Path:
    """An unbroken run, to look at only."""
    return command.finished()


@pytest.fixture
def run_dir(finished, tmp_path) -> pathlib.Path:
    """A copy of an unbroken run."""
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture(autouse=True)
def no_bindings():
    yield
    config.parse([])


def _files(folder: pathlib.Path) -> dict[str, int]:
    """Time of the last change of every file."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


def _executed(done: command.Done) -> tuple[str, ...]:
    """The stages that ran; the others must say that they were reused."""
    lines = done.check().out.splitlines()
    executed = tuple(s for s in STAGES if f"{s}: running" in lines)
    reused = tuple(
        s for s in STAGES if any(x.startswith(f"{s}: reused ") for x in lines)
    )
    assert sorted(executed + reused) == sorted(STAGES)
    return executed


# What runs.


def test_second_identical_run_executes_nothing_and_changes_no_file(run_dir):
    before = _files(run_dir)
    done = command.run(*tiny(run_dir))
    assert _executed(done) == ()
    for stage in STAGES:
        assert f"{stage}: reused {run_dir / stage}" in done.out
    assert _files(run_dir) == before


def test_what_changes_no_result_executes_nothing(run_dir):
    done = command.run(
        *tiny(run_dir),
        "--gin_param=STEPS_PER_EXECUTION=4",
        "--checkpoint_every=3",
        "--devices=cpu:0,cpu:1",
    )
    assert _executed(done) == ()


def test_changed_threshold_scores_anew_and_back(run_dir):
    scores = (run_dir / "evaluate/scores.json").read_text()
    before = _files(run_dir)
    changed = tiny(run_dir, "--gin_param=evaluation.threshold=0.25")
    assert _executed(command.run(*changed)) == ("evaluate",)
    assert "_t0.25" in (run_dir / "evaluate/scores.json").read_text()
    assert (
        "evaluation.threshold = 0.25" in (run_dir / "operative_config.gin").read_text()
    )
    assert _executed(command.run(*tiny(run_dir))) == ("evaluate",)
    assert (run_dir / "evaluate/scores.json").read_text() == scores
    kept = [name for name in before if name.startswith(("train", "export", "serving"))]
    assert kept and all(_files(run_dir)[name] == before[name] for name in kept)


def test_changed_segmenter_leaves_the_generator_and_gets_the_next_version(run_dir):
    before = _files(run_dir)
    done = command.run(
        *tiny(run_dir), "--gin_param=segmentation.consistency_weight=3.0"
    )
    assert _executed(done) == AFTER_GENERATOR
    after = _files(run_dir)
    for name in before:
        if name.startswith(("prepare/", "train_generator/", "serving/segmenter/1/")):
            assert after[name] == before[name]
    versions = run_dir / "serving/segmenter"
    assert sorted(p.name for p in versions.iterdir()) == ["1", "2"]
    assert (versions / "2/saved_model.pb").is_file()
    info = command.artifact(run_dir, "export")["info"]
    assert info["version_dirs"] == ["serving/segmenter/2", "serving/generator/2"]
    old, new = (
        np.load(base / "train_segmenter/network.npz")
        for base in (command.finished(), run_dir)
    )
    assert any(not np.array_equal(old[key], new[key]) for key in old)


@pytest.mark.parametrize(
    ("parameter", "touched"),
    [
        ("scenes.seed=1", STAGES),
        ("scenes.num_test=9", STAGES),
        ("SEED=1", AFTER_PREPARE),
        ("STEPS=9", AFTER_PREPARE),
        ("BATCH_SIZE=8", AFTER_PREPARE),
        ("PRECISION='mixed_bfloat16'", AFTER_PREPARE),
        ("NUM_CODES=11", AFTER_PREPARE),
        ("generator.width=4", AFTER_PREPARE),
        ("critics.width=4", AFTER_PREPARE),
        ("comgan.binary_weight=0.25", AFTER_PREPARE),
        ("orientation.object_side='mask'", AFTER_PREPARE),
        ("train_generator/adam.learning_rate=1e-3", AFTER_PREPARE),
        ("train_generator/input_pipeline.flip=False", AFTER_PREPARE),
        ("SEGMENTER_STEPS=9", AFTER_GENERATOR),
        ("SEGMENTER_BATCH_SIZE=8", AFTER_GENERATOR),
        ("segmenter.width=4", AFTER_GENERATOR),
        ("segmentation.consistency_weight=1.0", AFTER_GENERATOR),
        ("train_segmenter/adam.learning_rate=1e-4", AFTER_GENERATOR),
        ("train_segmenter/training.seed=1", AFTER_GENERATOR),
        ("evaluation.threshold=0.4", ("evaluate",)),
        ("evaluation.splits=('test',)", ("evaluate",)),
        ("evaluate/input_pipeline.low=0", ("evaluate",)),
        ("STEPS_PER_EXECUTION=7", ()),
        # A whole number for a fraction, and the value it has already.
        ("segmentation.consistency_weight=10", ()),
        ("STEPS=2", ()),
    ],
)
def test_a_parameter_touches_exactly_what_depends_on_it(parameter, touched):
    def fingerprints(*parameters):
        config.parse(GIN_FILES, parameters)
        return {name: plan.fingerprint for name, plan in pipeline._plans().items()}

    before, after = fingerprints(), fingerprints(parameter)
    assert tuple(s for s in STAGES if before[s] != after[s]) == touched


# What is refused.


def test_folder_of_another_gin_file_is_refused(run_dir):
    before = _files(run_dir)
    arguments = [a for a in tiny(run_dir) if a != "--gin_file=gin/smoke.gin"]
    message = command.run(*arguments).message
    assert (
        f"{run_dir} was made from scenes.gin+smoke.gin, not from scenes.gin" in message
    )
    assert "Give another --run_dir" in message
    assert _files(run_dir) == before


def test_stage_without_inputs_names_them_and_the_way_out(tmp_path):
    run_dir = tmp_path / "run"
    message = command.run(*tiny(run_dir, "--stages=evaluate")).message
    assert f"`evaluate` needs what `prepare` makes, and {run_dir} has none" in message
    way_out = "--stages=prepare,train_generator,train_segmenter,evaluate"
    assert f"{way_out}, or leave --stages out" in message
    assert not command.artifacts(run_dir)


@pytest.mark.parametrize(
    ("parameter", "stage", "maker", "setting"),
    [
        (
            "segmentation.consistency_weight=3.0",
            "evaluate",
            "train_segmenter",
            "segmentation.consistency_weight",
        ),
        ("STEPS=3", "export", "train_generator", "training.steps"),
        ("scenes.seed=3", "train_generator", "prepare", "prepare.source"),
    ],
)
def test_inputs_of_other_settings_are_named(finished, parameter, stage, maker, setting):
    before = {s: command.artifact(finished, s) for s in STAGES}
    arguments = tiny(finished, f"--gin_param={parameter}", f"--stages={stage}")
    message = command.run(*arguments).message
    assert f"`{stage}` needs what `{maker}` makes" in message
    assert f"made with other settings ({setting})" in message
    assert f"--stages={maker}," in message
    assert before == {s: command.artifact(finished, s) for s in STAGES}


# What lies where.


def test_run_folder_says_what_it_was_made_from(run_dir):
    assert json.loads((run_dir / "run.json").read_text()) == {
        "gin_files": ["scenes", "smoke"]
    }
    config.parse([str(run_dir / "operative_config.gin")])
    for stage, plan in pipeline._plans().items():
        assert plan.fingerprint == command.artifact(run_dir, stage)["fingerprint"]


@pytest.mark.parametrize("stage", STAGES)
def test_fingerprint_is_the_sha256_of_stage_version_inputs_and_parameters(
    finished, stage
):
    made = command.artifact(finished, stage)
    inputs = [command.artifact(finished, name)["fingerprint"] for name in INPUTS[stage]]
    _, version = pipeline.STAGES[stage]
    content = [stage, version, inputs, made["parameters"]]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert made["fingerprint"] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("stage", STAGES)
def test_artifact_lists_the_digest_of_every_file_of_its_own(finished, stage):
    folder = finished / stage
    files = command.artifact(finished, stage)["files"]
    for name, digest in files.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    on_disk = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    assert on_disk - {"artifact.json"} == {n for n in files if not n.startswith("..")}
    serving = {
        f"../{path.relative_to(finished)}"
        for path in (finished / "serving").rglob("*")
        if path.is_file()
    }
    assert {n for n in files if n.startswith("..")} == (
        serving if stage == "export" else set()
    )


def test_finished_run_leaves_no_work_folder(finished):
    hidden = [path.name for path in finished.rglob(".*")]
    assert hidden == []
    assert not list(finished.rglob(cache.UNFINISHED))


def test_scores_name_protocol_method_and_polarity(finished):
    scores = json.loads((finished / "evaluate/scores.json").read_text())
    assert set(scores) == {"train_center_32px_t0.5", "test_center_32px_t0.5"}
    for methods in scores.values():
        assert set(methods) == {"segmenter", "otsu", "mean_mask"}
        for method in methods.values():
            for metric in ("iou", "dice"):
                plain, best = (
                    method[f"{metric}_plain"],
                    method[f"{metric}_best_polarity"],
                )
                assert 0 <= plain <= best <= 1
    assert scores == command.artifact(finished, "evaluate")["info"]["scores"]


def test_end_prints_the_scores_and_the_next_commands(finished):
    out = command.run(*tiny(finished)).check().out
    scores = json.loads((finished / "evaluate/scores.json").read_text())
    for protocol, methods in scores.items():
        for method, values in methods.items():
            (row,) = (
                line
                for line in out.splitlines()
                if line.startswith(protocol) and f" {method} " in line
            )
            assert f"{100 * values['iou_plain']:.1f}" in row.split()
            assert f"{100 * values['dice_best_polarity']:.1f}" in row.split()
    assert f"tensorboard --logdir {finished / 'logs'}" in out
    segment = "python -m tfcomgan.segment PICTURE.jpg"
    assert f"{segment} --model {finished} --out segmented" in out
    assert str(finished / "pictures") in out


def test_pictures_of_both_trainings_and_of_the_evaluation(finished):
    names = {path.name for path in (finished / "pictures").iterdir()}
    assert names == {
        *(f"train_generator-{step:06d}.png" for step in (2, 4, 6, 8)),
        *(f"train_segmenter-{step:06d}.png" for step in (2, 4)),
        "predictions.png",
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
                "d_adversarial",
                "g_adversarial",
                "info_foreground",
                "info_background",
                "mask_area",
                "mask_entropy",
                "mask_gradient_norm",
            },
            8,
        ),
        (
            "train_segmenter",
            {
                "consistency",
                "dm_adversarial",
                "s_adversarial",
                "real_mask_area",
                "real_mask_entropy",
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


# The command as it is typed.


def test_dry_run_prints_the_settings_in_force_and_makes_nothing(tmp_path):
    run_dir = tmp_path / "run"
    done = command.run(*tiny(run_dir), "--gin_param=SEED=7", "--dry_run").check()
    assert "SEED = 7" in done.out
    assert "scenes.num_train = 32" in done.out
    assert "adam.beta_1 = 0.5" in done.out  # A default, bound nowhere.
    assert not run_dir.exists()


@pytest.mark.slow
def test_module_runs_as_a_command(run_dir):
    done = subprocess.run(
        [sys.executable, "-m", "tfcomgan.main", *tiny(run_dir)],
        cwd=command.REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert _executed(command.Done(done.returncode, done.stdout, done.stderr)) == ()


@pytest.mark.slow
def test_steps_per_execution_and_checkpoints_change_no_result(finished, tmp_path):
    """Six of eight steps at a time, then two; no checkpoint but the last."""
    arguments = [a for a in tiny(tmp_path) if not a.startswith("--checkpoint_every")]
    command.run(
        *arguments,
        "--gin_param=STEPS_PER_EXECUTION=6",
        "--stages=prepare,train_generator",
    ).check()
    old, new = (
        np.load(base / "train_generator/network.npz") for base in (finished, tmp_path)
    )
    for key in old:
        np.testing.assert_array_equal(old[key], new[key])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
