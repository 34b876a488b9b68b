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

from tfcomgan import command_line
from tfcomgan.errors import UserError

STAGES = (
    "prepare",
    "train_generator",
    "train_segmenter",
    "self_train",
    "evaluate",
    "export",
)

_GIN_FILE = flags.DEFINE_multi_string(
    "gin_file",
    [],
    "Required. A gin file, as in gin/scenes.gin; may be given again, and the later file "
    "wins. Looked for in the working directory, then in the repository or package.",
)
_GIN_PARAM = flags.DEFINE_multi_string(
    "gin_param",
    [],
    "A binding that overrides the files: MACRO=VALUE, NAME.FIELD=VALUE or "
    "SCOPE/NAME.FIELD=VALUE; may be given again. A text needs quotes: "
    "--gin_param=\"NAME.FIELD='text'\".",
)
_STAGES = flags.DEFINE_list(
    "stages", list(STAGES), f"The stages to run, of {','.join(STAGES)}."
)
_RUN_DIR = flags.DEFINE_string(
    "run_dir",
    None,
    "Folder of checkpoints, metrics and exports. Default: runs/NAME, where NAME is that "
    "of the gin files, as in runs/scenes.",
)
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the prepared data sets.")
_MANUAL_DIR = flags.DEFINE_string(
    "manual_dir", None, "Folder of files you downloaded yourself, if a data set asks."
)
_DEVICES = flags.DEFINE_list(
    "devices",
    [],
    "Replicas, as in gpu:0,gpu:1 or cpu:0. Default: all GPUs, else one CPU.",
)
_CHECKPOINT_EVERY = flags.DEFINE_integer(
    "checkpoint_every", 500, "Steps between checkpoints.", lower_bound=1
)
_BEAM = flags.DEFINE_bool(
    "beam", False, "Prepare the data set as an Apache Beam pipeline, in this process."
)
_BEAM_OPTIONS = flags.DEFINE_list(
    "beam_options",
    [],
    "Options of that pipeline, as in runner=FlinkRunner,flink_master=HOST:8081 (also "
    "SparkRunner, DataflowRunner) or direct_num_workers=8; imply --beam.",
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run",
    False,
    "Only check the gin files and print the settings in force, as a gin file.",
)


def _check(arguments: Sequence[str]) -> None:
    if arguments:
        raise UserError(
            f"Unexpected argument {arguments[0]!r}. A gin file is given as "
            "--gin_file=FILE, and a value follows its flag after '='."
        )
    if not _GIN_FILE.value:
        raise UserError("No --gin_file. Try --gin_file=gin/scenes.gin.")
    for stage in _STAGES.value:
        if stage not in STAGES:
            near = difflib.get_close_matches(stage, STAGES, n=1)
            raise UserError(
                f"--stages has no stage {stage!r}. "
                + (f"Did you mean {near[0]!r}? " if near else "")
                + f"Stages: {', '.join(STAGES)}."
            )
    if not _STAGES.value:
        raise UserError(f"--stages is empty. Stages: {', '.join(STAGES)}.")


def _main(arguments: Sequence[str]) -> None:
    del arguments
    from tfcomgan import config

    gin_files = _GIN_FILE.value
    paths = config.resolve(gin_files)  # A misspelt file need not wait for TensorFlow.
    # Imports TensorFlow, and everything that has settings.
    from pipelines import run as pipeline

    config.parse(gin_files, _GIN_PARAM.value)
    pipeline.settings()
    if _DRY_RUN.value:
        print(config.operative_text())
        return
    name = "+".join(path.stem for path in paths)
    options = _BEAM_OPTIONS.value
    place = pipeline.Place(
        run_dir=pathlib.Path(_RUN_DIR.value or f"runs/{name}"),
        data_dir=pathlib.Path(_DATA_DIR.value),
        manual_dir=pathlib.Path(_MANUAL_DIR.value) if _MANUAL_DIR.value else None,
        devices=tuple(_DEVICES.value),
        checkpoint_every=_CHECKPOINT_EVERY.value,
        beam=tuple(options) if _BEAM.value or options else None,
    )
    stages = [stage for stage in STAGES if stage in _STAGES.value]
    pipeline.run(stages, place, gin_files=gin_files)


def run() -> None:
    """The `tfcomgan` command."""
    command_line.run(
        _main,
        doc=__doc__,
        flag="gin_file",
        check=_check,
        interrupted="interrupted; the same command goes on from the last checkpoint",
    )


if __name__ == "__main__":
    run()
