"""What a report of a run says: facts, and not how they look.

The pipeline fills a `Report`; what it leaves out is said to be missing, in words.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from tfcomgan.evaluation.seen import Seen
from tfcomgan.reporting.curves import Curve
from tfcomgan.reporting.environment import Environment


class Data(NamedTuple):
    """What a run was trained on and scored with.

    name: Of the data set, as in gin files.
    num_examples: Pictures by split.
    image_size: Pixels of the square pictures.
    training_crop, crop: Of the pictures trained on, and of those scored.
    notes: What preparing it had to say.
    num_scored: Pictures with a mask by what is scored, where not all of a split are.
    num_trained: Pictures that were trained on; None where not known.
    known: Which of the scored splits were trained on.
    """

    name: str
    num_examples: Mapping[str, int]
    image_size: int
    training_crop: str
    crop: str
    notes: Sequence[str] = ()
    num_scored: Mapping[str, int] = {}
    num_trained: int | None = None
    known: Seen = Seen(("train",), ("val", "test"))


class Stage(NamedTuple):
    """A stage of the run.

    facts: Short ones by name, as {"steps": 1200, "batch size": 16, "seed": 0}.
    seconds: It took, over all its starts; None where that was not recorded.
    environment: Where it ran; None where that was not recorded.
    notes: Of a training, what its monitor found.
    is_stale: Whether what lies there is of other settings: it counts as unfinished.
    """

    name: str
    is_finished: bool
    facts: Mapping[str, object] = {}
    seconds: float | None = None
    environment: Environment | None = None
    notes: Sequence[str] = ()
    is_stale: bool = False


class Plate(Protocol):
    """A figure, as `paper_figures.Plate`."""

    name: str
    caption: str
    image: np.ndarray | None
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """All that a page says.

    Attributes:
      name: Of the run.
      data: What it was trained on.
      stages: In their order, the unfinished ones too.
      scores: As `evaluation.evaluate` returns them: protocol, method, metric; a value is
        a number in [0, 1] or the fields of a `segmentation.Summary`.
      why_no_scores: Where there are none.
      scores_notes: What there is to say of scores and metrics.
      metrics: Further numbers, by heading and name; those of 'Generation' stand beside
        the paper's where they have its names ('fid', 'inception_score').
      object_side: 'mask' or 'complement'; None before the generator is trained.
      orientation: Fields of an `Orientation`, with `is_sure`; None where not measured.
      is_by_hand: Whether the object's side was set, not found.
      mask_area: Mean share of the picture that the generator's mask covers.
      rounds: Of self-training, as `rounds.Round`; number 0 is the segmenter before it.
      kept_round: Number of the one whose segmenter is used.
      rounds_notes: What there is to say of them.
      plates: Figures.
      curves: Of the trainings.
      settings: The operative configuration, as a gin file.
    """

    name: str
    data: Data
    stages: Sequence[Stage] = ()
    scores: Mapping[str, Mapping[str, Mapping]] = dataclasses.field(
        default_factory=dict
    )
    why_no_scores: str = ""
    scores_notes: Sequence[str] = ()
    metrics: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)
    object_side: str | None = None
    orientation: Mapping[str, object] | None = None
    mask_area: float | None = None
    rounds: Sequence[Mapping[str, object]] = ()
    kept_round: int = 0
    is_by_hand: bool = False
    rounds_notes: Sequence[str] = ()
    plates: Sequence[Plate] = ()
    curves: Sequence[Curve] = ()
    settings: str = ""

    @property
    def unfinished(self) -> list[str]:
        """Stages that have not run to their end, or with other settings."""
        return [stage.name for stage in self.stages if not stage.is_finished]

    @property
    def stale(self) -> list[str]:
        """Those of them of which something lies there, of other settings."""
        return [stage.name for stage in self.stages if stage.is_stale]
