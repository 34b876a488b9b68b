"""What `tfcomgan.compare` leaves out because it was made of something older."""

import json
import sys

import pytest
from compared import compare, make

from pipelines import cache


def test_scores_of_a_model_that_was_trained_anew_are_left_out(tmp_path):
    run = make(tmp_path / "a", seed=1)
    path = run / "evaluate" / "artifact.json"
    record = json.loads(path.read_text())
    record["inputs"] = {"prepare": "prepare1", "train_segmenter": "train_segmenter0"}
    path.write_text(json.dumps(record))
    done = compare(run)
    assert done.code == 2 and "older train_segmenter" in done.err
    record["inputs"]["train_segmenter"] = "train_segmenter1"
    path.write_text(json.dumps(record))
    assert compare(run).code == 0


def test_self_training_on_an_older_segmenter_is_left_out_and_an_old_run_is_not(
    tmp_path,
):
    run = make(tmp_path / "a", seed=1)  # As before there was such a stage.
    assert compare(run).code == 0
    made_from = {"train_segmenter": "train_segmenter0"}
    with cache.produce(run, "self_train", "taught", {}, inputs=made_from):
        pass
    path = run / "evaluate" / "artifact.json"
    record = json.loads(path.read_text()) | {"inputs": {"self_train": "taught"}}
    path.write_text(json.dumps(record))
    done = compare(run)
    assert done.code == 2 and "older train_segmenter" in done.err
    assert "--stages=self_train,evaluate" in done.err


def test_trainings_outlast_other_masks_and_scores_do_not(tmp_path):
    run = make(tmp_path / "a", seed=1)

    def change(stage, **fields):
        path = run / stage / "artifact.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    # Masks were added to pictures that had none.
    change("prepare", fingerprint="with masks", pictures_fingerprint="pictures")
    change("train_generator", inputs={"prepare": "pictures"})
    change("evaluate", inputs={"prepare": "pictures"})
    done = compare(run)
    assert "its evaluate is of an older prepare" in done.err
    change("evaluate", inputs={"prepare": "with masks"})
    assert compare(run).code == 0


def test_all_from_the_older_stage_on_is_to_be_made_again(tmp_path):
    run = make(tmp_path / "a", seed=1)
    path = run / "train_segmenter" / "artifact.json"
    record = json.loads(path.read_text()) | {"inputs": {"train_generator": "older"}}
    path.write_text(json.dumps(record))
    done = compare(run)
    assert "its train_segmenter is of an older train_generator" in done.err
    assert "--stages=train_segmenter,evaluate" in done.err  # It has no self_train.


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
