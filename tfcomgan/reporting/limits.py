"""What a reader of a run's report should know before using its masks, in sentences."""

from collections.abc import Mapping

from tfcomgan.evaluation import seen, telling
from tfcomgan.reporting.facts import Report

# `fit` of a round below which masks mean little: students had 3 % on textures
# without any object, over 60 % on flowers, on horses and on both with rendered scenes.
POOR_FIT = 0.4

_SEGMENTER = "segmenter"
_TRIVIAL = 0.02  # Share of the picture, or of the rest of it.


def verdict(report: Report) -> str:
    """The run in one sentence: how good the masks are, or why nobody knows."""
    if report.unfinished:
        return f"This run is not finished: {_lacking(report)}."
    if not report.scores:
        return report.why_no_scores or "This run has no scores."
    protocol = _main_protocol(report)
    methods = report.scores[protocol]
    best, other = _best_other(methods)
    if _SEGMENTER not in methods:
        return f"Only methods that learn nothing were scored; best: {best}, IoU {other:.1%}."
    ours = _iou(methods[_SEGMENTER])
    text = (
        f"On {_pictures(report, protocol)}, predicted masks overlap the true ones by "
        f"{ours:.1%} "
    )
    interval = methods[_SEGMENTER]["iou_plain"]
    if isinstance(interval, Mapping):
        text += f"({interval['low']:.1%} to {interval['high']:.1%}) "
    text += "(mean IoU)"
    if best is not None and other >= ours:
        text += f", no better than {best}, which learns nothing: {other:.1%}"
    elif best is not None:
        text += f"; the best of the methods that learn nothing, {best}: {other:.1%}"
    return f"{text}.{_drawn(methods)}{_oracles(methods)}"


def _pictures(report: Report, protocol: str) -> str:
    split = seen.split_of(protocol)
    if split == "train" or split not in report.data.known.trained_on:
        return f"{split} pictures"
    return f"{split} pictures, which it was trained on"


def _drawn(methods: Mapping[str, Mapping]) -> str:
    """How good masks are when drawn to edges; '' where that was not scored."""
    ours = [
        _iou(methods[n]) for n in methods if telling.is_ours(n) and telling.is_drawn(n)
    ]
    if not ours:
        return ""
    best, other = _best_other(methods, is_drawn=True)
    beside = f"; {best}, which learns nothing: {other:.1%}" if best else ""
    return f" Drawn to edges: {ours[0]:.1%}{beside}."


def _oracles(methods: Mapping[str, Mapping]) -> str:
    """What bounds the baselines, in sentences of their own; '' where there is none."""
    return "".join(
        f" The {telling.method_name(name)}, made of the true masks that it is scored by: "
        f"{_iou(scores):.1%}."
        for name, scores in methods.items()
        if telling.is_oracle(name)
    )


def _lacking(report: Report) -> str:
    missing = [name for name in report.unfinished if name not in report.stale]
    parts = []
    if report.stale:
        verb = "are" if len(report.stale) > 1 else "is"
        parts.append(f"{', '.join(report.stale)} {verb} of other settings")
    if missing:
        parts.append(f"{', '.join(missing)} is missing")
    return "; ".join(parts)


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
    count = data.num_trained
    pictures = f"the {count:,} pictures" if count else "pictures"
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
                "no truth gets the plain numbers. "
                f"{_of_seen(report)}This is one run: how much another seed "
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
    if missing := [name for name in report.unfinished if name not in report.stale]:
        yield (
            "Unfinished",
            f"{', '.join(missing)} has not run to its end; what depends on it "
            "is missing here. The command that began the run goes on from there.",
        )
    if report.stale:
        yield (
            "Warning: stages of other settings",
            f"What lies in the folder for {', '.join(report.stale)} was made with other "
            "settings than the rest, or by an older version, and is not shown here. Run "
            "these stages again, or give the settings that made them.",
        )
    for stage in report.stages:
        if stage.notes:
            yield f"Warning: the monitor of {stage.name}", " ".join(stage.notes)
    if report.rounds_notes and not report.rounds:
        yield "Warning: no self-training", " ".join(report.rounds_notes)
    is_meaningless = report.rounds and report.rounds[-1]["agreement"] is None
    if is_meaningless and not report.kept_round:
        said = " ".join(report.rounds_notes)
        yield "Warning: self-training found no masks to learn", said
    fit = report.rounds[report.kept_round].get("fit") if report.rounds else None
    if fit is not None and fit < POOR_FIT:
        yield (
            "Warning: masks that fit no edges",
            "On pictures it has not learned from, the segmenter's masks fit the edges by "
            f"{fit:.1%}: they mean little. Do not use this model before you have looked at "
            "the sheets of self-training.",
        )
    if report.mask_area is not None and _is_trivial(report.mask_area):
        yield (
            "Warning: trivial masks",
            f"The generator's masks cover {report.mask_area:.1%} of the picture on "
            "average: it paints with one layer alone, and the segmenter has learned "
            "nothing of objects. Do not use this model.",
        )
    is_settled = report.is_by_hand or (report.orientation or {}).get("is_sure", True)
    if not is_settled:
        yield (
            "Warning: the masks may be inverted",
            "The two sides of the mask cover about the same share of the border, so the "
            "rule that chooses the object's side was undecided. Look at the figures.",
        )
    for protocol in sorted(report.scores, key=report.data.known.place):
        methods = report.scores[protocol]
        for ours in filter(telling.is_ours, methods):
            best, score = _best_other(methods, is_drawn=telling.is_drawn(ours))
            if best and score >= _iou(methods[ours]):
                yield (
                    "Warning: no better than a baseline",
                    f"{protocol}: {best}, which learns nothing, has a mean IoU of "
                    f"{score:.1%}, the {telling.method_name(ours)} "
                    f"{_iou(methods[ours]):.1%}.",
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
    if o["side"] != report.object_side:
        return text + ", by hand, against the rule."
    return text + (", by hand, as the rule would." if report.is_by_hand else ".")


def _of_seen(report) -> str:
    scored = {seen.split_of(name) for name in report.scores}
    names = [name for name in report.data.known.trained_on if name in scored]
    if not names:
        return ""
    return f"Scores on {' and '.join(names)} are of pictures the networks have seen. "


def _is_trivial(area: float) -> bool:
    return not _TRIVIAL <= area <= 1 - _TRIVIAL


def _main_protocol(report) -> str:
    """That of held-out pictures, of the test split and of the fixed threshold, if any."""

    def place(name):
        is_test = seen.split_of(name) == "test"
        return report.data.known.place(name) > 1, not is_test, name.endswith("_otsu")

    return min(report.scores, key=place)


def _iou(scores) -> float:
    value = scores["iou_plain"]
    return value["mean"] if isinstance(value, Mapping) else value


def _best_other(methods, is_drawn: bool = False) -> tuple[str | None, float]:
    """The best method that learns nothing and is no oracle, of masks drawn or not."""
    others = {
        telling.method_name(name): _iou(scores)
        for name, scores in methods.items()
        if telling.is_drawn(name) == is_drawn
        and not (telling.is_ours(name) or telling.is_oracle(name))
    }
    best = max(others, key=others.get, default=None)
    return best, others.get(best, 0.0)
