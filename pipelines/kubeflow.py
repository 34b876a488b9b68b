"""Writes the stages of a run as a pipeline for Kubeflow Pipelines (KFP v2).

  python -m pipelines.kubeflow --gin_file=gin/cub.gin --image=REGISTRY/tfcomgan:gpu \\
      --pvc=tfcomgan --gpus=1 --out=pipeline.yaml

Each stage is a container on one mounted volume, in which the run folder keeps what is
made: a stage that is finished is reused there, whatever Kubeflow caches. Needs `pip
install 'kfp[kubernetes]'`, and neither TensorFlow nor a cluster.

Exit codes: 0 done, 1 a defect, 2 something to put right.
"""

import pathlib
import posixpath
from collections.abc import Callable, Sequence
from typing import NamedTuple

# kfp is imported where it is used: --help must not need it.
from absl import flags

from tfcomgan import command_line
from tfcomgan.errors import UserError
from tfcomgan.run_folder import STAGES

_STEP = ["python", "-m", "pipelines.kubeflow_step"]
_AS_GIVEN = ("image", "pvc", "mount_path", "gpus", "gpu_type", "cpu", "memory")
# They have no use for a GPU.
_WITHOUT_GPU = ("prepare", "export")


class Options(NamedTuple):
    """What a pipeline is made from.

    gin_files, gin_params: As of `tfcomgan.main`; files are looked for in the image.
    stages: In order.
    seeds: Of a sweep; empty is one run with the seed of the gin files.
    image: Of the containers; has tfcomgan installed.
    pvc: Name of the PersistentVolumeClaim that all stages mount.
    mount_path: Where.
    run_dir, data_dir, manual_dir: Folders on it, absolute; manual_dir '' is none.
    gpus, gpu_type: Of a stage that uses GPUs; 0 is none.
    cpu, memory: Of each stage, in Kubernetes' notation, as '4' and '16G'; '' is no limit.
    retries: How often a failed stage is started again.
    """

    gin_files: Sequence[str]
    gin_params: Sequence[str]
    stages: Sequence[str]
    seeds: Sequence[int]
    image: str
    pvc: str
    mount_path: str
    run_dir: str
    data_dir: str
    manual_dir: str
    gpus: int
    gpu_type: str
    cpu: str
    memory: str
    retries: int


def flags_of(options: Options) -> list[str]:
    """The flags of `tfcomgan.main` that all stages have."""
    manual = [f"--manual_dir={options.manual_dir}"] if options.manual_dir else []
    return [
        *(f"--gin_file={file}" for file in options.gin_files),
        *(f"--gin_param={param}" for param in options.gin_params),
        f"--data_dir={options.data_dir}",
        *manual,
    ]


def pipeline(options: Options):
    """The pipeline, to be compiled or run by kfp.

    Needs kfp. The stages follow each other; with seeds, a loop over them in parallel
    follows a common `prepare`, and the table of `tfcomgan.compare` follows the loop.
    """
    from kfp import dsl

    name = "-".join(pathlib.Path(file).stem for file in options.gin_files)
    make = {stage: _component(stage, options) for stage in options.stages}

    def chain(seed, after=None):
        for stage in options.stages:
            task = _place(make[stage](seed=seed), stage, options)
            after = task.after(after) if after else task
        return after

    @dsl.pipeline(
        name=f"tfcomgan-{name}".replace("_", "-").lower(),
        description=f"tfcomgan {' '.join(options.gin_files)} in {options.run_dir}",
    )
    def stages():
        if not options.seeds:
            chain("")
            return
        # The data set is prepared once, not by each seed at the same time.
        seeds = [str(seed) for seed in options.seeds]
        first = _place(make["prepare"](seed=seeds[0]), "prepare", options)
        first.set_display_name("prepare the data set")
        with dsl.ParallelFor(seeds) as seed:
            last = chain(seed, first)
        if "evaluate" in options.stages:
            folders = dsl.Collected(last.outputs["folder"])
            _place(_joined(options)(run_dirs=folders), "", options)

    return stages


