"""Tests of `tfcomgan.metrics.segmentation`."""

import sys

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from tfcomgan.metrics import counting, segmentation


def _masks(*rows):
    """Masks [B, 2, 2] from strings of four digits."""
    return np.array([[int(c) for c in row] for row in rows]).reshape(-1, 2, 2)


def _random_masks(seed, batch=20):
    rng = np.random.default_rng(seed)
    return rng.random([batch, 4, 4]) < rng.random([batch, 1, 1])


def test_iou_and_dice_of_hand_made_masks():
    prediction = _masks("1100", "1000", "1111", "1100", "1010")
    truth = _masks("1010", "1100", "0001", "0011", "1010")
    # Common pixels 1, 1, 1, 0, 2; in either mask 3, 2, 4, 4, 2; areas 2+2, 1+2, 4+1, ...
    np.testing.assert_allclose(
        segmentation.iou(prediction, truth), [1 / 3, 1 / 2, 1 / 4, 0, 1]
    )
    np.testing.assert_allclose(
        segmentation.dice(prediction, truth), [2 / 4, 2 / 3, 2 / 5, 0, 1]
    )


@pytest.mark.parametrize("metric", [segmentation.iou, segmentation.dice])
def test_empty_masks_are_defined(metric):
    prediction = _masks("0000", "0000", "0110", "1111")
    truth = _masks("0000", "0110", "0000", "1111")
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(metric(prediction, truth), [1, 0, 0, 1])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_type_and_channel_axis_do_not_change_the_score(dtype):
    # uint8 sums must not wrap at 256: 20 x 20 pixels all set, one in the truth missing.
    prediction = np.ones([1, 20, 20], dtype)
    truth = prediction.copy()
    truth[0, 0, 0] = 0
    for p, t in [(prediction, truth), (prediction[..., None], truth[..., None])]:
        result = segmentation.iou(p, t)
        assert result.dtype == np.float64 and result.shape == (1,)
        np.testing.assert_allclose(result, 399 / 400)


@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        (np.zeros([1, 2, 2]), np.zeros([1, 2, 2, 1]), "share one shape"),
        (np.zeros([2, 2, 2]), np.zeros([1, 2, 2]), "share one shape"),
        (np.zeros([2, 2]), np.zeros([2, 2]), "share one shape"),
        (np.zeros([1, 2, 2, 3]), np.zeros([1, 2, 2, 3]), "share one shape"),
        (np.full([1, 2, 2], 0.7), np.zeros([1, 2, 2]), "`prediction` must be bool"),
        (np.zeros([1, 2, 2]), np.full([1, 2, 2], 255), "`truth` must be bool"),
        (np.zeros([1, 2, 2]), np.full([1, 2, 2], np.nan), "`truth` must be bool"),
    ],
)
@pytest.mark.parametrize("metric", [segmentation.iou, segmentation.dice])
def test_what_is_no_pair_of_masks_is_refused(metric, prediction, truth, message):
    with pytest.raises(ValueError, match=message):
        metric(prediction, truth)


def test_best_polarity_takes_the_larger_score_per_image():
    probabilities = np.array([[[0.9, 0.9], [0.9, 0.1]], [[0.9, 0.1], [0.1, 0.1]]])
    truth = _masks("0001", "1100")
    result = segmentation.score_per_image(probabilities, truth)
    # Picture 1: 1110 against 0001 misses it, inverted it is exact.
    # Picture 2: 1000 against 1100 has 1 of 2 pixels; 0111 has 1 of 4.
    np.testing.assert_allclose(result.iou_plain, [0, 1 / 2])
    np.testing.assert_allclose(result.dice_plain, [0, 2 / 3])
    np.testing.assert_allclose(result.iou_best_polarity, [1, 1 / 2])
    np.testing.assert_allclose(result.dice_best_polarity, [1, 2 / 3])
    means = segmentation.score(probabilities, truth)
    np.testing.assert_allclose(means, [1 / 4, 1 / 3, 3 / 4, 5 / 6])
    assert all(type(value) is float for value in means)


