"""Tests of `tfcomgan.compare`, as a shell runs it, on run folders of our own making."""

import json
import pathlib
import shutil
import sys

import command
import numpy as np
import pytest
from compared import IOU, compare, make, read_table

from pipelines import cache

_ROOT = pathlib.Path(__file__).resolve().parents[1]


def _cells(markdown):
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in markdown.splitlines()
    ]


def test_runs_that_differ_in_seed_alone_get_mean_and_sample_deviation(tmp_path):
    ious = [0.81, 0.84, 0.9]
    folders = [make(tmp_path / f"s{i}", seed=i, iou=iou) for i, iou in enumerate(ious)]
    row = read_table(tmp_path, *folders)[IOU]
    percent = 100 * np.array(ious)
    np.testing.assert_allclose([float(row[f"s{i}"]) for i in range(3)], percent)
    over = "of 3 seeds: s0, s1, s2"
    np.testing.assert_allclose(float(row[f"mean {over}"]), np.mean(percent))
    np.testing.assert_allclose(float(row[f"deviation {over}"]), np.std(percent, ddof=1))


def test_other_settings_are_another_group_and_are_shown(tmp_path):
    table = read_table(
        tmp_path,
        make(tmp_path / "a", seed=0, iou=0.5),
        make(tmp_path / "c", seed=0, iou=0.1, info_weight=0.0),
        make(tmp_path / "b", seed=1, iou=0.7),
    )
    # Runs of a group stand together; a run alone has no mean.
    mean, deviation = (f"{word} of 2 seeds: a, b" for word in ("mean", "deviation"))
    assert list(table["seed"]) == ["a", "b", mean, deviation, "c"]
    assert list(table["seed"].values()) == ["0", "1", "all", "all", "0"]
    differing = "train_generator/comgan.info_weight"
    assert list(table) == ["seed", IOU, differing]
    assert list(table[differing].values()) == ["1.0", "1.0", "1.0", "1.0", "0.0"]
    np.testing.assert_allclose(float(table[IOU][mean]), 60)


def test_without_rounds_self_training_parts_no_runs(tmp_path):
    def taught(name, *, seed, rounds, iou_limit, stage_seed):
        folder = make(tmp_path / name, seed=seed)
        parameters = {
            "self_training": {"rounds": rounds, "least_iou": iou_limit},
            "training": {"seed": stage_seed, "steps": seed + 5},
        }
        with cache.produce(folder, "self_train", f"self_train{seed}", parameters):
            pass
        path = folder / "evaluate" / "artifact.json"
        inputs = {"inputs": {"self_train": f"self_train{seed}"}}
        path.write_text(json.dumps(json.loads(path.read_text()) | inputs))
        return folder

    def rows(rounds):
        shared = dict(rounds=rounds, stage_seed=9)
        return read_table(
            tmp_path,
            taught(f"a{rounds}", seed=0, iou_limit=0.5, **shared),
            taught(f"b{rounds}", seed=1, iou_limit=0.7, **shared),
        )

    without, with_rounds = rows(0), rows(1)
    assert list(without) == ["seed", IOU] and "mean of 2 seeds: a0, b0" in without[IOU]
    assert without["seed"]["a0"] == "0"
    assert "self_train/self_training.least_iou" in with_rounds
    assert not any("mean" in column for column in with_rounds[IOU])


def test_what_several_stages_share_is_one_row(tmp_path):
    table = read_table(
        tmp_path, make(tmp_path / "a", steps=1200), make(tmp_path / "b", steps=600)
    )
    assert list(table) == ["seed", IOU, "training.steps"]
    assert list(table["training.steps"].values()) == ["1200", "600"]


def test_settings_that_change_no_result_are_neither_shown_nor_part_runs(tmp_path):
    quiet = {"monitor": {"on_trivial": "warn", "window": 200}, "iem": {"iterations": 5}}
    other = {"monitor": {"on_trivial": "warn", "window": 100}, "iem": {"iterations": 9}}
    quiet["evaluation"] = {"refine": "none"}  # An older run has no such setting.
    a = make(tmp_path / "a", iou=0.25, more=quiet)
    b = make(tmp_path / "b", iou=0.75, seed=1, more=other)
    table = read_table(tmp_path, a, b)
    assert list(table) == ["seed", IOU]
    assert table[IOU]["mean of 2 seeds: a, b"] == "50.0"
    acting = {"monitor": {"on_trivial": "restart", "window": 100}}
    acting["evaluation"] = {"baselines": ["iem"]}
    table = read_table(
        tmp_path, a, make(tmp_path / "c", more=acting | {"iem": {"n": 1}})
    )
    assert {f"train_generator/monitor.{n}" for n in ("on_trivial", "window")} <= set(
        table
    )
    assert "evaluate/iem.n" in table


def test_held_out_pictures_and_the_fixed_threshold_come_first(tmp_path):
    protocols = [f"{split}_center_32px_{end}" for split in ("train", "test")
                 for end in ("otsu", "t0.5")]  # fmt: skip
    scores = {name: {"segmenter": {"iou_plain": 0.5}} for name in protocols}
    _, *rows = read_table(tmp_path, make(tmp_path / "a", scores=scores))
    assert [row.partition(" ")[0] for row in rows] == [
        "test_center_32px_t0.5",
        "test_center_32px_otsu",
        "train_center_32px_t0.5",
        "train_center_32px_otsu",
    ]


