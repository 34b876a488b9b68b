"""The experiment on trivial solutions: its plan, its page, and a run of two steps."""

import csv
import subprocess
import sys

import numpy as np
import pytest
from command import REPOSITORY
from PIL import Image

from pipelines import trivial_page, trivial_plan
from pipelines.trivial_plan import Case

TINY = (
    "--data=scenes",
    "--seeds=0",
    "--steps=2",
    "--overlay=gin/smoke.gin",
    "--gin_param=scenes.num_train=16",
    "--gin_param=scenes.num_test=4",
)


def _run(tmp_path, *flags):
    folders = [f"--{n}={tmp_path / n}" for n in ("out", "run_dir", "data_dir")]
    return subprocess.run(
        [sys.executable, "-m", "pipelines.trivial", *TINY, *folders, *flags],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )


def test_the_plan_holds_every_comparison_of_the_paper():
    plan = trivial_plan.cases(
        [0, 1, 2], ["wirings", "ablation", "corollary"], ["scenes", "clevr6"]
    )
    # 3 models x 3 betas + 4 rows, on 3 seeds and on CLEVR6 once; 2 more of each sweep.
    assert len(plan) == len(set(plan)) == (9 + 4) * (3 + 1) + 3 * 2
    assert len({case.name for case in plan}) == len(plan)
    assert {case.seed for case in plan if case.data == "clevr6"} == {0}


@pytest.mark.parametrize(
    "flag, message",
    [
        ("--only=wiring", "--only has no 'wiring'. Choose of wirings, ablation"),
        ("--seeds=a", "--seeds must be whole numbers. Received: ['a']"),
        ("--data=clevr6", "CLEVR6 needs --manual_dir"),
        ("--gin_param=BETA=-0.1", "`comgan.binary_weight` must not be negative"),
    ],
)
def test_wrong_flags_are_named(tmp_path, flag, message):
    done = _run(tmp_path, flag)
    assert done.returncode == 2 and message in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_two_steps_make_a_page_that_says_what_is_missing_and_are_not_made_again(
    tmp_path,
):
    param = "--gin_param=generator.width=2"
    done = _run(tmp_path, "--only=ablation", param)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    with (out / "table2-scenes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 and all(float(row["fd_random"]) > 0 for row in rows)
    assert {row["FID"] for row in rows} == {"not run"}
    page = (out / "README.md").read_text()
    assert "4 of 4 runs of 2 steps" in page and "## Corollary 1\n\nNot run." in page
    made = {p: p.stat().st_mtime_ns for p in (tmp_path / "run_dir").rglob("*.npz")}
    again = _run(tmp_path, "--only=ablation", param)
    assert again.returncode == 0 and (out / "README.md").read_text() == page
    assert made == {p: p.stat().st_mtime_ns for p in made}


# The page, from results written by hand.


def _result(norm, signs=(), fd=1.0):
    steps = [20, 40, 60, 80]
    names = ("mask_area", "mask_entropy", "mask_variation", "layer_difference")
    curves = {name: [steps, [0.2] * 4] for name in names}
    curves["mask_gradient_norm"] = [steps, [1.0, 1.0, 1.0, norm]]
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
        "scores": {"fd_random": fd},
        "pictures": dict.fromkeys(("composite", "mask"), strip),
    }


def test_the_page_says_what_agrees_with_the_paper_and_what_does_not(tmp_path):
    done = {
        Case("wirings", "scenes", "comgan", 1.0, 0): _result(1.0),
        Case("wirings", "scenes", "pi1", 1.0, 0): _result(0.01, ["full"]),
        Case("wirings", "scenes", "pi2", 1.0, 0): _result(2.0),
        Case("ablation", "scenes", "simplegan", 0.1, 0): _result(1.0, fd=4.0),
        Case("ablation", "scenes", "subnetworks", 0.1, 0): _result(1.0, fd=1.0),
        Case("ablation", "scenes", "info", 0.1, 0): _result(1.0, fd=2.0),
    }
    left = Case("ablation", "scenes", "global", 0.1, 0)
    trivial_page.write(tmp_path, [*done, left], done, 80)
    page = (tmp_path / "README.md").read_text()
    for sentence in (
        "ComGAN at beta > 0: 0 of 1 runs end in a trivial solution. The paper says it "
        "avoids them: this agrees with it.",
        "Pi_1 at beta > 0: 1 of 1 runs end in a trivial solution (full). The paper says it "
        "ends in trivial masks: this agrees with it.",
        "Pi_2 at beta > 0: 0 of 1 runs end in a trivial solution. The paper says it ends "
        "in trivial masks: this contradicts it.",
        "Pi_1's mask network ends at 0.01 times ComGAN's",
        "Pi_2's mask network ends at 2 times ComGAN's",
        "+ independent subnetworks: fd_random times 0.25; the paper's FID falls, this agrees",
        "+ information loss: fd_random times 2.00; the paper's FID falls, this contradicts",
        f"**Not run:** {left.name}.",
        "6 of 7 runs of 80 steps",
    ):
        assert sentence in page, sentence
    for name in ("fig2-scenes.png", "fig4-scenes.png", "layers-scenes-pi1.png"):
        with Image.open(tmp_path / name) as picture:
            assert len(picture.getcolors(2**24)) > 2


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
