"""The stages of a run as a pipeline of kfp: containers on one volume, and their order."""

import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tfcomgan import run_folder

# kfp is imported where it is used: the command's --help must not need it.

_STEP = ["python", "-m", "pipelines.kubeflow_step"]
# They have no use for a GPU.
_WITHOUT_GPU = ("prepare", "export")


class Options(NamedTuple):
    """What a pipeline is made from.

    gin_files, gin_params: As of `tfcomgan.main`; files are looked for in the image.
    stages: In order.
    members: Bindings of each run of a sweep, see `sweeps`; empty is one run.
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
    members: Sequence[Sequence[str]]
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

    Needs kfp. The stages follow each other; in a sweep, a loop over its runs in parallel
    follows a common `prepare`, and the table of `tfcomgan.compare` follows the loop.
    """
    from kfp import dsl

    name = run_folder.default_name(options.gin_files).replace("+", "-")
    make = {stage: _component(stage, options) for stage in options.stages}

    def chain(member, after=None):
        for stage in options.stages:
            task = _place(make[stage](member=member), stage, options)
            after = task.after(after) if after else task
        return after

    @dsl.pipeline(
        name=f"tfcomgan-{name}".replace("_", "-").lower(),
        description=f"tfcomgan {' '.join(options.gin_files)} in {options.run_dir}",
    )
    def stages():
        if not options.members:
            chain("")
            return
        # The data set is prepared once, not by each run at the same time.
        members = [shlex.join(bindings) for bindings in options.members]
        first = _place(make["prepare"](member=members[0]), "prepare", options)
        first.set_display_name("prepare the data set")
        with dsl.ParallelFor(members) as member:
            last = chain(member, first)
        if "evaluate" in options.stages:
            folders = dsl.Collected(last.outputs["folder"])
            _place(_joined(options)(run_dirs=folders), "", options)

    return stages


def _component(stage: str, options: Options) -> Callable:
    """The component of a stage: takes `member`, and has the stage's artifacts."""
    from kfp import dsl

    def spec(member, folder, report, *more):
        return dsl.ContainerSpec(
            image=options.image,
            command=_STEP,
            args=[
                "stage",
                f"--name={stage}",
                f"--run_dir={options.run_dir}",
                *("--member", member, "--folder", folder, "--report", report.path),
                *more,
                *("--", *flags_of(options)),
            ],
        )

    def plain(
        folder: dsl.OutputPath(str), report: dsl.Output[dsl.HTML], member: str = ""
    ):
        return spec(member, folder, report)

    def evaluate(
        folder: dsl.OutputPath(str),
        report: dsl.Output[dsl.HTML],
        scores: dsl.Output[dsl.Metrics],
        member: str = "",
    ):
        told = ["--scores", scores.path, "--executor_input", "{{$}}"]
        return spec(member, folder, report, *told)

    def export(
        folder: dsl.OutputPath(str),
        report: dsl.Output[dsl.HTML],
        model: dsl.Output[dsl.Model],
        member: str = "",
    ):
        return spec(member, folder, report, "--model", model.path)

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
