"""The experiment on trivial solutions: its plan, its page, and a run of two steps."""

import csv
import os
import sys

import command
import numpy as np
import pytest
from PIL import Image

from pipelines.trivial import page, plan
from pipelines.trivial.plan import Case

TINY = (
    "--data=scenes",
    "--seeds=0",
    "--steps=2",
    "--overlay=gin/smoke.gin",
    "--gin_param=scenes.num_train=16",
    "--gin_param=scenes.num_test=4",
)

# A core each, of those that this process may use.
JOBS = min(2, len(os.sched_getaffinity(0)))


def _run(tmp_path, *flags):
    folders = [f"--{n}={tmp_path / n}" for n in ("out", "run_dir", "data_dir")]
    return command.python("-m", "pipelines.trivial", *TINY, *folders, *flags)


def test_the_plan_holds_every_comparison_of_the_paper():
    found = plan.cases([0, 1, 2], plan.PARTS, plan.DATA)
    # 3 models x 3 betas + 4 rows, on 3 seeds and on CLEVR6 once; 2 more of each sweep;
    # 4 segmenters, on one generator.
    assert len(found) == len(set(found)) == (9 + 4) * (3 + 1) + 3 * 2 + 4
    assert len({case.name for case in found}) == len(found)
    assert len({case.run_name for case in found}) == len(found) - 3
    assert {case.seed for case in found if case.data == "clevr6"} == {0}


@pytest.mark.parametrize(
    "flag, message",
    [
        ("--only=wiring", "--only has no 'wiring'. Choose of wirings, ablation"),
        ("--seeds=a", "--seeds must be whole numbers. Received: ['a']"),
        ("--data=clevr6", "CLEVR6 needs --manual_dir"),
        ("--jobs=1000", "--jobs=1000 needs a core for each"),
        ("--gin_param=BETA=-0.1", "`comgan.binary_weight` must not be negative"),
    ],
)
def test_wrong_flags_are_named(tmp_path, flag, message):
    done = _run(tmp_path, flag)
    assert done.code == 2 and message in done.err
    assert not (tmp_path / "out").exists()


def _rows(file):
    with file.open() as lines:
        return list(csv.DictReader(lines))


@pytest.mark.slow
def test_two_steps_make_a_page_that_says_what_is_missing_and_are_not_made_again(
    tmp_path,
):
    # Side by side, where there are two cores.
    flags = (
        "--only=ablation,lambda",
        "--gin_param=generator.width=2",
        f"--jobs={JOBS}",
    )
    done = _run(tmp_path, *flags)
    assert done.code == 0, done.err
    out = tmp_path / "out"
    rows = _rows(out / "table2-scenes.csv")
    assert len(rows) == 4 and all(float(row["fd_random"]) > 0 for row in rows)
    assert {row["FID"] for row in rows} == {"not run"}
    rows = _rows(out / "lambda.csv")
    assert len(rows) == 4 and all(0 < float(r["consistency"]) < 1 for r in rows)
    text = (out / "README.md").read_text()
    assert "8 of 8 runs of 2 steps" in text and "## Corollary 1\n\nNot run." in text
    made = {p: p.stat().st_mtime_ns for p in (tmp_path / "run_dir").rglob("*.npz")}
    again = _run(tmp_path, *flags)
    assert again.code == 0 and (out / "README.md").read_text() == text
    assert made == {p: p.stat().st_mtime_ns for p in made}


@pytest.mark.slow
def test_a_worker_that_fails_ends_the_command_with_its_message(tmp_path):
    lost = "--gin_param=prepare.source=@folder()"
    done = _run(tmp_path, "--only=ablation", f"--jobs={JOBS}", lost)
    assert done.code == 2, done.err
    assert "Traceback" not in done.err and "--manual_dir" in done.err


# The page, from results written by hand.


_PLACE = {"cores": 2, "cpu": "a CPU", "gpus": [], "versions": {"Keras": "3"}}


def _result(norm, signs=(), fd=1.0, entropy=0.2, one_layer=0.25):
    steps = [20, 40, 60, 80]
    names = ("mask_area", "mask_entropy", "mask_variation", "layer_difference")
    curves = {name: [steps, [0.2] * 4] for name in names}
    curves["mask_entropy"] = [steps, [1.0, 1.0, 1.0, entropy]]
    for name in ("mask_gradient_norm", "pixel_gradient_norm"):
        curves[name] = [steps, [1.0, 1.0, 1.0, norm]]
    strip = Image.new("RGB", (8, 8))
    strip = np.stack([np.asarray(strip)] * 2)
    findings = [
        {"sign": s, "first_step": 20, "last_step": 80, "solution": 1} for s in signs
    ]
    return {
        "seconds": 1.0,
        "trivial": {"findings": findings},
        "parameters": {"Phi": 1, "all": 2},
        "curves": curves,
        "scores": {"fd_random": fd, "one_layer": one_layer},
        "environment": _PLACE,
        "pictures": dict.fromkeys(("composite", "mask"), strip),
    }


