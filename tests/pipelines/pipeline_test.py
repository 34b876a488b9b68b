"""The pipeline through the command line: what runs, what is reused, what lies where."""

import sys

import command
import numpy as np
import pytest
from command import tiny

from pipelines import planning
from pipelines.work import Place
from tfcomgan import config
from tfcomgan.run_folder import STAGES

GIN_FILES = ["gin/scenes.gin", "gin/smoke.gin"]
AFTER_SEGMENTER = ("self_train", "evaluate", "export")
AFTER_GENERATOR = ("train_segmenter", *AFTER_SEGMENTER)
AFTER_PREPARE = ("train_generator", *AFTER_GENERATOR)


def _executed(done: command.Done) -> tuple[str, ...]:
    """The stages that ran; the others must say that they were reused."""
    lines = done.check().out.splitlines()
    # What trains says where.
    executed = tuple(
        s for s in STAGES if any(x.startswith(f"{s}: running") for x in lines)
    )
    reused = tuple(
        s for s in STAGES if any(x.startswith(f"{s}: reused ") for x in lines)
    )
    assert sorted(executed + reused) == sorted(STAGES)
    return executed


# What runs.


def test_second_identical_run_executes_nothing_and_changes_no_file(run_dir):
    before = command.changes(run_dir)
    done = command.run(*tiny(run_dir))
    assert _executed(done) == ()
    for stage in STAGES:
        assert f"{stage}: reused {run_dir / stage}" in done.out
    assert command.changes(run_dir) == before


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
    before = command.changes(run_dir)
    changed = tiny(run_dir, "--gin_param=evaluation.threshold=0.25")
    assert _executed(command.run(*changed)) == ("evaluate",)
    assert "_t0.25" in (run_dir / "evaluate/scores.json").read_text()
    assert (
        "evaluation.threshold = 0.25" in (run_dir / "operative_config.gin").read_text()
    )
    assert _executed(command.run(*tiny(run_dir))) == ("evaluate",)
    assert (run_dir / "evaluate/scores.json").read_text() == scores
    kept = [n for n in before if n.startswith(("train", "export", "serving/"))]
    kept.remove("serving/README.md")  # The card tells the scores.
    assert kept and all(command.changes(run_dir)[n] == before[n] for n in kept)


def test_changed_segmenter_leaves_the_generator_and_gets_the_next_version(run_dir):
    before = command.changes(run_dir)
    done = command.run(
        *tiny(run_dir), "--gin_param=segmentation.consistency_weight=3.0"
    )
    assert _executed(done) == AFTER_GENERATOR
    after = command.changes(run_dir)
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


def test_litert_file_asked_for_comes_with_the_next_version(run_dir):
    changed = tiny(run_dir, "--gin_param=export.litert=True")
    assert _executed(command.run(*changed)) == ("export",)
    found = (run_dir / "serving").rglob("segmenter.tflite")
    assert [path.parent.name for path in found] == ["2"]
    assert (run_dir / "serving/models.config").is_file()


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
        ("self_train/segmenter.width=4", AFTER_SEGMENTER),
        ("self_training.rounds=2", AFTER_SEGMENTER),
        ("evaluation.threshold=0.4", ("evaluate",)),
        ("evaluation.splits=('test',)", ("evaluate",)),
        ("evaluation.baselines=('otsu', 'grabcut')", ("evaluate",)),
        ("evaluation.refine='grabcut'", ("evaluate",)),
        ("evaluate/grabcut.least_side=64", ("evaluate",)),
        # Both may teach.
        ("grabcut.least_side=64", AFTER_SEGMENTER),
        ("generation_metrics.num_samples=30", ("evaluate",)),
        ("generation_metrics.batch_size=30", ()),
        ("disentanglement.classifier_steps=3", ("evaluate",)),
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
        return {name: plan.fingerprint for name, plan in planning.plans().items()}

    before, after = fingerprints(), fingerprints(parameter)
    assert tuple(s for s in STAGES if before[s] != after[s]) == touched


def test_what_is_finished_needs_no_batch_that_fits_the_replicas(run_dir):
    # Batches of 4 and 5 replicas: nothing is trained.
    devices = ",".join(f"cpu:{i}" for i in range(5))
    done = command.run(*tiny(run_dir, f"--devices={devices}")).check()
    assert _executed(done) == ()


def test_another_inception_scores_anew(run_dir, tmp_path):
    folder, found = tmp_path / "inception", []
    folder.mkdir()
    settings = [f"generation_metrics.inception='{folder}'"]
    place = Place(run_dir, tmp_path / "data", None, (), 1)
    for content in (b"one", b"other"):
        (folder / "saved_model.pb").write_bytes(content)
        config.parse(["gin/scenes.gin", "gin/smoke.gin"], settings)
        found.append({n: p.fingerprint for n, p in planning.plans(place).items()})
    changed = [name for name in STAGES if found[0][name] != found[1][name]]
    assert changed == ["evaluate"]


# What is refused.


def test_folder_of_another_gin_file_is_refused(run_dir):
    before = command.changes(run_dir)
    arguments = [a for a in tiny(run_dir) if a != "--gin_file=gin/smoke.gin"]
    short = ("--gin_param=monitor.every=1", "--gin_param=monitor.window=2")
    message = command.run(*arguments, *short).message
    assert (
        f"{run_dir} was made from scenes.gin+smoke.gin, not from scenes.gin" in message
    )
    assert "Give another --run_dir" in message
    assert command.changes(run_dir) == before


def test_stage_without_inputs_names_them_and_the_way_out(tmp_path):
    run_dir = tmp_path / "run"
    message = command.run(*tiny(run_dir, "--stages=evaluate")).message
    assert f"`evaluate` needs what `prepare` makes, and {run_dir} has none" in message
    way_out = "--stages=prepare,train_generator,train_segmenter,self_train,evaluate"
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
    assert _executed(command.python("-m", "tfcomgan.main", *tiny(run_dir))) == ()


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
        # TensorFlow fuses a loop of steps otherwise than a step: the last bit of float32
        # (6e-8) was seen to differ after eight steps.
        np.testing.assert_allclose(new[key], old[key], rtol=1e-6, atol=1e-7)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
