"""Runs for the tests of `tfcomgan.compare`, and the command itself."""

import csv

import command

from pipelines import cache

IOU = "test_center_32px_t0.5 / segmenter / iou_plain, %"


def make(
    folder, *, seed=0, iou=0.5, info_weight=1.0, steps=1200, scores=None, more=None
):
    """A finished run, written by the pipeline's own cache."""
    training = {"training": {"seed": seed, "steps": steps}}
    stages = {
        "prepare": {"prepare": {"source": {"name": "scenes", "seed": 7}}},
        "train_generator": training | {"comgan": {"info_weight": info_weight}},
        "train_segmenter": training,
        "evaluate": {"evaluation": {"splits": ("train", "test"), "threshold": 0.5}},
    }
    for owner, fields in (more or {}).items():
        stage = "train_generator" if owner == "monitor" else "evaluate"
        stages[stage].setdefault(owner, {}).update(fields)
    for stage, parameters in stages.items():
        with cache.produce(folder, stage, f"{stage}{seed}", parameters) as (_, info):
            if stage == "evaluate" and scores is None:
                scores = {"test_center_32px_t0.5": {"segmenter": {"iou_plain": iou}}}
            if stage == "evaluate":
                info["scores"] = scores
    return folder


def compare(*arguments):
    return command.python("-m", "tfcomgan.compare", *arguments)


def read_table(tmp_path, *folders):
    """The table by row name and column name, from the file in CSV."""
    out = tmp_path / "made" / "table.csv"
    done = compare(*folders, f"--out={out}")
    assert done.code == 0, done.err
    rows = list(csv.reader(out.open()))
    return {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[1:]}
