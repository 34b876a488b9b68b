"""Tests of `tfcomgan.reporting.limits`."""

import dataclasses
import sys

import pytest
import reports

from tfcomgan.evaluation.seen import Seen
from tfcomgan.reporting import facts, limits


def _limits(report):
    return dict(limits.limits(report))


def test_the_verdict_names_the_test_score_and_the_best_baseline():
    verdict = limits.verdict(reports.make())
    assert "On test pictures" in verdict and "53.4% (52.4% to 55.4%)" in verdict
    assert "Otsu's threshold: 21.5%" in verdict
    assert not [title for title in _limits(reports.make()) if "Warning" in title]


def test_a_segmenter_no_better_than_a_baseline_is_called_so():
    scores = {
        "test_center_32px_t0.5": {
            "segmenter": reports.scores(0.3),
            "iem": reports.scores(0.4),
        }
    }
    made = reports.make(scores=scores)
    assert "no better than IEM" in limits.verdict(made)
    assert "Warning: no better than a baseline" in _limits(made)


def test_masks_drawn_to_edges_are_compared_with_others_drawn():
    methods = {
        "segmenter": reports.scores(0.3),
        "segmenter_drawn": reports.scores(0.35),
        "iem": reports.scores(0.2),
        "iem_drawn": reports.scores(0.4),
    }
    made = reports.make(scores={"test_center_32px_t0.5": methods})
    verdict = limits.verdict(made)
    assert "the best of the methods that learn nothing, IEM: 20.0%." in verdict
    drawn = "Drawn to edges: 35.0%; IEM, drawn to edges, which learns nothing: 40.0%."
    assert drawn in verdict
    warning = _limits(made)["Warning: no better than a baseline"]
    assert "40.0%, the segmenter, drawn to edges 35.0%" in warning
    del methods["iem_drawn"]
    made = reports.make(scores={"test_center_32px_t0.5": methods})
    assert limits.verdict(made).endswith("Drawn to edges: 35.0%.")
    assert "Warning: no better than a baseline" not in _limits(made)


def test_an_oracle_is_no_method_that_learns_nothing():
    methods = {
        "segmenter": reports.scores(0.3),
        "mean_mask_oracle": reports.scores(0.4),
    }
    for more, said in (({}, ""), ({"otsu": reports.scores(0.2)}, "Otsu's threshold")):
        made = reports.make(scores={"test_center_32px_t0.5": methods | more})
        verdict = limits.verdict(made)
        assert "(oracle), made of the true masks that it is scored by: 40.0%" in verdict
        assert "no better than" not in verdict and said in verdict
        assert "Warning: no better than a baseline" not in _limits(made)
        assert more or "learn" not in verdict


def test_the_verdict_is_of_held_out_pictures_where_there_are_any():
    scores = {
        f"{split}_center_32px_t0.5": {"segmenter": reports.scores(iou)}
        for split, iou in (("train", 0.9), ("test", 0.8), ("val", 0.6))
    }
    known = Seen(trained_on=("train", "test"), held_out=("val",))
    data = reports.DATA._replace(known=known, num_trained=4888)
    made = reports.make(scores=scores, data=data)
    assert "On val pictures, predicted masks" in limits.verdict(made)
    seen = _limits(made)["Reading the scores"]
    assert "Scores on train and test are of pictures the networks have seen" in seen
    assert "the 4,888 pictures of scenes" in _limits(made)["Other pictures"]


@pytest.mark.parametrize("area", [0.001, 0.995])
def test_trivial_masks_are_a_warning(area):
    assert "Warning: trivial masks" in _limits(reports.make(mask_area=area))


def test_what_the_monitor_found_is_a_warning():
    notes = ["First trivial solution with seed 0: the mask is empty.", "Another."]
    stage = facts.Stage("train_generator", True, notes=notes)
    found = _limits(reports.make(stages=[stage]))
    assert found["Warning: the monitor of train_generator"] == " ".join(notes)


def test_self_training_that_found_no_masks_to_learn_is_a_warning():
    first = {"number": 0, "agreement": None}
    for agreement, is_warned in ((None, True), (0.8, False)):
        made = reports.make(
            rounds=[first, {"number": 1, "agreement": agreement}],
            rounds_notes=["They mean little.", "Kept: the old."],
        )
        title = "Warning: self-training found no masks to learn"
        said = "They mean little. Kept: the old." if is_warned else None
        assert _limits(made).get(title) == said
        # A later round may mean nothing; the student of an earlier one is in use.
        assert title not in _limits(dataclasses.replace(made, kept_round=1))


def test_masks_that_fit_no_edges_are_a_warning():
    rounds = [
        {"number": 0, "agreement": None, "fit": 0.2},
        {"number": 1, "agreement": 0.9, "fit": 0.8},
    ]
    title = "Warning: masks that fit no edges"
    for kept, is_warned in ((0, True), (1, False)):
        found = _limits(reports.make(rounds=rounds, kept_round=kept))
        assert (title in found) == is_warned
    assert "20.0%" in _limits(reports.make(rounds=rounds))[title]


def test_an_undecided_polarity_is_a_warning_and_its_margin_is_said():
    unsure = reports.SURE | {"margin": 0.03, "margin_low": -0.01, "is_sure": False}
    found = _limits(reports.make(orientation=unsure))
    assert "Warning: the masks may be inverted" in found
    text = found["Which side is the object"]
    assert "8.0% of the border: margin 0.03 (95 % interval -0.01 to 0.85" in text
    by_hand = _limits(reports.make(object_side="complement"))[
        "Which side is the object"
    ]
    assert "by hand, against the rule" in by_hand
    acted_on = _limits(reports.make(orientation=unsure, is_by_hand=True))
    assert "Warning: the masks may be inverted" not in acted_on
    assert "by hand, as the rule would" in acted_on["Which side is the object"]


def test_annotated_boxes_are_owned_up_to():
    made = reports.make(data=reports.DATA._replace(training_crop="box"))
    assert "cropped by annotated boxes" in _limits(made)["What it has learned"]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
