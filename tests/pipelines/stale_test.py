"""Stages of other settings in one run folder: what the report, the card and the end say."""

import re
import shutil
import sys

import command
import pytest
from command import tiny

OTHER = ("--gin_param=SEED=7", "--gin_param=STEPS=6")
AFTER = ("train_segmenter", "self_train", "evaluate", "export")


@pytest.fixture(scope="module")
def trained_anew(tmp_path_factory):
    """A finished run of which the generator alone was made anew; and what was printed."""
    finished = command.finished()
    run_dir = tmp_path_factory.mktemp("anew") / finished.name
    shutil.copytree(finished, run_dir)
    # The other side of the mask, which a card would tell.
    side = command.artifact(finished, "train_generator")["info"]["object_side"]
    other = {"mask": "complement", "complement": "mask"}[side]
    flags = (f"--gin_param=orientation.object_side='{other}'", *OTHER)
    stages = "--stages=prepare,train_generator"
    return run_dir, command.run(*tiny(run_dir, *flags, stages)).check().out


def _facts(page):
    """State and facts by stage, from the table of the report."""
    rows = re.findall(
        r'<tr><td>(\w+)</td>\s*<td class="text">(.*?)</td>\s*<td class="text">(.*?)</td>',
        page,
        re.DOTALL,
    )
    return {name: (state, " ".join(said.split())) for name, state, said in rows}


def test_the_report_tells_stages_of_other_settings_from_those_of_this_run(trained_anew):
    run_dir, _ = trained_anew
    page = (run_dir / "report.html").read_text()
    assert f"not finished: {', '.join(AFTER)} are of other settings" in page
    facts = _facts(page)
    assert facts["train_generator"][0] == "finished"
    assert "steps 6" in facts["train_generator"][1]
    assert "seed 7" in facts["train_generator"][1]
    for stage in AFTER:
        assert facts[stage][0] == "of other settings"
    # Their own settings, not those planned.
    seed = command.artifact(run_dir, "train_segmenter")["parameters"]["training"][
        "seed"
    ]
    assert seed != 7 and f"seed {seed}" in facts["train_segmenter"][1]
    assert (
        "predicted masks overlap" not in page and 'id="figure-predictions"' not in page
    )
    assert "What is exported is of other settings" in page


def test_the_card_stays_that_of_what_was_exported(trained_anew):
    run_dir, _ = trained_anew
    card = "serving/README.md"
    assert (run_dir / card).read_text() == (command.finished() / card).read_text()


def test_no_command_for_a_model_of_other_settings_is_printed(trained_anew):
    _, out = trained_anew
    assert "Curves:" in out and "Segment:" not in out


def test_an_export_without_its_evaluation_has_a_card_without_the_old_scores(
    trained_anew, tmp_path
):
    run_dir = shutil.copytree(trained_anew[0], tmp_path / "run")
    stages = "prepare,train_generator,train_segmenter,self_train,export"
    command.run(*tiny(run_dir, *OTHER, f"--stages={stages}")).check()
    card = (run_dir / "serving/README.md").read_text()
    assert "not finished: evaluate is of other settings" in card
    assert "predicted masks overlap" not in card and '"results": []' in card


def test_scores_of_the_exported_model_stay_on_its_card(run_dir):
    card = run_dir / "serving/README.md"
    before = card.read_text()
    flags = ("--gin_param=evaluation.threshold=0.3", "--stages=export")
    assert "export: reused" in command.run(*tiny(run_dir, *flags)).check().out
    assert card.read_text() == before
    assert "evaluate is of other settings" in (run_dir / "report.html").read_text()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
