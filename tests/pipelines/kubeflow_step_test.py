"""What the containers of a pipeline of Kubeflow do."""

import json
import sys

import command
import main_flags
import pytest

from pipelines import kubeflow_step
from tfcomgan.reporting import finished


def test_numbers_of_an_evaluation_have_the_names_of_the_comparison():
    iou = {"mean": 0.5, "low": 0.4, "high": 0.6, "pooled": 0.55}
    info = {
        "scores": {"test": {"segmenter": {"iou_plain": iou}}},
        "metrics": {"fid": 12, "of": {"b": 2.5}},
        "num_scored": {"test": 40},
        "notes": ["text"],
    }
    assert finished.numbers(info) == {
        "test / segmenter / iou_plain, %": 50.0,
        "metrics / fid": 12.0,
        "metrics / of / b": 2.5,
    }


def test_a_step_ends_as_its_command_does(tmp_path):
    done = command.run(
        "stage", "--name=prepare", f"--run_dir={tmp_path / 'run'}",
        f"--report={tmp_path / 'report.html'}", "--", "--gin_file=gin/nothing.gin",
        module="pipelines.kubeflow_step",
    )  # fmt: skip
    assert "nothing.gin" in done.message
    assert not (tmp_path / "report.html").exists()


@pytest.fixture
def started(monkeypatch):
    """The commands that a step starts, which do nothing here."""
    found = []
    monkeypatch.setattr(kubeflow_step, "_command", lambda *said: found.append(said))
    return found


def step(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["step", *arguments])
    kubeflow_step.run()


def test_a_step_copies_what_its_stage_has_left(tmp_path, monkeypatch, started):
    run_dir = tmp_path / "run" / "seed-3"
    (run_dir / "evaluate").mkdir(parents=True)
    (run_dir / "serving" / "segmenter" / "1").mkdir(parents=True)
    (run_dir / "serving" / "segmenter" / "1" / "saved_model.pb").write_text("model")
    (run_dir / "report.html").write_text("<p>page</p>")
    scores = {"test": {"segmenter": {"iou": {"mean": 0.25, "low": 0, "high": 1}}}}
    info = {"info": {"scores": scores, "num_scored": {"test": 9}}}
    (run_dir / "evaluate" / "artifact.json").write_text(json.dumps(info))
    # As Kubeflow's launcher says it: https://github.com/kubeflow/pipelines, ExecutorInput.
    place = {"name": "scores", "uri": "s3://bucket/scores"}
    told, out = tmp_path / "told" / "output.json", tmp_path / "deep" / "er"
    outputs = {
        "artifacts": {"scores": {"artifacts": [place | {"type": {}}]}},
        "outputFile": str(told),
    }
    step(
        monkeypatch, "stage", "--name=evaluate", f"--run_dir={tmp_path / 'run'}",
        "--member=SEED=3", f"--folder={out / 'folder'}", f"--report={out / 'report'}",
        f"--scores={out / 'scores'}", f"--model={out / 'model'}",
        f"--executor_input={json.dumps({'inputs': {}, 'outputs': outputs})}",
        "--", "--gin_file=a.gin",
    )  # fmt: skip
    ((module, flags_given),) = started
    assert module == "tfcomgan.main"
    assert main_flags.parsed(flags_given).run_dir == str(run_dir)
    assert (out / "folder").read_text() == str(run_dir)
    assert (out / "report").read_text() == "<p>page</p>"
    assert (out / "model/segmenter/1/saved_model.pb").read_text() == "model"
    expected = {"test / segmenter / iou, %": 25.0}
    assert json.loads((out / "scores").read_text()) == expected
    (artifact,) = json.loads(told.read_text())["artifacts"]["scores"]["artifacts"]
    assert artifact == place | {"metadata": expected}


def test_the_step_of_a_sweep_compares_all_its_runs(tmp_path, monkeypatch, started):
    (tmp_path / "comparison.md").write_text("| table |")
    step(
        monkeypatch, "compare", '--run_dirs=["/a/seed-0", "/a/seed-1"]',
        f"--sweep_dir={tmp_path}", f"--table={tmp_path / 'out' / 'table'}",
    )  # fmt: skip
    table = tmp_path / "comparison.md"
    assert started == [
        ("tfcomgan.compare", ["/a/seed-0", "/a/seed-1", f"--out={table}"])
    ]
    assert (tmp_path / "out" / "table").read_text() == "| table |"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
