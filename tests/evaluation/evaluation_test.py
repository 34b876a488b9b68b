"""Tests of `tfcomgan.evaluation.scoring`."""

import sys

import numpy as np
import pytest

from tfcomgan.data.reading import Examples
from tfcomgan.evaluation import scoring
from tfcomgan.evaluation.baselines.grabcut import GrabCutSettings
from tfcomgan.evaluation.baselines.iem import IEMSettings
from tfcomgan.evaluation.scoring import EvaluationSettings

SIZE = 8


def _half(value, *, top):
    """A picture or mask of ones times `value` in its upper or lower half."""
    array = np.zeros([SIZE, SIZE, 1], np.uint8)
    array[: SIZE // 2] = top
    array[SIZE // 2 :] = 1 - top
    return array * np.uint8(value)


@pytest.fixture
def splits():
    """Train: the object is above and bright. Test: below and bright, then dark."""
    upper, lower = _half(1, top=1), _half(1, top=0)
    to_images = 200 * np.ones(3, np.uint8)
    train = Examples(np.stack([upper, upper]) * to_images, np.stack([upper, upper]), [])
    test = Examples(np.stack([lower, upper]) * to_images, np.stack([lower, lower]), [])
    return {"train": train, "test": test}


def _evaluate(predict, splits, settings, crop="center"):
    return scoring.evaluate(
        {name: predict(found.images) for name, found in splits.items()},
        splits,
        settings,
        crop=crop,
        grabcut_settings=GrabCutSettings(),
        iem_settings=IEMSettings(iterations=1),
    )


def _means(methods):
    return {
        method: {metric: score["mean"] for metric, score in scores.items()}
        for method, scores in methods.items()
    }


def test_scores_of_hand_made_masks(splits):
    def predict(images):
        """A quarter of each picture, the upper left one, at probability 0.6."""
        masks = np.zeros([len(images), SIZE, SIZE, 1], np.float32)
        masks[:, : SIZE // 2, : SIZE // 2] = 0.6
        return masks

    results = _evaluate(predict, splits, EvaluationSettings())
    assert set(results) == {
        f"{split}_center_8px_{end}"
        for split in ("train", "test")
        for end in ("t0.5", "otsu")
    }
    train, test = (_means(results[f"{s}_center_8px_t0.5"]) for s in ("train", "test"))
    assert set(train) == set(test) == {"segmenter", "otsu", "mean_mask"}
    # The quarter lies in the upper half: IoU 1/2, Dice 2 (1/4) / (1/4 + 1/2) = 2/3.
    assert train["segmenter"]["iou_plain"] == 1 / 2
    np.testing.assert_allclose(train["segmenter"]["dice_plain"], 2 / 3)
    # It misses the lower half; inverted, 3/4 of the picture cover that half: 2/3, 4/5.
    assert test["segmenter"]["iou_plain"] == test["segmenter"]["dice_plain"] == 0
    np.testing.assert_allclose(test["segmenter"]["iou_best_polarity"], 2 / 3)
    np.testing.assert_allclose(test["segmenter"]["dice_best_polarity"], 4 / 5)
    # Otsu finds what is bright: right in train, right once and inverted once in test.
    assert train["otsu"]["iou_plain"] == 1
    assert test["otsu"]["iou_plain"] == 0.5
    assert test["otsu"]["iou_best_polarity"] == 1
    # The mean mask is that of the first split: the upper half, wrong in test.
    assert train["mean_mask"]["iou_plain"] == 1
    assert test["mean_mask"]["iou_plain"] == 0
    assert test["mean_mask"]["iou_best_polarity"] == 1


def test_threshold_decides_and_is_part_of_the_name(splits):
    def predict(images):
        return splits["train"].masks * np.float32(0.6)

    settings = EvaluationSettings(splits=("train",), threshold=0.7)
    train = {"train": splits["train"]}
    results = _evaluate(predict, train, settings, crop="box")
    assert results["train_box_8px_t0.7"]["segmenter"]["iou_plain"]["mean"] == 0
    # Otsu's threshold lies between 0 and 0.6, the only two values predicted.
    assert results["train_box_8px_otsu"]["segmenter"]["iou_plain"]["mean"] == 1
    assert set(results["train_box_8px_otsu"]) == {"segmenter"}


def test_what_is_known_is_scored_once_more_alone(splits):
    settings = EvaluationSettings(baselines=("otsu",))
    half = np.concatenate([np.ones([2, 4, 8, 1]), np.zeros([2, 4, 8, 1])], axis=1)
    results = scoring.evaluate(
        {name: found.masks * np.float32(0.9) for name, found in splits.items()},
        splits,
        settings,
        crop="center",
        grabcut_settings=GrabCutSettings(),
        iem_settings=IEMSettings(),
        known={"test": half.astype(np.uint8)},
    )
    protocols = {name.removesuffix("_center_8px_t0.5") for name in results}
    assert {"train", "test", "test-known"} <= protocols
    assert "train-known" not in protocols
    assert "test-known_center_8px_otsu" not in results
    known = _means(results["test-known_center_8px_t0.5"])
    assert set(known) == {"segmenter", "otsu"}
    # The object lies in the lower half: of the upper one Otsu takes none, then all.
    assert known["otsu"]["iou_plain"] == 0.5 and known["segmenter"]["iou_plain"] == 1


def test_masks_drawn_to_edges_are_scored_beside_the_same_undrawn(splits):
    """Here what is drawn is what is bright, as Otsu finds it; `splits` says where."""
    seen = []

    def draw(images, masks, threshold):
        seen.append((masks, threshold))
        return (images[..., :1] > 127).astype(np.float32)

    results = scoring.evaluate(
        {name: found.masks * np.float32(0.9) for name, found in splits.items()},
        splits,
        EvaluationSettings(baselines=("otsu", "iem"), threshold=0.7),
        crop="center",
        grabcut_settings=GrabCutSettings(),
        iem_settings=IEMSettings(iterations=2),
        draw=draw,
    )
    for split in ("train", "test"):
        means = _means(results[f"{split}_center_8px_t0.7"])
        assert list(means) == [
            "segmenter",
            "segmenter_drawn",
            "otsu",
            "iem",
            "iem_drawn",
        ]
        assert means["segmenter"]["iou_plain"] == 1
        for method in ("segmenter_drawn", "iem_drawn"):
            assert means[method] == means["otsu"]
    # IEM's masks come with outlines that are open to doubt, ours as they are.
    assert all(set(np.unique(m)) == {0, np.float32(0.9)} for m, _ in seen[::2])
    assert all(np.any((m > 0.1) & (m < 0.9)) for m, _ in seen[1::2])
    assert [threshold for _, threshold in seen] == [0.7, 0.5, 0.7, 0.5]


def _known(splits, known):
    return scoring.evaluate(
        {name: found.masks * np.float32(0.9) for name, found in splits.items()},
        splits,
        EvaluationSettings(baselines=("otsu",)),
        crop="center",
        grabcut_settings=GrabCutSettings(),
        iem_settings=IEMSettings(),
        known=known,
    )


def test_a_picture_of_which_nothing_is_known_is_not_in_the_mean(splits):
    known = np.ones([2, SIZE, SIZE, 1], np.uint8)
    known[0] = 0
    name = "test-known_center_8px_t0.5"
    found = _known(splits, {"test": known})[name]
    # Of the other picture Otsu takes the wrong half: 0, whole or not.
    assert found["otsu"]["iou_plain"] == {"mean": 0, "low": 0, "high": 0, "pooled": 0}
    assert name not in _known(splits, {"test": 0 * known})


@pytest.mark.parametrize(
    ("trained_on", "named"),
    [
        (["test"], "mean_mask"),
        (["train"], "mean_mask_oracle"),
        ([], "mean_mask_oracle"),
    ],
)
def test_a_mean_mask_of_the_very_masks_it_is_scored_by_is_an_oracle(
    splits, trained_on, named
):
    masks = splits["test"].masks * np.float32(0.9)
    scores = scoring.evaluate(
        {"test": masks, "other": masks},
        {"test": splits["test"], "other": splits["train"]},
        EvaluationSettings(),
        crop="center",
        grabcut_settings=GrabCutSettings(),
        iem_settings=IEMSettings(),
        trained_on=trained_on,
    )
    assert set(scores["test_center_8px_t0.5"]) == {"segmenter", "otsu", named}
    others = {"segmenter", "otsu", "mean_mask"}
    assert set(scores["other_center_8px_t0.5"]) == others


@pytest.mark.parametrize("baselines", [(), ("iem",), ("grabcut", "otsu")])
def test_baselines_chosen_are_those_scored(splits, baselines):
    settings = EvaluationSettings(splits=("train",), baselines=baselines)
    train = {"train": splits["train"]}
    results = _evaluate(lambda images: images[..., :1] / 255, train, settings)
    assert tuple(results["train_center_8px_t0.5"]) == ("segmenter", *baselines)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (dict(splits=()), "`evaluation.splits` must name at least one split"),
        (dict(threshold=1.0), r"`evaluation.threshold` must lie inside \(0, 1\)"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        EvaluationSettings(**wrong)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
