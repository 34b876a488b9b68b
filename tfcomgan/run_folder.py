"""The names inside a run folder, for all who write or read one; standard library alone.

  RUN_DIR/
    run.json               which gin files it is made from
    operative_config.gin   the settings in force
    prepare/               artifact.json: what TFDS has in the data folder
    train_generator/       artifact.json, network.npz, critic.npz
    train_segmenter/       artifact.json, network.npz
    self_train/            artifact.json, network.npz, figures/
    evaluate/              artifact.json, scores.json, metrics.json, figures/
    export/                artifact.json; what it names lies in serving/
    .partial-STAGE-.../    a stage at work; unfinished/ in it lets it go on
    serving/NAME/VERSION/  SavedModels, as TensorFlow Serving wants them
    serving/README.md      the model card
    pictures/              PNG of the trainings and of evaluate
    decoded/, statistics/  of the data set, where the data folder is for reading alone
    logs/STAGE/            TensorBoard's files
    report.html

`artifact.json` is written last: a stage's folder without it does not count.
"""

import json
import os
import pathlib
from collections.abc import Iterable

STAGES = (
    *("prepare", "train_generator", "train_segmenter", "self_train"),
    *("evaluate", "export"),
)

TRAININGS = STAGES[1:4]  # No mask is read there.

MARK = "run.json"
CONFIG = "operative_config.gin"
REPORT = "report.html"
CARD = "README.md"
PICTURES, LOGS, SERVING = "pictures", "logs", "serving"
_AT_WORK = ".partial-"
# In a stage's folder.
ARTIFACT = "artifact.json"
UNFINISHED = "unfinished"
NETWORK, CRITIC = "network.npz", "critic.npz"
FIGURES = "figures"


def config_name(gin_file: str | os.PathLike) -> str:
    """What a run made from a gin file is called: its stem, and the folder it is in below `gin`.

    >>> config_name("gin/scenes.gin"), config_name("gin/trivial/comgan.gin")
    ('scenes', 'trivial/comgan')
    """
    *above, name = pathlib.PurePath(gin_file).with_suffix("").parts
    return "/".join([above[-1], name]) if above[-2:-1] == ["gin"] else name


def default_name(gin_files: Iterable[str | os.PathLike]) -> str:
    """The name of a run folder where none is given, as in 'scenes+smoke'."""
    return "+".join(config_name(file).replace("/", "-") for file in gin_files)


def is_run(folder: str | os.PathLike) -> bool:
    """Whether a folder is a run's, finished or not."""
    return pathlib.Path(folder, MARK).is_file()


def written(run_dir: pathlib.Path) -> list[str]:
    """The names in a run folder that a run writes; of stages at work, those there are."""
    at_work = [path.name for path in run_dir.glob(f"{_AT_WORK}*")]
    folders = (PICTURES, LOGS, SERVING, *STAGES, *at_work)
    return [MARK, CONFIG, REPORT, *folders]


def read_artifact(run_dir: pathlib.Path, stage: str) -> dict | None:
    """What a stage's `artifact.json` says; None where the stage has not finished.

    Raises:
      ValueError: The file holds no JSON object.
    """
    try:
        content = json.loads((run_dir / stage / ARTIFACT).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not isinstance(content, dict):
        raise ValueError(f"{run_dir / stage / ARTIFACT} holds no JSON object.")
    return content


def at_work(run_dir: pathlib.Path, stage: str, fingerprint: str) -> pathlib.Path:
    """Where a stage of this fingerprint works before its artifact is finished."""
    return run_dir / f"{_AT_WORK}{stage}-{fingerprint[:16]}"