def test_splits_that_were_trained_on_come_after_one_that_was_not(tmp_path):
    names = [f"{split}_center_32px_t0.5" for split in ("train", "test", "val")]
    scores = {name: {"segmenter": {"iou_plain": 0.5}} for name in names}
    more = {"evaluation": {"splits": ("train", "test", "val")}}
    run = make(tmp_path / "a", scores=scores, more=more)
    path = run / "train_generator" / "artifact.json"
    record = json.loads(path.read_text())
    record["parameters"]["input_pipeline"] = {"training_split": "train+test"}
    path.write_text(json.dumps(record))
    _, *rows = read_table(tmp_path, run)
    assert [row.partition("_")[0] for row in rows] == ["val", "train", "test"]


def test_the_printed_table_is_the_written_one(tmp_path):
    folder = make(tmp_path / "a", iou=0.123456)
    done = compare(folder, f"--out={tmp_path / 'table.md'}")
    assert done.out == (tmp_path / "table.md").read_text()
    header, rule, seed, metric = _cells(done.out)
    assert header[1:] == ["a"] and set("".join(rule)) <= set("|-: ")
    assert seed == ["seed", "0"] and metric == [IOU, "12.35"]


def test_a_repeated_seed_is_named_and_not_in_the_mean(tmp_path):
    a, b = make(tmp_path / "a", iou=0.2), make(tmp_path / "b", seed=1, iou=0.4)
    repeat = make(tmp_path / "r", seed=1, iou=0.9)
    row = read_table(tmp_path, a, b, repeat)[IOU]
    np.testing.assert_allclose(float(row["mean of 2 seeds: a, b"]), 30)
    assert float(row["r"]) == 90
    assert f"{repeat}: same settings and seed" in compare(a, b, repeat).err


def test_a_folder_given_twice_counts_once(tmp_path):
    a = make(tmp_path / "a")
    assert list(read_table(tmp_path, a, f"{a}/", a / ".." / "a")[IOU]) == ["a"]


def test_folders_of_one_name_are_told_apart(tmp_path):
    folders = [make(tmp_path / x / "run", seed=i) for i, x in enumerate("ab")]
    columns = list(read_table(tmp_path, *folders)["seed"])
    assert columns[:2] == [str(folder) for folder in folders]


def test_the_folder_one_is_in_has_its_name(tmp_path):
    made = make(tmp_path / "lonely")
    done = command.python("-m", "tfcomgan.compare", ".", cwd=made).check()
    assert "lonely" in done.out.splitlines()[0]


def test_counts_are_no_metrics(tmp_path):
    made = make(tmp_path / "a")
    path = made / "evaluate" / "artifact.json"
    record = json.loads(path.read_text())
    record["info"]["num_scored"] = {"test": 500}
    path.write_text(json.dumps(record))
    assert not [row for row in read_table(tmp_path, made) if "num_scored" in row]


def test_a_metric_that_some_seeds_lack_has_no_mean(tmp_path):
    a = make(tmp_path / "a")
    b = make(tmp_path / "b", seed=1, scores={})  # A data set without masks.
    row = read_table(tmp_path, a, b)[IOU]
    assert list(row.values()) == ["50.0", "", "", ""]
    assert _cells(compare(a, b).out)[-1][2] == "–"


def test_of_a_summary_with_its_interval_the_mean_is_taken(tmp_path):
    summary = {"mean": 0.25, "low": 0.2, "high": 0.3, "pooled": 0.26}
    scores = {"test_center_32px_t0.5": {"segmenter": {"iou_plain": summary}}}
    table = read_table(tmp_path, make(tmp_path / "a", scores=scores))
    assert list(table) == ["seed", IOU] and table[IOU] == {"a": "25.0"}


def test_what_is_no_finished_run_is_named_and_left_out(tmp_path):
    good = make(tmp_path / "good")
    unfinished = make(tmp_path / "unfinished")
    shutil.rmtree(unfinished / "evaluate")
    damaged = make(tmp_path / "damaged")
    (damaged / "evaluate" / "artifact.json").write_text("{")
    locked = make(tmp_path / "locked")
    (locked / "evaluate" / "artifact.json").unlink()
    (locked / "evaluate" / "artifact.json").mkdir()  # As little to be opened.
    (tmp_path / "other").mkdir()
    (tmp_path / "file.txt").touch()
    bad = [unfinished, damaged, locked, tmp_path / "other", tmp_path / "file.txt"]
    done = compare(*bad, tmp_path / "missing", good)
    assert done.code == 0
    assert _cells(done.out)[0] == ["", "good"]
    lines = done.err.splitlines()
    for folder, reason in zip(
        [*bad, tmp_path / "missing"],
        ["evaluate has not run", "damaged", "cannot be read: Is a", *3 * ["no run"]],
        strict=True,
    ):
        (line,) = (line for line in lines if line.startswith(f"{folder}: left out"))
        assert reason in line


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((), "No RUN"),
        (("nowhere",), "None of 1 folders is a finished run"),
        (("nowhere", "--out=table.txt"), "--out must end in .md or .csv"),
        (("--oot=table.md",), "Unknown command line flag 'oot'"),
    ],
)
def test_what_is_to_be_put_right_is_exit_code_2_and_a_message(arguments, message):
    done = compare(*arguments)
    assert done.code == 2 and message in done.err
    assert "Traceback" not in done.err


def test_a_table_that_cannot_be_written_is_named(tmp_path):
    run = make(tmp_path / "a")
    (tmp_path / "file").touch()
    done = compare(run, f"--out={tmp_path / 'file/table.md'}")
    assert done.code == 2 and "file/table.md cannot be written: " in done.err
    assert "Traceback" not in done.err


def test_help_waits_for_neither_tensorflow_nor_numpy():
    done = compare("--help")
    assert done.code == 0 and "--out" in done.out
    code = "import sys, tfcomgan.compare; print({'tensorflow', 'numpy'} & set(sys.modules))"
    assert command.python("-c", code).check().out.strip() == "set()"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
