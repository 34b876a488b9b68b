"""Stages as a pipeline of Kubeflow: what is written, by kfp's own schema and runner.

Where kfp is not installed, only wrong flags are tested.
"""

import html.parser
import json
import os
import sys

import command
import main_flags
import pytest

from pipelines import kubeflow_step
from tfcomgan import run_folder

MINIMAL = ("--gin_file=gin/scenes.gin", "--image=registry/tfcomgan:1", "--pvc=volume")


def write(out, *more):
    """Runs the command; a process of its own, which imports no TensorFlow."""
    flags = (*MINIMAL, f"--out={out}", *more)
    return command.python("-m", "pipelines.kubeflow", *flags)


def compiled(out, *more):
    """The pipeline that the command writes: as YAML, its volumes, as kfp's message."""
    pytest.importorskip("kfp.kubernetes")
    import yaml
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    write(out, *more).check()
    spec, platform = yaml.safe_load_all(out.read_text(encoding="utf-8"))
    # Refuses what is not in kfp's schema.
    message = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
    volumes = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return spec, volumes, message


def containers(spec):
    executors = spec["deploymentSpec"]["executors"].items()
    return {name.removeprefix("exec-"): said["container"] for name, said in executors}


def step_of(args, **inputs):
    """The options of a container's command, its placeholders filled in, and the rest."""
    filled = []
    for arg in args:
        for name, value in inputs.items():
            arg = arg.replace(f"{{{{$.inputs.parameters['{name}']}}}}", value)
        filled.append(arg)
    cut = filled.index("--")
    return kubeflow_step._parser().parse_args(filled[:cut]), filled[cut + 1 :]


def test_each_container_runs_its_stage_with_flags_that_the_command_has(tmp_path):
    check_containers(tmp_path / "pipeline.yaml", "", params=[], folder="")


def test_each_container_of_a_sweep_has_the_bindings_of_its_run(tmp_path):
    check_containers(
        tmp_path / "pipeline.yaml",
        "SEED=7",
        "--seeds=7,8",
        params=["SEED=7"],
        folder="/seed-7",
    )
    check_containers(
        tmp_path / "pipeline.yaml",
        "'generator.shared_upsampling='\"'\"'plain'\"'\"",
        "--sweep=generator.shared_upsampling='plain','learned'",
        params=["generator.shared_upsampling='plain'"],
        folder="/generator.shared_upsampling-plain",
    )


def check_containers(out, member, *more, params, folder):
    """Holds the commands of a pipeline, with the member put in, against what is expected."""
    spec, volumes, _ = compiled(
        out,
        "--gin_file=gin/smoke.gin",
        "--gin_param=STEPS=3",
        "--manual_dir=photos",
        *more,
    )
    found = containers(spec)
    names = {stage.replace("_", "-"): stage for stage in run_folder.STAGES}
    assert set(found) == set(names) | ({"prepare-2", "compare"} if member else set())
    assert set(volumes) == {f"exec-{name}" for name in found}
    for name, stage in names.items():
        assert found[name]["image"] == "registry/tfcomgan:1"
        assert found[name]["command"][1:] == ["-m", "pipelines.kubeflow_step"]
        step, more = step_of(found[name]["args"], member=member)
        said = main_flags.parsed(
            kubeflow_step.flags(step.name, step.run_dir, step.member, more)
        )
        assert said.stages == [stage]
        assert said.gin_file == ["gin/scenes.gin", "gin/smoke.gin"]
        assert said.gin_param == ["STEPS=3", *params]
        assert said.data_dir == "/mnt/tfcomgan/data"
        assert said.manual_dir == "/mnt/tfcomgan/photos"
        assert said.run_dir == f"/mnt/tfcomgan/runs/scenes+smoke{folder}"


def test_a_stage_waits_for_the_one_before_and_kubeflow_skips_none(tmp_path):
    spec, _, message = compiled(tmp_path / "pipeline.yaml")
    tasks = message.root.dag.tasks
    names = [stage.replace("_", "-") for stage in run_folder.STAGES]
    waits = {name: list(task.dependent_tasks) for name, task in tasks.items()}
    before = dict(zip(names, [None, *names], strict=False))
    assert waits == {n: [b] if b else [] for n, b in before.items()}
    assert not any(task.caching_options.enable_cache for task in tasks.values())


def test_a_sweep_prepares_once_then_loops_then_compares(tmp_path):
    _, _, message = compiled(
        tmp_path / "pipeline.yaml",
        "--seeds=0,1",
        "--sweep=comgan.binary_weight=0.5,1.0",
    )
    tasks = message.root.dag.tasks
    loop = next(name for name in tasks if name.startswith("for-loop"))
    assert set(tasks) == {"prepare", loop, "compare"}
    assert json.loads(tasks[loop].parameter_iterator.items.raw) == [
        "comgan.binary_weight=0.5 SEED=0",
        "comgan.binary_weight=0.5 SEED=1",
        "comgan.binary_weight=1.0 SEED=0",
        "comgan.binary_weight=1.0 SEED=1",
    ]
    first = tasks["prepare"].inputs.parameters["member"].runtime_value.constant
    assert first.string_value == "comgan.binary_weight=0.5 SEED=0"
    assert list(tasks[loop].dependent_tasks) == ["prepare"]
    assert list(tasks["compare"].dependent_tasks) == [loop]


