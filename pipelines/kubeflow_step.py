"""What a container of `pipelines.kubeflow` does: a stage, or the table of a sweep.

  python -m pipelines.kubeflow_step stage --name=evaluate --run_dir=/mnt/runs/scenes \\
      --report=OUT/report.html -- --gin_file=gin/scenes.gin --data_dir=/mnt/data
  python -m pipelines.kubeflow_step compare --run_dirs='["/mnt/a", "/mnt/b"]' --table=OUT

Runs `tfcomgan.main` (what follows `--` are its flags) or `tfcomgan.compare` in this
process, so that signals reach it; then copies what Kubeflow Pipelines is to show to where
it wants its artifacts. Ends with the command's exit code.
"""

import argparse
import json
import pathlib
import runpy
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence

from pipelines import sweeps
from tfcomgan import run_folder
from tfcomgan.reporting import finished
from tfcomgan.system import files

_TABLE = "comparison.md"


def run() -> None:
    """The command; raises SystemExit where a command fails, or an option is wrong."""
    argv = sys.argv[1:]
    cut = argv.index("--") if "--" in argv else len(argv)
    given = _parser().parse_args(argv[:cut])
    given.step(given, argv[cut + 1 :])


def run_dir_of(run_dir: str, member: str) -> str:
    """The run folder of a run of a sweep; of no sweep, the run folder itself."""
    return f"{run_dir}/{sweeps.folder_of(shlex.split(member))}" if member else run_dir


def flags(name: str, run_dir: str, member: str, more: Sequence[str]) -> list[str]:
    """The flags of `tfcomgan.main` that run a stage.

    Args:
      name: Of the stage.
      run_dir: The run folder, or that of the whole sweep.
      member: Bindings of a run of the sweep, quoted as for a shell; else ''.
      more: Flags that all stages have.
    """
    bindings = [f"--gin_param={binding}" for binding in shlex.split(member)]
    place = f"--run_dir={run_dir_of(run_dir, member)}"
    return [*more, *bindings, place, f"--stages={name}"]


def _stage(given: argparse.Namespace, more: Sequence[str]) -> None:
    _command("tfcomgan.main", flags(given.name, given.run_dir, given.member, more))
    run_dir = pathlib.Path(run_dir_of(given.run_dir, given.member))
    if given.folder:
        _write(given.folder, str(run_dir))
    if given.report:
        _copy(run_dir / run_folder.REPORT, given.report)
    if given.model:
        _copy(run_dir / run_folder.SERVING, given.model)
    if given.scores:
        info = run_folder.read_artifact(run_dir, given.name)["info"]
        numbers = finished.numbers(info)
        _write(given.scores, json.dumps(numbers, indent=2))
        _tell_metadata(given.executor_input, "scores", numbers)


def _compare(given: argparse.Namespace, more: Sequence[str]) -> None:
    table = pathlib.Path(given.table)
    table.parent.mkdir(parents=True, exist_ok=True)
    folders = json.loads(given.run_dirs)
    _command("tfcomgan.compare", [*folders, *more, f"--out={given.sweep_dir}/{_TABLE}"])
    _copy(pathlib.Path(given.sweep_dir, _TABLE), given.table)


def _command(module: str, arguments: Sequence[str]) -> None:
    """`python -m MODULE ARGUMENTS` in this process; returns where it ends with 0."""
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            raise


def _tell_metadata(executor_input: str, name: str, metadata: Mapping) -> None:
    """Leaves an output artifact's metadata where Kubeflow's launcher looks for them.

    Args:
      executor_input: The launcher's ExecutorInput message, as JSON.
      name: Of the artifact.
      metadata: JSON values by name.
    """
    outputs = json.loads(executor_input)["outputs"]
    said = outputs["artifacts"][name]["artifacts"][0]
    artifact = {"name": said["name"], "uri": said["uri"], "metadata": dict(metadata)}
    told = {"artifacts": {name: {"artifacts": [artifact]}}}
    _write(outputs["outputFile"], json.dumps(told))


def _copy(source: pathlib.Path, target: str) -> None:
    path = pathlib.Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, path, dirs_exist_ok=True)
    elif source.is_file():
        shutil.copyfile(source, path)


def _write(target: str, text: str) -> None:
    path = pathlib.Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    steps = parser.add_subparsers(required=True)
    stage = steps.add_parser("stage", help="run a stage", allow_abbrev=False)
    stage.set_defaults(step=_stage)
    stage.add_argument("--name", required=True, choices=run_folder.STAGES)
    stage.add_argument("--run_dir", required=True, help="the run's, or the sweep's")
    stage.add_argument("--member", default="", help="bindings of a sweep's run")
    stage.add_argument("--folder", help="file that is to name the run folder")
    stage.add_argument("--report", help="where a copy of the report goes")
    stage.add_argument("--model", help="folder for a copy of the served models")
    stage.add_argument("--scores", help="file for the scores of `evaluate`")
    stage.add_argument("--executor_input", help="Kubeflow's, as JSON; with --scores")
    compare = steps.add_parser("compare", help="join a sweep", allow_abbrev=False)
    compare.set_defaults(step=_compare)
    compare.add_argument("--run_dirs", required=True, help="folders, as a JSON list")
    compare.add_argument("--sweep_dir", required=True, help="folder for the table")
    compare.add_argument("--table", required=True, help="where a copy of it goes")
    return parser


if __name__ == "__main__":
    run()
