"""Tests of `tfcomgan.evaluation.telling`: what a run prints at its end."""

import sys

import pytest

from tfcomgan.evaluation import telling
from tfcomgan.evaluation.seen import Seen

USUAL = Seen(trained_on=("train",), held_out=("test",))


def _scores(iou):
    """Of one method: its Dice is 10 points above, the best polarity 20."""
    value = {"low": iou - 0.01, "high": iou + 0.01, "pooled": iou}
    return {
        "iou_plain": value | {"mean": iou},
        "dice_plain": value | {"mean": iou + 0.1},
        "iou_best_polarity": value | {"mean": iou + 0.2},
        "dice_best_polarity": value | {"mean": iou + 0.3},
    }


def _run(*splits):
    methods = {"segmenter": 0.65, "otsu": 0.2, "mean_mask": 0.3}
    return {
        f"{split}_center_32px_{end}": {
            method: _scores(iou + 0.01 * (split == "train"))
            for method, iou in methods.items()
            if end != "otsu" or method == "segmenter"
        }
        for split in splits
        for end in ("t0.5", "otsu")
    }


def test_four_rows_held_out_pictures_first_the_segmenter_against_baselines():
    head, *rows, _, _ = telling.scores(_run("train", "test"), USUAL).splitlines()
    assert head.split() == ["IoU", "95", "%", "Dice", "IoU*", "Dice*"]
    # 65.0, from 64 to 66; 10, 20 and 30 points more. Trained on: a point more.
    numbers = ["65.0", "64.0", "to", "66.0", "75.0", "85.0", "95.0"]
    assert rows[0].split() == ["test,", "held", "out", "segmenter", *numbers]
    assert [row[16:34].strip() for row in rows] == [
        "segmenter",
        "Otsu's threshold",
        "mean mask",
        "segmenter",
    ]
    assert rows[3].startswith("trained on") and rows[3].split()[3] == "66.0"
    assert len({len(line) for line in (head, *rows)}) == 1 and len(head) <= 80


def test_a_run_without_held_out_pictures_shows_its_baselines_all_the_same():
    _, *rows, _, _ = telling.scores(_run("train"), USUAL).splitlines()
    assert len(rows) == 3 and all(row.startswith("trained on") for row in rows)


def test_no_split_that_was_trained_on_is_called_held_out():
    known = Seen(trained_on=("train", "test"), held_out=("val",))
    text = telling.scores(_run("train", "test", "val", "a-folder"), known)
    assert [line[:18].strip() for line in text.splitlines()[1:9]] == [
        *3 * ["val, held out"],
        *3 * ["a-folder"],  # Of which nobody knows.
        "trained on",
        "test, trained on",
    ]
    all_seen = telling.scores(_run("train", "test"), known)
    assert "held out" not in all_seen and all_seen.count("mean mask") == 2


def test_masks_drawn_to_edges_are_the_segmenters_too():
    methods = ("segmenter", "segmenter_drawn", "otsu", "iem_drawn")
    run = {
        f"{split}_center_32px_t0.5": {method: _scores(0.5) for method in methods}
        for split in ("train", "test")
    }
    _, *rows = telling.scores(run, USUAL).splitlines()
    assert [row[16:42].strip() for row in rows[:6]] == [
        "segmenter",
        "segmenter, drawn to edges",
        "Otsu's threshold",
        "IEM, drawn to edges",
        "segmenter",
        "segmenter, drawn to edges",
    ]


def test_an_oracle_is_named_as_one():
    scores = {
        "test_center_32px_t0.5": {
            "segmenter": _scores(0.5),
            "mean_mask_oracle": _scores(0.6),
        }
    }
    text = " ".join(telling.scores(scores, USUAL).split())
    assert "mean mask (oracle) 60.0" in text
    assert "The oracle is made of the true masks that it is scored by." in text


def test_every_line_of_the_end_fits_80_columns():
    seen = Seen(trained_on=("train", "test"))
    texts = (
        telling.scores(_run("train", "test"), USUAL),
        telling.scores(_run("train", "test"), seen),
        telling.of_generator(_NUMBERS),
    )
    assert max(len(line) for text in texts for line in text.splitlines()) <= 80


_NUMBERS = {
    "Generation": {
        "fd_random": 0.4517,
        "kd_random": 0.00012345,
        "generated pictures": 2000,
        "training pictures": 4000,
    },
    "Movement of a layer by one variable, of that by all": {
        f"{variable} on {layer}": value
        for variable, row in {
            "z": (1, 0.5, 0.4),
            "f": (0, 0.9, 0),
            "b": (0, 0, 0.8),
        }.items()
        for layer, value in zip(("mask", "foreground", "background"), row, strict=True)
    },
    "Codes read from unseen layers": {
        "f from foreground": 1.0,
        "b from foreground": 0.1,
        "f from background": 0.11,
        "b from background": 0.98,
        "chance": 0.1,
    },
    "Clusters of training pictures by f, against their labels": {
        "ACC": 0.5,
        "NMI": 0.25,
    },
}


def test_the_generators_numbers_stand_in_tables_with_what_is_good():
    distances, movement, codes, clusters = telling.of_generator(_NUMBERS).split("\n\n")
    assert "fd_random 0.452, kd_random 0.000123" in distances
    assert "generated pictures 2,000, training pictures 4,000" in " ".join(
        distances.split()
    )
    assert distances.endswith("Lower is better.")
    row = {"fid": 12.5, "inception_score": 5.5}
    text = " ".join(telling.of_generator({"Generation": row}).split())
    assert text.endswith("Lower is better, but of inception_score higher.")
    _, head, *rows, good = movement.splitlines()
    assert head.split() == ["mask", "foreground", "background"]
    assert [row.split()[-3:] for row in rows] == [
        ["1.00", "0.50", "0.40"],
        ["0.00", "0.90", "0.00"],
        ["0.00", "0.00", "0.80"],
    ]
    assert [row[0] for row in rows] == ["z", "f", "b"] and "Good: z moves" in good
    _, head, f, b, good = codes.splitlines()
    assert head.split() == ["foreground", "background"]
    assert f.split()[-2:] == ["1.00", "0.11"] and b.split()[-2:] == ["0.10", "0.98"]
    assert good.endswith("the others 0.10.")  # Chance.
    assert " ".join(clusters.split()).endswith("labels: ACC 0.500, NMI 0.250.")


def test_a_generator_without_codes_has_z_alone():
    movement = {f"z on {layer}": 1.0 for layer in ("mask", "foreground", "background")}
    text = telling.of_generator({"Movement": movement})
    assert [line[0] for line in text.splitlines()[2:-1]] == ["z"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2000, "2,000"),
        (2000.0, "2,000"),
        (123456.7, "123,457"),
        (0.00012345, "0.000123"),
        (-1.5, "-1.50"),
        (0.0, "0"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_have_no_exponent(value, said):
    assert telling.number(value) == said


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