def test_inverted_prediction_has_the_same_best_polarity_score():
    # Continuous draws: none is exactly 0.5, the one value foreground both ways.
    probabilities = np.random.default_rng(4).random([20, 4, 4, 1])
    truth = _random_masks(5)[..., None]
    one = segmentation.score_per_image(probabilities, truth)
    other = segmentation.score_per_image(1 - probabilities, truth)
    np.testing.assert_array_equal(one.iou_best_polarity, other.iou_best_polarity)
    np.testing.assert_array_equal(one.dice_best_polarity, other.dice_best_polarity)
    assert not np.array_equal(one.iou_plain, other.iou_plain)


def test_best_polarity_of_empty_and_full_prediction_is_the_foreground_share():
    truth = _masks("1000", "1110")
    for constant in (0.0, 1.0):
        result = segmentation.score_per_image(np.full([2, 2, 2], constant), truth)
        np.testing.assert_allclose(result.iou_best_polarity, [1 / 4, 3 / 4])


def test_score_is_the_mean_over_images_whatever_the_batches():
    probabilities = np.random.default_rng(6).random([7, 4, 4])
    truth = _random_masks(7, batch=7)
    whole = segmentation.score(probabilities, truth)
    parts = [
        segmentation.score_per_image(probabilities[cut], truth[cut])
        for cut in (slice(0, 5), slice(5, 7))
    ]
    for field in segmentation.Scores._fields:
        values = np.concatenate([getattr(part, field) for part in parts])
        np.testing.assert_allclose(getattr(whole, field), values.sum() / 7, rtol=1e-12)


def test_probability_at_the_threshold_is_foreground():
    truth = _masks("1100")
    probabilities = np.array([[[0.5, 0.7], [0.49, 0.0]]], np.float32)
    assert segmentation.score(probabilities, truth).iou_plain == 1
    # From 0.6 up only one of the two pixels is left.
    assert segmentation.score(probabilities, truth, 0.6).iou_plain == 1 / 2


@pytest.mark.parametrize("bad", [np.nan, -0.1, 1.1, 255])
def test_values_that_are_no_probabilities_are_refused(bad):
    probabilities = np.zeros([1, 2, 2])
    probabilities[0, 0, 0] = bad
    with pytest.raises(ValueError, match="`probabilities` must lie in"):
        segmentation.score(probabilities, _masks("1000"))


def test_score_of_no_picture_is_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        segmentation.score(np.zeros([0, 2, 2]), np.zeros([0, 2, 2]))


def _degenerate_and_random_masks(seed):
    """Masks [24, 4, 4]: 20 random ones, then empty and full ones in all pairings."""
    masks = _random_masks(seed)
    constant = {0: [0, 0, 1, 1], 1: [0, 1, 0, 1]}[seed % 2]
    return np.concatenate([masks, np.ones([4, 4, 4]) * np.reshape(constant, [4, 1, 1])])


# Both are 1 where nothing is there and nothing predicted.
_SKLEARN = {
    "iou": lambda t, p: sklearn_metrics.jaccard_score(t, p, zero_division=1),
    "dice": lambda t, p: sklearn_metrics.f1_score(t, p, zero_division=1),
    "accuracy": sklearn_metrics.accuracy_score,
    "mean_iou": lambda t, p: sklearn_metrics.jaccard_score(
        t, p, labels=[0, 1], average="macro", zero_division=1
    ),
    "f_beta": lambda t, p: sklearn_metrics.fbeta_score(
        t, p, beta=0.3**0.5, zero_division=1
    ),
}


