"""Reports for tests: of a run that went well, with changes."""

import dataclasses

import numpy as np

from tfcomgan.figures.paper import Plate
from tfcomgan.reporting import environment, facts
from tfcomgan.reporting.curves import Curve


def summary(mean):
    return {"mean": mean, "low": mean - 0.01, "high": mean + 0.02, "pooled": mean}


def scores(iou, *, assummary=False):
    values = {
        "iou_plain": iou,
        "dice_plain": iou + 0.05,
        "iou_best_polarity": iou + 0.011,
        "dice_best_polarity": iou + 0.062,
    }
    return {k: summary(v) if assummary else v for k, v in values.items()}


DATA = facts.Data("scenes", {"train": 4321, "test": 567}, 32, "center", "center")
SURE = {
    "side": "mask",
    "border_share": 0.08,
    "margin": 0.84,
    "margin_low": 0.83,
    "margin_high": 0.85,
    "is_sure": True,
}
MACHINE = environment.Environment("Abacus 9", 6, ("Loom H1",), {"Keras": "3.15.1"})


def image(seed=0):
    return np.random.default_rng(seed).integers(0, 256, [20, 30, 3], dtype=np.uint8)


def make(**changes):
    made = facts.Report(
        name="scenes",
        data=DATA,
        stages=[
            facts.Stage("prepare", True, seconds=5),
            facts.Stage("train_generator", True, {"steps": 1200}, 4000.0, MACHINE),
            facts.Stage("evaluate", True, {}, None, MACHINE),
        ],
        scores={
            "train_center_32px_t0.5": {
                "segmenter": scores(0.712),
                "mean_mask": scores(0.313),
            },
            "test_center_32px_t0.5": {
                "segmenter": scores(0.534, assummary=True),
                "otsu": scores(0.215, assummary=True),
            },
        },
        metrics={"Generation": {"fid": 43.217, "kid": 0.0123}},
        object_side="mask",
        orientation=SURE,
        mask_area=0.212,
        plates=[
            Plate("layers", "Layers of scenes.", image()),
            Plate("control", "One at a time.", None, "Left out: no codes."),
        ],
        curves=[Curve("train_generator", "mask_area", [20, 40], [0.5, 0.25])],
        settings="SEED = 11\ncomgan.z_std = 1.0\n",
    )
    return dataclasses.replace(made, **changes)
