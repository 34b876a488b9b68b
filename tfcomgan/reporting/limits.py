"""What a reader of a run's report should know before using its masks, in sentences."""

from collections.abc import Mapping

from tfcomgan.evaluation import telling
from tfcomgan.reporting.facts import Report

_SEGMENTER = "segmenter"
_TRIVIAL = 0.02  # Share of the picture, or of the rest of it.


def verdict(report: Report) -> str:
    """The run in one sentence: how good the masks are, or why nobody knows."""
    if report.unfinished:
        return f"This run is not finished: {', '.join(report.unfinished)} is missing."
    if not report.scores:
        return report.why_no_scores or "This run has no scores."
    protocol = _main_protocol(report)
    methods = report.scores[protocol]
    split = protocol.partition("_")[0]
    if _SEGMENTER not in methods:
        best, score = _best_other(methods)
        return f"Only methods that learn nothing were scored; best: {best}, IoU {score:.1%}."
    ours = _iou(methods[_SEGMENTER])
    text = f"On {split} pictures, predicted masks overlap the true ones by {ours:.1%} "
    interval = methods[_SEGMENTER]["iou_plain"]
    if isinstance(interval, Mapping):
        text += f"({interval['low']:.1%} to {interval['high']:.1%}) "
    text += "(mean IoU)"
    best, other = _best_other(methods)
    if best is None:
        return text + "."
    if other >= ours:
        return f"{text}, no better than {best}, which learns nothing: {other:.1%}."
    return f"{text}; the best of the methods that learn nothing, {best}: {other:.1%}."


def limits(report: Report) -> list[tuple[str, str]]:
    """Known limits, each a title and its text, those of this very run first."""
    data = report.data
    entries = list(_warnings(report))
    annotated = data.training_crop == "box"
    entries.append(
        (
            "What it has learned",
            "It was trained on pictures alone"
            + (", cropped by annotated boxes" if annotated else "")
            + ", without a mask or a label. It finds what can be exchanged against "
            "another surrounding and still look real. That is often what people call the "
            "object, but shadows, stands and reflections may come along, and parts that "
            "look like the surroundings may be missing.",
        )
    )
    entries.append(("Which side is the object", _polarity(report)))
    if report.mask_area is not None and not _is_trivial(report.mask_area):
        entries.append(
            (
                "Trivial masks",
                f"The generator's masks cover {report.mask_area:.1%} of the picture on "
                "average, so they are neither empty nor full. Single predictions may be "
                "all the same: see the worst cases.",
            )
        )
    num_train = data.num_examples.get("train")
    pictures = f"the {num_train:,} pictures" if num_train else "pictures"
    entries += [
        (
            "Other pictures",
            f"It knows {pictures} of {data.name} it was trained on, at "
            f"{data.image_size} px. Of pictures unlike those nothing is promised; larger "
            "ones are scaled down, and finer detail is lost.",
        ),
        (
            "One mask",
            "All objects of a picture share one mask: no instances, no classes.",
        ),
        (
            "Not for",
            "Decisions about people, medicine, safety, or measurements, or any use in "
            "which a wrong mask does harm and nobody looks at it.",
        ),
    ]
    if report.scores:
        entries.append(
            (
                "Reading the scores",
                "'Best polarity' inverts a mask where the truth says it helps; whoever has "
                "no truth gets the plain numbers. Scores on the training split are of "
                "pictures the networks have seen. This is one run: how much another seed "
                "changes is for the command tfcomgan-compare to say.",
            )
        )
    if any(name.startswith("fd_") for m in report.metrics.values() for name in m):
        entries.append(
            (
                "No FID",
                "Distances named fd_ and kd_ are of features of another network than "
                "Inception; they compare runs of this project, not with a published FID.",
            )
        )
    return entries


def _warnings(report):
    """Limits that are faults of this run."""
    if report.unfinished:
        yield (
            "Unfinished",
            f"{', '.join(report.unfinished)} has not run to its end; what depends on it "
            "is missing here. The command that began the run goes on from there.",
        )
    for stage in report.stages:
        if stage.notes:
            yield f"Warning: the monitor of {stage.name}", " ".join(stage.notes)
    if report.rounds and report.rounds[-1]["agreement"] is None:
        said = " ".join(report.rounds_notes)
        yield "Warning: self-training found no masks to learn", said
    if report.mask_area is not None and _is_trivial(report.mask_area):
        yield (
            "Warning: trivial masks",
            f"The generator's masks cover {report.mask_area:.1%} of the picture on "
            "average: it paints with one layer alone, and the segmenter has learned "
            "nothing of objects. Do not use this model.",
        )
    if report.orientation and not report.orientation["is_sure"]:
        yield (
            "Warning: the masks may be inverted",
            "The two sides of the mask cover about the same share of the border, so the "
            "rule that chooses the object's side was undecided. Look at the figures.",
        )
    # Held-out pictures first.
    for protocol in sorted(report.scores, key=lambda name: name.startswith("train_")):
        methods = report.scores[protocol]
        best, score = _best_other(methods)
        if _SEGMENTER in methods and best and score >= _iou(methods[_SEGMENTER]):
            yield (
                "Warning: no better than a baseline",
                f"{protocol}: {best}, which learns nothing, has a mean IoU of "
                f"{score:.1%}, the segmenter {_iou(methods[_SEGMENTER]):.1%}.",
            )


def _polarity(report) -> str:
    if report.object_side is None:
        return "Not chosen yet: the generator is not trained."
    text = (
        "Training cannot tell a mask from its inverse; the object's side is chosen by a "
        "rule, that it covers less of the border. A model of objects that fill the "
        "border comes out inverted. "
    )
    if report.orientation is None:
        return text + f"Chosen: {report.object_side}."
    o = report.orientation
    text += (
        f"Here the generator's masks cover {o['border_share']:.1%} of the border: margin "
        f"{o['margin']:.2f} (95 % interval {o['margin_low']:.2f} to "
        f"{o['margin_high']:.2f}; 0 is undecided, 1 is certain). Chosen: "
        f"{report.object_side}"
    )
    by_hand = o["side"] != report.object_side
    return text + (", by hand, against the rule." if by_hand else ".")


def _is_trivial(area: float) -> bool:
    return not _TRIVIAL <= area <= 1 - _TRIVIAL


def _main_protocol(report) -> str:
    """That of the test split if there is one, and of the fixed threshold."""
    names = list(report.scores)
    test = [name for name in names if name.startswith("test_")] or names
    return next((name for name in test if not name.endswith("_otsu")), test[0])


def _iou(scores) -> float:
    value = scores["iou_plain"]
    return value["mean"] if isinstance(value, Mapping) else value


def _best_other(methods) -> tuple[str | None, float]:
    others = {
        telling.method_name(name): _iou(scores)
        for name, scores in methods.items()
        if name != _SEGMENTER
    }
    best = max(others, key=others.get, default=None)
    return best, others.get(best, 0.0)