def _segmented(consistency):
    names = ("picture", "true mask", "predicted", "painted", "its mask", "given back")
    return {
        "seconds": None,  # Interrupted, and gone on.
        "trivial": {"findings": []},
        "scores": {"consistency": consistency, "iou": 0.5, "area": 0.2},
        "environment": _PLACE,
        "pictures": dict.fromkeys(names, np.zeros([2, 8, 8, 3], np.uint8)),
    }


def test_the_page_says_what_agrees_with_the_paper_and_what_does_not(tmp_path):
    done = {
        Case("wirings", "scenes", "comgan", 1.0, 0): _result(1.0),
        Case("wirings", "scenes", "pi1", 1.0, 0): _result(
            0.01, ["full"], one_layer=0.6
        ),
        Case("wirings", "scenes", "pi2", 1.0, 0): _result(2.0, entropy=0.9),
        Case("wirings", "scenes", "pi2", 0.1, 0): _result(2.0),
        Case("ablation", "scenes", "simplegan", 0.1, 0): _result(1.0, fd=4.0),
        Case("ablation", "scenes", "subnetworks", 0.1, 0): _result(1.0, fd=1.0),
        Case("ablation", "scenes", "info", 0.1, 0): _result(1.0, fd=2.0),
    }
    for change, norm in (
        ("width=4", 3.0),
        ("width=16", 1.5),
        ("mask_residuals=4", 0.5),
    ):
        done[Case("corollary", "scenes", "comgan", 0.1, 0, change)] = _result(norm)
    done[Case("wirings", "scenes", "comgan", 0.1, 0)] = _result(1.0)
    for weight, consistency in ((2, 0.2), (10, 0.1), (100, 0.15)):
        case = Case("lambda", "scenes", "segmenter", 1.0, 0, f"LAMBDA={weight}")
        done[case] = _segmented(consistency)
    left = Case("ablation", "scenes", "global", 0.1, 0)
    page.write(tmp_path, [*done, left], done, 80)
    text = (tmp_path / "README.md").read_text()
    for sentence in (
        "ComGAN at beta 1: 0 of 1 runs end in a trivial solution. The paper says it "
        "avoids them: this agrees with it.",
        "Pi_1 at beta 1: 1 of 1 runs end in a trivial solution (full, one layer). The paper "
        "says it ends in trivial masks: this agrees with it.",
        "Pi_2 at beta 0.1: 0 of 1 runs end in a trivial solution. The paper says it ends in "
        "trivial masks: this contradicts it.",
        "Pi_2 at beta 1: 0 of 1 runs end in a trivial solution, 1 with grey masks. The "
        "paper says it ends in trivial masks: so early, this says nothing of it.",
        "Pi_1's mask network ends at 0.01 times ComGAN's",
        "Pi_2's mask network ends at 2 times ComGAN's",
        "+ independent subnetworks: fd_random times 0.25; the paper's FID falls, this agrees",
        "+ information loss: fd_random times 2.00; the paper's FID falls, this contradicts",
        f"**Not run:** {left.name}.",
        "14 of 15 runs of 80 steps, seeds 0.",
        "14 trained with 2 cores of a CPU each; Keras 3. A training took 1 s (median)",
        "width = 16: the gradient norm on M is 0.5 times that of 4. Larger is what the "
        "corollary means: this contradicts it.",
        "mask_residuals = 0: the gradient norm on M is 2 times that of 4. Larger is what "
        "the corollary means: this agrees with it.",
        "From lambda 2 to 100 the difference of painted and predicted masks goes from 0.2 "
        "to 0.15, not falling at each step. The paper says that a larger lambda makes them "
        "agree: this contradicts it.",
    ):
        assert sentence in text, sentence
    for name in (
        "fig2-scenes.png",
        "fig4-scenes.png",
        "layers-scenes-pi1.png",
        "table2-scenes.png",
        "lambda.png",
        "corollary1.png",
    ):
        with Image.open(tmp_path / name) as picture:
            assert len(picture.getcolors(2**24)) > 2


def test_the_page_is_written_after_the_first_training_of_each_part_alone(tmp_path):
    wanted = plan.cases([0], plan.PARTS, ["scenes"])
    for part in plan.PARTS:
        own = [case for case in wanted if case.part == part]
        made = _segmented(0.1) if part == "lambda" else _result(1.0)
        page.write(tmp_path, own, {own[0]: made}, 80)
        text = (tmp_path / "README.md").read_text()
        assert f"1 of {len(own)} runs of 80 steps" in text
        # One value beside nothing has no verdict.
        assert "times that of" not in text and "nan" not in text


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
