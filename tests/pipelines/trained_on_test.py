"""A run that is trained on what it is scored on says so; of so few pictures it says more."""

import sys

import command
import pytest
from command import tiny


@pytest.fixture(scope="module")
def all_trained(tmp_path_factory):
    """A run trained on both splits, as gin/cub.gin is; and what it printed."""
    run_dir = tmp_path_factory.mktemp("all") / "run"
    both = "--gin_param=input_pipeline.training_split='train+test'"
    return run_dir, command.run(*tiny(run_dir, both)).check().out


def test_pictures_trained_on_are_never_called_held_out(all_trained):
    run_dir, out = all_trained
    page, card = (
        (run_dir / name).read_text() for name in ("report.html", "serving/README.md")
    )
    assert "held out" not in out + page + card
    assert "test, trained on" in out and "8 pictures of test, trained on" in page
    assert "On test pictures, which it was trained on, predicted masks" in page
    assert "Scores on train and test are of pictures the networks have seen" in page


def test_pictures_are_counted_in_the_training_split(all_trained):
    run_dir, _ = all_trained
    assert (
        "learned from 40 pictures of scenes"
        in (  # 32 + 8.
            run_dir / "serving/README.md"
        ).read_text()
    )
    assert "the 40 pictures of scenes" in (run_dir / "report.html").read_text()


def test_a_distance_of_fewer_pictures_than_features_is_owned_up_to(all_trained):
    run_dir, out = all_trained
    note = (
        "fd_random is far too large: with 448 features it takes more than 448 pictures"
    )
    assert note in out and note in (run_dir / "report.html").read_text()


def test_what_the_generator_alone_was_trained_on_is_no_oracle_s(tmp_path):
    run_dir = tmp_path / "run"
    flags = (
        "--gin_param=train_generator/input_pipeline.training_split='train+test'",
        "--gin_param=evaluation.splits=('test',)",
    )
    out = command.run(*tiny(run_dir, *flags)).check().out
    assert "test, trained on" in out and "oracle" not in out


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
