"""What page and card of a run say that was trained on all its pictures, as gin/cub.gin's is."""

import sys

import pytest
import reports

from tfcomgan.evaluation.seen import Seen
from tfcomgan.reporting import card, page

DATA = reports.DATA._replace(
    name="caltech_birds2011",
    num_examples={"train": 5994, "test": 5794},
    num_trained=5994 + 5794,
    known=Seen(trained_on=("train", "test")),
)


def test_the_card_counts_all_pictures_that_were_learned_from():
    text = card.markdown(reports.make(data=DATA))
    assert "learned from 11,788 pictures of caltech_birds2011" in text
    assert "the 11,788 pictures of caltech_birds2011" in text
    assert "On test pictures, which it was trained on," in text


def test_pictures_trained_on_differ_from_the_papers_by_their_choice_alone():
    text = page.page(reports.make(data=DATA))
    assert "5,794 pictures of test, trained on, crop center" in text
    assert "Scored on the test split; the paper on training data." not in text
    held_out = DATA._replace(known=Seen(("train",), ("test",)), num_trained=5994)
    text = page.page(reports.make(data=held_out))
    assert "Scored on the test split; the paper on training data." in text


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
