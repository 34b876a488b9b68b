"""When the rounds of self-training end, and which of them is kept, without a label."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from tfcomgan.models.self_training import SelfTrainingSettings
from tfcomgan.reporting.limits import POOR_FIT

End = Literal["agreed", "stalled", "rounds", "meaningless"]


class Round(NamedTuple):
    """A round as its record says; number 0 is the segmenter of stage two.

    number: From 1 on.
    teacher: 'segmenter', 'iem', 'grabcut', or 'round 1' and so on.
    pictures: Whose masks were refined.
    kept: Of these, pictures whose refined mask was learned.
    agreement: Mean IoU of student and teacher on pictures kept aside; None where too few
      were kept to teach a student.
    fit: Of the student's masks to the edges, see `teachers.Refined.fit`; None where there
      is no student.
    findings: Of the monitor, in the student's training.
    """

    number: int
    teacher: str = ""
    pictures: int = 0
    kept: int = 0
    agreement: float | None = None
    fit: float | None = None
    findings: Sequence[str] = ()

    @property
    def share(self) -> float:
        """Of the pictures, that were kept."""
        return self.kept / self.pictures


def end(rounds: Sequence[Round], settings: SelfTrainingSettings) -> End | None:
    """Why there is no further round after these; None where there is one.

    Args:
      rounds: All that have been, number 0 first.
      settings: Number of rounds, and agreement that is enough.
    """
    *before, last = rounds
    if last.number and last.agreement is None:
        return "meaningless"
    if last.number and last.agreement >= settings.agreed:
        return "agreed"
    if last.number > 1 and last.agreement <= before[-1].agreement:
        return "stalled"
    return "rounds" if last.number >= settings.rounds else None


def best(rounds: Sequence[Round]) -> int:
    """The number of the round whose masks fit the edges best; 0 where none was measured."""
    measured = [done for done in rounds if done.fit is not None]
    return max(measured, key=lambda done: done.fit).number if measured else 0


def texts(rounds: Sequence[Round], settings: SelfTrainingSettings) -> list[str]:
    """The rounds and their end for people, a line each."""
    lines = []
    for done in rounds[1:]:
        text = (
            f"Round {done.number}, taught by {_name(done.teacher)}: {done.kept:,} of "
            f"{done.pictures:,} pictures kept ({done.share:.0%})"
        )
        if done.agreement is not None:
            text += (
                f"; student and teacher agree by {done.agreement:.1%}, its masks fit the "
                f"edges by {done.fit:.1%}"
            )
        lines += [f"{text}.", *done.findings]
    why = end(rounds, settings)
    if why == "meaningless":
        lines.append(_meaningless(rounds[-1], settings))
    lines.append(f"{_ENDS[why]} {_choice(rounds)}")
    fit = rounds[best(rounds)].fit
    if fit is not None and fit < POOR_FIT:
        lines.append(
            f"Masks that fit the edges by {fit:.1%} mean little. Look at the sheet: is there "
            "a thing in each picture, of which most is inside?"
        )
    return lines


def none(num_pictures: int) -> str:
    """Why there are no rounds of so few training pictures, for people."""
    return (
        f"No self-training: of so few training pictures ({num_pictures}) none is left to "
        "learn from beside those kept aside. Kept: the segmenter of stage two as it is."
    )


_ENDS = {
    "agreed": "The rounds ended because student and teacher agree.",
    "stalled": "The rounds ended because student and teacher agree no better than before.",
    "rounds": "All rounds are done.",
    "meaningless": "The rounds ended there.",
}


def _meaningless(last: Round, settings: SelfTrainingSettings) -> str:
    text = (
        f"Too few masks of {_name(last.teacher)} fit the edges in the pictures "
        f"(self_training.least_kept={settings.least_kept:g}): they mean little, and "
        "nobody learns them."
    )
    advice = {
        "segmenter": "train longer, or let GrabCut teach first: --gin_param="
        "\"self_training.first_teacher='grabcut'\" --gin_param=self_training.least_side=256",
        "grabcut": "let stage two teach first, as in gin/flowers_64.gin: --gin_param="
        "\"self_training.first_teacher='segmenter'\"",
    }
    if last.teacher in advice:
        text += f" Look at the sheet; {advice[last.teacher]}"
    return text


def _choice(rounds: Sequence[Round]) -> str:
    kept = best(rounds)
    if kept:
        return f"Kept: the student of round {kept}, whose masks fit the edges best."
    if all(done.fit is None for done in rounds[1:]):
        return "Kept: the segmenter of stage two as it is."
    return (
        "Kept: the segmenter of stage two as it is, whose masks fit the edges by "
        f"{rounds[0].fit:.1%}, better than those of any student."
    )


def _name(teacher: str) -> str:
    names = {
        "segmenter": "the segmenter of stage two",
        "iem": "IEM",
        "grabcut": "GrabCut from a box",
    }
    return names.get(teacher, f"the student of {teacher}")


def scalars(done: Round) -> dict[str, float]:
    """What TensorBoard shows of a round."""
    scalars = {"agreement": done.agreement, "fit": done.fit}
    if done.pictures:
        scalars["kept_share"] = done.share
    return {name: value for name, value in scalars.items() if value is not None}