@pytest.mark.parametrize("name", segmentation.METRICS)
def test_metrics_agree_with_scikit_learn_per_image_and_pooled(name):
    prediction, truth = (_degenerate_and_random_masks(seed) for seed in (0, 1))
    reference = _SKLEARN[name]
    flat = [m.reshape(len(m), -1).astype(int) for m in (truth, prediction)]
    plain = [reference(t, p) for t, p in zip(*flat, strict=True)]
    best = [
        max(reference(t, p), reference(t, 1 - p)) for t, p in zip(*flat, strict=True)
    ]
    counts = segmentation.count(prediction, truth)
    np.testing.assert_allclose(segmentation.METRICS[name](counts), plain, rtol=1e-12)
    summary = segmentation.summarize(prediction, truth)
    assert summary[f"{name}_plain"].mean == pytest.approx(np.mean(plain), rel=1e-12)
    assert summary[f"{name}_plain"].pooled == pytest.approx(
        reference(flat[0].ravel(), flat[1].ravel()), rel=1e-12
    )
    result = summary[f"{name}_best_polarity"]
    assert result.mean == pytest.approx(np.mean(best), rel=1e-12)
    turned = [
        1 - p if reference(t, 1 - p) > reference(t, p) else p
        for t, p in zip(*flat, strict=True)
    ]
    assert result.pooled == pytest.approx(
        reference(flat[0].ravel(), np.ravel(turned)), rel=1e-12
    )


def test_pixels_that_are_not_known_count_in_no_metric():
    rng = np.random.default_rng(4)
    probabilities, truth = rng.random([6, 4, 4]), _random_masks(5, 6)
    known = np.zeros([6, 4, 4], np.uint8)
    known[:, 1:, :3] = 1
    found = segmentation.summarize(probabilities, truth, known=known)
    # As if the pictures ended there.
    alone = segmentation.summarize(probabilities[:, 1:, :3], truth[:, 1:, :3])
    assert found == alone
    assert found != segmentation.summarize(probabilities, truth)
    with pytest.raises(ValueError, match="and `known` with them.*known .6, 3, 3."):
        segmentation.summarize(probabilities, truth, known=known[:, 1:, :3])


def test_failures_are_the_share_of_pictures_with_an_iou_under_a_half():
    prediction = _masks("1100", "1000", "1111", "1100", "0001")
    truth = _masks("1010", "1100", "0001", "0011", "0001")
    # IoU 1/3, 1/2, 1/4, 0, 1; turned over 1/3, 0, 0, 1, 0.
    summary = segmentation.summarize(prediction, truth)
    assert summary["failures_plain"].mean == summary["failures_plain"].pooled == 3 / 5
    assert summary["failures_best_polarity"].mean == 2 / 5
    low, high = summary["failures_plain"].low, summary["failures_plain"].high
    assert 0 <= low < 3 / 5 < high <= 1


def test_summary_contains_score():
    probabilities, truth = (
        np.random.default_rng(2).random([9, 4, 4]),
        _random_masks(3, 9),
    )
    summary = segmentation.summarize(probabilities, truth, 0.3)
    for name, value in segmentation.score(probabilities, truth, 0.3)._asdict().items():
        assert summary[name].mean == pytest.approx(value, rel=1e-12)


def test_summary_of_empty_and_full_masks_is_finite():
    for prediction in (0.0, 1.0):
        for truth in (0, 1):
            summary = segmentation.summarize(
                np.full([3, 2, 2], prediction), np.full([3, 2, 2], truth)
            )
            assert np.all(np.isfinite(list(summary.values())))
            # Equal masks are perfect; opposite ones are, once turned over.
            assert summary["iou_plain"].mean == float(prediction == truth)
            assert summary["mean_iou_best_polarity"].mean == 1


def test_pictures_in_parts_score_as_all_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    probabilities = rng.random([7, 4, 4, 1])
    truth, known = rng.integers(0, 2, [2, 7, 4, 4, 1])

    def scores():
        return (
            segmentation.summarize(probabilities, truth, 0.4, known=known),
            segmentation.score(probabilities, truth),
            segmentation.otsu_threshold(probabilities),
        )

    whole = scores()
    monkeypatch.setattr(counting, "PART", 3)
    monkeypatch.setattr(segmentation, "PART", 3)
    assert scores() == whole
    with pytest.raises(ValueError, match="must share one shape"):
        segmentation.summarize(probabilities[:5], truth)


def test_result_name_states_the_protocol():
    assert (
        segmentation.result_name("test", "center", 32, 0.5) == "test_center_32px_t0.5"
    )
    assert (
        segmentation.result_name("train", "box", 128, 0.25) == "train_box_128px_t0.25"
    )
    assert (
        segmentation.result_name("train", "box", 128, "otsu") == "train_box_128px_otsu"
    )


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
