"""Which of the scored pictures a run was trained on; the standard library alone."""

from collections.abc import Mapping
from typing import NamedTuple

from tfcomgan.data import overlap

_TRAININGS = ("train_generator", "train_segmenter", "self_train")
_WHOLE = "train"  # Where older records do not say.


class Seen(NamedTuple):
    """Scored splits: such of which a training saw a picture, and such of which none.

    What is in neither is a folder beside the data set: whether its pictures are among
    those trained on, nobody knows.
    """

    trained_on: tuple[str, ...]
    held_out: tuple[str, ...] = ()

    def place(self, protocol: str) -> int:
        """For sorting protocols: held-out pictures come first, those trained on last."""
        split = split_of(protocol)
        return 2 * (split in self.trained_on) + (split not in self.held_out)


def of(parameters: Mapping[str, Mapping], num_examples: Mapping[str, int]) -> Seen:
    """What a run was trained on.

    Args:
      parameters: Of the stages, by name, as their records have them.
      num_examples: Pictures by split, as `prepare` has counted them.
    """
    scored = parameters["evaluate"].get("evaluation", {}).get("splits", (_WHOLE,))
    learned = {
        _split(parameters[name])
        for name in _TRAININGS
        if name in parameters and _learns(parameters[name])
    }
    trained_on = tuple(
        split
        for split in scored
        if any(overlap.have_common(split, other, num_examples) for other in learned)
    )
    return Seen(trained_on, tuple(s for s in scored if s not in trained_on))


def num_trained(
    parameters: Mapping[str, Mapping], num_examples: Mapping[str, int]
) -> int | None:
    """Pictures that the generator learned from; None where not known. As `of`."""
    return overlap.count(_split(parameters["train_generator"]), num_examples)


def split_of(protocol: str) -> str:
    """The split, or the folder, in a name that `segmentation.result_name` made."""
    return protocol.rsplit("_", 3)[0]


def _learns(parameters: Mapping) -> bool:
    """Whether a stage has trainings to do, which self-training of no round has not."""
    return parameters.get("self_training", {}).get("rounds", 1) > 0


def _split(parameters: Mapping) -> str:
    return parameters.get("input_pipeline", {}).get("training_split", _WHOLE)
