"""Trains, evaluates and exports what a gin file describes.

  python -m tfcomgan.main --gin_file=gin/scenes.gin

A stopped run goes on from its last checkpoint when the same command is given again;
finished stages are skipped. Exit codes: 0 done, 1 a defect, 2 something to put right
(the message says what), 130 interrupted.
"""

import difflib
import pathlib
from collections.abc import Sequence

# TensorFlow, gin and NumPy are imported where they are used: --help must not wait.
from absl import flags

from tfcomgan import command_line, run_folder
from tfcomgan.errors import UserError
from tfcomgan.run_folder import STAGES


def _check(arguments: Sequence[str]) -> None:
    given = flags.FLAGS
    if arguments:
        raise UserError(
            f"Unexpected argument {arguments[0]!r}. A gin file is given as "
            "--gin_file=FILE, and a value follows its flag after '='."
        )
    if not given.gin_file:
        raise UserError("No --gin_file. Try --gin_file=gin/scenes.gin.")
    for stage in given.stages:
        if stage not in STAGES:
            near = difflib.get_close_matches(stage, STAGES, n=1)
            raise UserError(
                f"--stages has no stage {stage!r}. "
                + (f"Did you mean {near[0]!r}? " if near else "")
                + f"Stages: {', '.join(STAGES)}."
            )
    if not given.stages:
        raise UserError(f"--stages is empty. Stages: {', '.join(STAGES)}.")


def _main(arguments: Sequence[str]) -> None:
    del arguments
    from tfcomgan import config

    given = flags.FLAGS
    gin_files = given.gin_file
    paths = config.resolve(gin_files)  # A misspelt file need not wait for TensorFlow.
    # Imports TensorFlow, and everything that has settings.
    from pipelines import run as pipeline

    config.parse(gin_files, given.gin_param)
    pipeline.settings()
    if given.dry_run:
        print(config.operative_text())
        return
    name = run_folder.default_name(paths)
    options = given.beam_options
    place = pipeline.Place(
        run_dir=pathlib.Path(given.run_dir or f"runs/{name}"),
        data_dir=pathlib.Path(given.data_dir),
        manual_dir=pathlib.Path(given.manual_dir) if given.manual_dir else None,
        devices=tuple(given.devices),
        checkpoint_every=given.checkpoint_every,
        beam=tuple(options) if given.beam or options else None,
        checkpoint_minutes=given.checkpoint_minutes,
        hosts_minutes=given.hosts_minutes,
    )
    stages = [stage for stage in STAGES if stage in given.stages]
    pipeline.run(stages, place, gin_files=[str(path) for path in paths])


def _define_flags() -> None:
    flags.DEFINE_multi_string(
        "gin_file",
        [],
        "Required. A gin file, as in gin/scenes.gin; may be given again, and the later file "
        "wins. Looked for in the working directory, then in the repository or package.",
    )
    flags.DEFINE_multi_string(
        "gin_param",
        [],
        "A binding that overrides the files: MACRO=VALUE, NAME.FIELD=VALUE or "
        "SCOPE/NAME.FIELD=VALUE; may be given again. A text needs quotes: "
        "--gin_param=\"NAME.FIELD='text'\".",
    )
    flags.DEFINE_list(
        "stages", list(STAGES), f"The stages to run, of {','.join(STAGES)}."
    )
    flags.DEFINE_string(
        "run_dir",
        None,
        "Folder of checkpoints, metrics and exports. Default: runs/NAME, where NAME is that "
        "of the gin files, as in runs/scenes.",
    )
    flags.DEFINE_string("data_dir", "data", "Folder of the prepared data sets.")
    flags.DEFINE_string(
        "manual_dir",
        None,
        "Folder of files you downloaded yourself, if a data set asks.",
    )
    flags.DEFINE_list(
        "devices",
        [],
        "Replicas, as in gpu:0,gpu:1 or cpu:0. Default: all GPUs, else one CPU.",
    )
    flags.DEFINE_integer(
        "checkpoint_every", 500, "Steps between checkpoints.", lower_bound=1
    )
    flags.DEFINE_float(
        "checkpoint_minutes",
        5.0,
        "Minutes between checkpoints at most; the first comes within one.",
        lower_bound=0.0,
    )
    flags.DEFINE_float(
        "hosts_minutes",
        10.0,
        "Minutes to wait for the other hosts, where TF_CONFIG names several: docs/clusters.md.",
        lower_bound=0.0,
    )
    flags.DEFINE_bool(
        "beam",
        False,
        "Prepare the data set as an Apache Beam pipeline, in this process.",
    )
    flags.DEFINE_list(
        "beam_options",
        [],
        "Options of that pipeline, as in runner=FlinkRunner,flink_master=HOST:8081 (also "
        "SparkRunner, DataflowRunner) or direct_num_workers=8; imply --beam.",
    )
    flags.DEFINE_bool(
        "dry_run",
        False,
        "Only check the gin files and print the settings in force, as a gin file.",
    )


def run() -> None:
    """The `tfcomgan` command."""
    _define_flags()  # Not at import: flags of these names belong to other commands too.
    command_line.run(
        _main,
        _check,
        interrupted="interrupted; the same command goes on from the last checkpoint",
    )


if __name__ == "__main__":
    run()
