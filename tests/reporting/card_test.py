"""The model card, read by Hugging Face's own library."""

import sys

import pytest
import reports
from huggingface_hub import ModelCard

from tfcomgan.reporting import card


def test_the_hub_reads_the_scores_of_each_protocol():
    read = ModelCard(card.markdown(reports.make()))
    assert read.data.pipeline_tag == "image-segmentation"
    assert read.data.model_name == "scenes"
    found = {
        (r.dataset_split, r.metric_type): r.metric_value for r in read.data.eval_results
    }
    # 0.712 and 0.534 are made; Dice is five points above.
    assert found == {
        ("train", "iou"): 0.712,
        ("train", "dice"): pytest.approx(0.762),
        ("test", "iou"): 0.534,
        ("test", "dice"): pytest.approx(0.584),
    }


def test_the_text_has_the_verdict_and_every_limit():
    report = reports.make(mask_area=0.999)
    text = ModelCard(card.markdown(report)).text
    assert "53.4% (52.4% to 55.4%)" in text
    assert "Warning: trivial masks" in text and "Not for" in text


def test_a_name_cannot_break_out_of_the_head():
    name = 'a"\n---\nlicence: mit #'
    read = ModelCard(card.markdown(reports.make(name=name)))
    assert read.data.model_name == name and "licence" not in read.data.to_dict()


def test_a_run_without_scores_has_a_card():
    read = ModelCard(card.markdown(reports.make(scores={}, why_no_scores="No masks.")))
    assert read.data.eval_results in (None, []) and "No masks." in read.text


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
