"""Tests of `tfcomgan.evaluation.seen`."""

import sys

import pytest

from tfcomgan.evaluation import seen

SIZES = {"train": 103, "val": 10, "test": 57}


def _parameters(trained, scored):
    inputs = {"input_pipeline": {"training_split": trained}}
    return {
        "train_generator": inputs,
        "evaluate": {"evaluation": {"splits": scored}},
    }


def test_a_run_knows_which_scored_splits_it_was_trained_on():
    parameters = _parameters("train+test[:50%]", ("train", "val", "test", "test[50%:]"))
    known = seen.of(parameters, SIZES)
    assert known == (("train", "test"), ("val", "test[50%:]"))
    assert (
        seen.num_trained(parameters, SIZES) == 103 + 28
    )  # Half of 57, rounded to even.
    protocols = [f"{s}_center_8px_t0.5" for s in ("train", "flowers-odd", "val")]
    assert sorted(protocols, key=known.place) == protocols[::-1]


def test_self_training_of_no_round_has_learned_nothing():
    parameters = _parameters("train", ("train", "test"))
    of_rounds = {"input_pipeline": {"training_split": "train+test"}}
    for rounds, trained_on in ((0, ("train",)), (1, ("train", "test"))):
        parameters["self_train"] = of_rounds | {"self_training": {"rounds": rounds}}
        assert seen.of(parameters, SIZES).trained_on == trained_on


def test_a_record_that_says_nothing_was_trained_on_train():
    assert seen.of({"evaluate": {}, "train_generator": {}}, {}) == (("train",), ())


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
