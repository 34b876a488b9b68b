"""Writes the stages of a run as a pipeline for Kubeflow Pipelines (KFP v2).

  python -m pipelines.kubeflow --gin_file=gin/cub.gin --image=REGISTRY/tfcomgan:gpu \\
      --pvc=tfcomgan --gpus=1 --out=pipeline.yaml
  python -m pipelines.kubeflow ... --seeds=0,1 --sweep=comgan.binary_weight=0.5,1.0

Each stage is a container on one mounted volume, in which the run folder keeps what is
made: a stage that is finished is reused there, whatever Kubeflow caches. Needs `pip
install 'kfp[kubernetes]'`, and neither TensorFlow nor a cluster.

Exit codes: 0 done, 1 a defect, 2 something to put right.
"""

import posixpath
from collections.abc import Sequence

# kfp is imported where it is used: --help must not need it.
from absl import flags

from pipelines import kubeflow_stages, sweeps
from tfcomgan import command_line, run_folder
from tfcomgan.errors import UserError
from tfcomgan.run_folder import STAGES

_AS_GIVEN = ("image", "pvc", "mount_path", "gpus", "gpu_type", "cpu", "memory")


def _check(arguments: Sequence[str]) -> None:
    given = flags.FLAGS
    if arguments:
        raise UserError(f"Unexpected argument {arguments[0]!r}. Flags have two dashes.")
    for name, example in (
        ("gin_file", "gin/scenes.gin"),
        ("image", "REGISTRY/tfcomgan:gpu"),
        ("pvc", "tfcomgan, a PersistentVolumeClaim that all stages mount"),
    ):
        if not getattr(given, name):
            raise UserError(f"No --{name}. Try --{name}={example}.")
    wrong = [stage for stage in given.stages if stage not in STAGES]
    if wrong or not given.stages:
        raise UserError(f"--stages takes some of {', '.join(STAGES)}.")
    if _members() and "prepare" not in given.stages:
        raise UserError("A sweep begins with `prepare`. Add it to --stages.")
    if not posixpath.isabs(given.mount_path):
        raise UserError(f"--mount_path={given.mount_path} has to begin with '/'.")
    for name in ("run_dir", "data_dir", "manual_dir"):
        _on_volume(name, getattr(given, name) or "", given.mount_path)


def _members() -> list[tuple[str, ...]]:
    given = flags.FLAGS
    return sweeps.members(
        given.sweep, given.seeds, gin_files=given.gin_file, gin_params=given.gin_param
    )


def _on_volume(name: str, folder: str, mount_path: str) -> str:
    """A folder of a flag, absolute; raises UserError where it is not on the volume."""
    if not folder:
        return ""
    root = posixpath.normpath(mount_path)
    path = posixpath.normpath(posixpath.join(root, folder))
    if posixpath.commonpath([root, path]) != root:
        raise UserError(
            f"--{name}={folder} is not on the volume, which is mounted at {mount_path}: "
            "the next stage would not find it. Name a folder below, or another "
            "--mount_path."
        )
    return path


def _main(arguments: Sequence[str]) -> None:
    del arguments
    try:
        from kfp import compiler, kubernetes  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"{error}. Install it: pip install 'kfp[kubernetes]' absl-py filelock "
            "gin-config, also in an environment of its own."
        ) from error
    given, root = flags.FLAGS, flags.FLAGS.mount_path
    name = run_folder.default_name(given.gin_file)
    options = kubeflow_stages.Options(
        gin_files=given.gin_file,
        gin_params=given.gin_param,
        stages=[stage for stage in STAGES if stage in given.stages],
        members=_members(),
        run_dir=_on_volume("run_dir", given.run_dir or f"runs/{name}", root),
        data_dir=_on_volume("data_dir", given.data_dir, root),
        manual_dir=_on_volume("manual_dir", given.manual_dir or "", root),
        **{flag: getattr(given, flag) for flag in _AS_GIVEN},
        retries=given.retries,
    )
    try:
        compiler.Compiler().compile(kubeflow_stages.pipeline(options), given.out)
    except ValueError as error:  # kfp's own words: units of memory, ends of file names.
        raise UserError(str(error)) from error
    runs = f"{len(options.members)} runs " if options.members else ""
    print(f"{given.out}: {', '.join(options.stages)}, {runs}in {options.run_dir}")


def _define_flags() -> None:
    multi, text = flags.DEFINE_multi_string, flags.DEFINE_string
    multi("gin_file", [], "Required. As of tfcomgan.main; looked for in the image.")
    multi("gin_param", [], "As of tfcomgan.main.")
    flags.DEFINE_list("stages", list(STAGES), f"Some of {','.join(STAGES)}.")
    flags.DEFINE_list(
        "seeds", [], "A sweep, as in 0,1,2: a run for each, in RUN_DIR/seed-N."
    )
    swept = (
        "A setting and its values, as in comgan.binary_weight=0.5,1.0: a run for each"
    )
    multi("sweep", [], f"{swept} and for each seed. May be repeated: all with all.")
    text("image", None, "Required. Image of all containers, see docker/Dockerfile.")
    text("out", "pipeline.yaml", "File to write.")
    text("pvc", None, "Required. The PersistentVolumeClaim that all stages mount.")
    text("mount_path", "/mnt/tfcomgan", "Where it is mounted.")
    text("run_dir", None, "Folder on the volume. Default: runs/NAME of the gin files.")
    text("data_dir", "data", "Folder on the volume, of the prepared data sets.")
    text("manual_dir", None, "Folder on the volume, of files you put there yourself.")
    flags.DEFINE_integer("gpus", 0, "GPUs of a stage that can use them.", lower_bound=0)
    text("gpu_type", "nvidia.com/gpu", "Their resource name.")
    text("cpu", "", "CPU limit of a stage, as in 4 or 500m.")
    text("memory", "", "Memory limit of a stage, as in 16G or 16Gi.")
    flags.DEFINE_integer(
        "retries",
        2,
        "How often a failed stage is started again; it goes on from its last checkpoint.",
        lower_bound=0,
    )


def run() -> None:
    """The command."""
    _define_flags()
    command_line.run(_main, _check)


if __name__ == "__main__":
    run()
