"""The stages of a run, in order.

A stage's parameters say what it depends on: those annotated with the type of an artifact
are its inputs, those with a settings class come from gin (in the scope of the stage's
name) and enter its fingerprint. It writes into `work.folder` and returns the artifact's
info.
"""

from collections.abc import Callable
from typing import NamedTuple

from pipelines import (
    artifacts,
    evaluating,
    export_stage,
    preparing,
    self_training,
    trainings,
)


class Stage(NamedTuple):
    """A stage.

    name: Also of its folder in a run, see `run_folder`.
    run: Makes the artifact.
    version: To be raised when the same settings give another result; old artifacts are
      made anew then.
    makes: The artifact's type.
    """

    name: str
    run: Callable[..., dict]
    version: int
    makes: type


_IN_ORDER = (
    Stage("prepare", preparing.prepare, 1, artifacts.Examples),
    Stage("train_generator", trainings.train_generator, 4, artifacts.TrainedGenerator),
    Stage("train_segmenter", trainings.train_segmenter, 3, artifacts.TrainedSegmenter),
    Stage("self_train", self_training.self_train, 1, artifacts.SelfTrained),
    Stage("evaluate", evaluating.evaluate, 5, artifacts.Evaluation),
    Stage("export", export_stage.export_models, 4, artifacts.ServingModel),
)
STAGES = {stage.name: stage for stage in _IN_ORDER}
# Type of an artifact to the name of the stage that makes it.
MADE_BY = {stage.makes: stage.name for stage in _IN_ORDER}
MADE_BY[artifacts.Pictures] = "prepare"