def test_resources_retries_and_the_volume_are_as_asked_for(tmp_path):
    spec, volumes, message = compiled(
        tmp_path / "pipeline.yaml", "--gpus=2", "--gpu_type=amd.com/gpu", "--cpu=4",
        "--memory=16Gi", "--retries=5", "--mount_path=/shared",
    )  # fmt: skip
    for name, container in containers(spec).items():
        asked = container["resources"]
        assert asked["resourceCpuLimit"] == "4"
        assert asked["resourceMemoryLimit"] == "16Gi"
        if name in ("prepare", "export"):
            assert "accelerator" not in asked
        else:
            assert asked["accelerator"]["resourceType"] == "amd.com/gpu"
            assert asked["accelerator"]["resourceCount"] == "2"
        (mount,) = volumes[f"exec-{name}"]["pvcMount"]
        assert mount["mountPath"] == "/shared"
        assert mount["pvcNameParameter"]["runtimeValue"]["constant"] == "volume"
    for task in message.root.dag.tasks.values():
        assert task.retry_policy.max_retry_count == 5


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--run_dir=/elsewhere/run"], "--run_dir=/elsewhere/run is not on the volume"),
        (["--data_dir=../data"], "--data_dir=../data is not on the volume"),
        (["--stages=train"], "--stages takes some of prepare"),
        (["--seeds=0,a"], "--seeds takes whole numbers"),
        (["--seeds=0,00"], "twice"),
        (["--sweep=comgan.binary_wait=1"], "Did you mean 'comgan.binary_weight'"),
        (["--sweep=STEPS=1,2", "--sweep=STEPS=3"], "--sweep has STEPS twice"),
        (["--sweep=STEPS=1,2", "--stages=evaluate"], "begins with `prepare`"),
        (["--seeds=1", "--stages=evaluate"], "begins with `prepare`"),
        (["--mount_path=data"], "begin with '/'"),
        (["--pvc="], "No --pvc"),
        (["--image="], "No --image"),
    ],
)
def test_a_wrong_flag_is_named(tmp_path, more, words):
    out = tmp_path / "pipeline.yaml"
    assert words in write(out, *more).message
    assert not out.exists()


def test_what_kfp_refuses_is_told_in_its_words(tmp_path):
    pytest.importorskip("kfp.kubernetes")
    done = write(tmp_path / "pipeline.yaml", "--memory=much")
    assert "memory" in done.message.lower()


class _Text(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.text = ""

    def handle_data(self, data):
        self.text += data


# kfp's SubprocessRunner refuses commands that are not its own; ours need no container,
# only Python, so that here it is told to run them all the same.
_LOCALLY = """
import os, sys
# Else our folder docker/ would pass for the package docker.
sys.path = [path for path in sys.path if path != os.environ["PYTHONPATH"]]
from kfp import components, local
from kfp.local import subprocess_task_handler as handler
handler.SubprocessTaskHandler.validate_not_container_component = lambda *_: None
file, root = sys.argv[1:]
local.init(local.SubprocessRunner(use_venv=False), pipeline_root=root)
components.load_component_from_file(file)()
"""


@pytest.mark.slow
def test_kfp_runs_a_sweep_from_pictures_to_the_comparison(tmp_path):
    volume = tmp_path / "volume"
    out = tmp_path / "pipeline.yaml"
    compiled(
        out, "--gin_file=gin/smoke.gin", "--gin_param=scenes.num_train=32",
        "--gin_param=scenes.num_test=8", "--seeds=0,1",
        "--sweep=generator.shared_upsampling='plain'", f"--mount_path={volume}",
        "--run_dir=sweep",
    )  # fmt: skip
    root = tmp_path / "artifacts"
    beside = os.path.dirname(sys.executable)
    path = f"{beside}:{os.environ['PATH']}"
    command.python("-c", _LOCALLY, out, root, cwd=tmp_path, PATH=path).check()
    for seed in ("0", "1"):
        name = f"generator.shared_upsampling-plain+seed-{seed}"
        run_dir = volume / "sweep" / name
        assert command.artifacts(run_dir) == set(run_folder.STAGES)
        trained = command.artifact(run_dir, "train_generator")["parameters"]
        assert str(trained["training"]["seed"]) == seed
        assert trained["generator"]["shared_upsampling"] == "plain"
    (table,) = root.rglob("table")
    assert table.read_text() == (volume / "sweep" / "comparison.md").read_text()
    assert "iou" in table.read_text()
    assert len(list(root.rglob("report"))) >= len(run_folder.STAGES)
    for path in root.rglob("report"):
        page = _Text()
        page.feed(path.read_text())
        assert "seed-" in page.text
    for path in root.rglob("scores"):
        assert any("iou" in name for name in json.loads(path.read_text()))
    assert any((path / "README.md").is_file() for path in root.rglob("model"))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
