"""What shows a trivial solution (section 3.1 of the paper), in words, and what to do."""

from typing import Literal, NamedTuple


class Sign(NamedTuple):
    """What shows a trivial solution: which one, in words, and what to change.

    solution: 0 for masks that have not decided, which are none.
    """

    solution: Literal[0, 1, 2]
    text: str
    advice: str


_BALANCE = (
    "Raise comgan.area_weight (20 in gin/scenes.gin), lower comgan.binary_weight (beta), "
    "or take another SEED"
)
SIGNS = {
    "empty": Sign(1, "the mask is empty", _BALANCE),
    "full": Sign(1, "the mask is full", _BALANCE),
    "full_or_empty": Sign(1, "most masks are either full or empty", _BALANCE),
    "equal_layers": Sign(
        2,
        "foreground and background are the same",
        "Lower adam.learning_rate or comgan.binary_weight (beta), raise "
        "comgan.info_weight where there are codes, or take another SEED",
    ),
    "one_mask": Sign(
        2,
        "the mask is the same for every z",
        "Lower comgan.binary_weight (beta), raise generator.width, share features "
        "(generator.architecture='comgan' or 'ds_comgan'), or take another SEED",
    ),
    "grey": Sign(
        0,
        "masks stay grey: they have not decided what is object and what is ground",
        "Raise comgan.binary_weight (beta), or train longer (STEPS)",
    ),
    "shrunk": Sign(
        1,
        "the object's side of the mask has shrunk away",
        "Lower comgan.size_weight, raise comgan.least_size_weight, or take "
        "another SEED; where things are small, add gin/small_objects.gin",
    ),
    "grown": Sign(
        1,
        "the object's side of the mask has grown over the picture",
        "Raise comgan.size_weight, lower comgan.least_size_weight, or take "
        "another SEED; where things are large, add gin/large_objects.gin",
    ),
    "echo": Sign(
        2,
        "both layers paint the object",
        "Raise comgan.foreground_shift, lower comgan.binary_weight (beta), or take "
        "another SEED",
    ),
}

# Whatever the sign: no setting of the generator helps a segmenter.
OF_SEGMENTER = (
    "Look at what it learns from, painted scenes or a teacher's masks; train it longer "
    "(SEGMENTER_STEPS, of self-training SELF_TRAINING_STEPS), or take another SEED"
)