def _component(stage: str, options: Options) -> Callable:
    """The component of a stage: takes `seed`, and has the stage's artifacts."""
    from kfp import dsl

    def spec(seed, folder, report, *more):
        return dsl.ContainerSpec(
            image=options.image,
            command=_STEP,
            args=[
                "stage",
                f"--name={stage}",
                f"--run_dir={options.run_dir}",
                *("--seed", seed, "--folder", folder, "--report", report.path),
                *more,
                *("--", *flags_of(options)),
            ],
        )

    def plain(
        folder: dsl.OutputPath(str), report: dsl.Output[dsl.HTML], seed: str = ""
    ):
        return spec(seed, folder, report)

    def evaluate(
        folder: dsl.OutputPath(str),
        report: dsl.Output[dsl.HTML],
        scores: dsl.Output[dsl.Metrics],
        seed: str = "",
    ):
        told = ["--scores", scores.path, "--executor_input", "{{$}}"]
        return spec(seed, folder, report, *told)

    def export(
        folder: dsl.OutputPath(str),
        report: dsl.Output[dsl.HTML],
        model: dsl.Output[dsl.Model],
        seed: str = "",
    ):
        return spec(seed, folder, report, "--model", model.path)

    function = {"evaluate": evaluate, "export": export}.get(stage, plain)
    function.__name__ = stage
    return dsl.container_component(function)


def _joined(options: Options) -> Callable:
    """The component that joins the run folders of a sweep in one table."""
    from kfp import dsl

    @dsl.container_component
    def compare(run_dirs: list, table: dsl.Output[dsl.Markdown]):
        return dsl.ContainerSpec(
            image=options.image,
            command=_STEP,
            args=[
                *("compare", "--run_dirs", run_dirs, "--table", table.path),
                f"--sweep_dir={options.run_dir}",
            ],
        )

    return compare


def _place(task, stage: str, options: Options):
    """Gives a task the volume, the resources and the retries; returns it."""
    from kfp import kubernetes

    kubernetes.mount_pvc(task, pvc_name=options.pvc, mount_path=options.mount_path)
    # Kubeflow would skip by the command alone; the run folder knows better.
    task.set_caching_options(False)
    if options.cpu:
        task.set_cpu_limit(options.cpu)
    if options.memory:
        task.set_memory_limit(options.memory)
    if options.gpus and stage and stage not in _WITHOUT_GPU:
        task.set_accelerator_type(options.gpu_type)
        task.set_accelerator_limit(options.gpus)
    if options.retries:
        task.set_retry(options.retries, backoff_duration="60s", backoff_factor=2)
    return task


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
    if given.seeds and "prepare" not in given.stages:
        raise UserError("A sweep begins with `prepare`. Add it to --stages.")
    try:
        seeds = [int(seed) for seed in given.seeds]
    except ValueError as error:
        raise UserError("--seeds takes whole numbers, as in --seeds=0,1,2.") from error
    if len(set(seeds)) < len(seeds):
        raise UserError("--seeds has a number twice; each makes a run folder.")
    if not posixpath.isabs(given.mount_path):
        raise UserError(f"--mount_path={given.mount_path} has to begin with '/'.")
    for name in ("run_dir", "data_dir", "manual_dir"):
        _on_volume(name, getattr(given, name) or "", given.mount_path)


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
            f"{error}. Install it: pip install 'kfp[kubernetes]' absl-py filelock, also "
            "in an environment of its own."
        ) from error
    given, root = flags.FLAGS, flags.FLAGS.mount_path
    name = "+".join(pathlib.Path(file).stem for file in given.gin_file)
    options = Options(
        gin_files=given.gin_file,
        gin_params=given.gin_param,
        stages=[stage for stage in STAGES if stage in given.stages],
        seeds=[int(seed) for seed in given.seeds],
        run_dir=_on_volume("run_dir", given.run_dir or f"runs/{name}", root),
        data_dir=_on_volume("data_dir", given.data_dir, root),
        manual_dir=_on_volume("manual_dir", given.manual_dir or "", root),
        **{flag: getattr(given, flag) for flag in _AS_GIVEN},
        retries=given.retries,
    )
    try:
        compiler.Compiler().compile(pipeline(options), given.out)
    except ValueError as error:  # kfp's own words: units of memory, ends of file names.
        raise UserError(str(error)) from error
    print(f"{given.out}: {', '.join(options.stages)}, in {options.run_dir}")


def _define_flags() -> None:
    multi, text = flags.DEFINE_multi_string, flags.DEFINE_string
    multi("gin_file", [], "Required. As of tfcomgan.main; looked for in the image.")
    multi("gin_param", [], "As of tfcomgan.main.")
    flags.DEFINE_list("stages", list(STAGES), f"Some of {','.join(STAGES)}.")
    flags.DEFINE_list(
        "seeds", [], "A sweep, as in 0,1,2: a run for each, in RUN_DIR/seed-N."
    )
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
