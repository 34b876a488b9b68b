"""What a finished run has measured, and by which settings; the standard library alone."""

import json
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from tfcomgan import run_folder
from tfcomgan.errors import UserError
from tfcomgan.evaluation import seen
from tfcomgan.evaluation.seen import Seen

_EVALUATE = "evaluate"
# Those that its scores depend on, and itself.
_NEEDED = run_folder.STAGES[: run_folder.STAGES.index(_EVALUATE) + 1]
_SEED = "training.seed"


class Run(NamedTuple):
    """A finished run.

    settings: By 'stage/settings.field', less the seeds and what changes no result; as
      JSON texts.
    seeds: Of the trainings; one number where both have the same.
    metrics: Numbers by name, as 'test_center_32px_t0.5 / segmenter / iou_plain, %'.
    """

    folder: pathlib.Path
    settings: dict[str, str]
    seeds: tuple[int, ...]
    metrics: dict[str, float]


def read(folder: pathlib.Path) -> Run:
    """Reads what the stages of a run wrote.

    Raises:
      UserError: The folder is no run, an unfinished or a damaged one.
    """
    records = {name: _record(folder, name) for name in _NEEDED}
    inputs = (records[_EVALUATE] or {}).get("inputs", {})
    if "self_train" not in inputs and records[_EVALUATE]:
        del records["self_train"]  # Of a version that had no such stage.
    missing = [name for name, record in records.items() if record is None]
    if len(missing) == len(records) and not run_folder.is_run(folder):
        raise UserError(f"no run folder: it holds no artifact and no {run_folder.MARK}")
    if missing:
        raise UserError(
            f"not finished: {', '.join(missing)} has not run. The command that began "
            "it goes on from there"
        )
    # Records of older versions do not say what they were made from.
    for place, (stage, record) in enumerate(records.items()):
        for name, fingerprint in record.get("inputs", {}).items():
            made = records.get(name, {})
            known = {made.get("fingerprint", fingerprint)}
            if stage in run_folder.TRAININGS:
                known.add(made.get("pictures_fingerprint"))
            if fingerprint not in known:
                again = ",".join([*records][place:])
                raise UserError(
                    f"its {stage} is of an older {name}. Make it again: --stages={again}"
                )
    flat = {}
    for stage, record in records.items():
        flat |= _flat(record["parameters"], f"{stage}/", ".")
    acting = {name: value for name, value in flat.items() if _acts(name, flat)}
    seeds = tuple(acting.pop(n) for n in sorted(acting) if n.endswith(_SEED))
    return Run(
        folder,
        {name: json.dumps(value) for name, value in acting.items()},
        seeds[:1] if len(set(seeds)) == 1 else seeds,
        _metrics(records),
    )


def _metrics(records: dict[str, dict]) -> dict[str, float]:
    info = records[_EVALUATE]["info"]
    known = seen.of(
        {name: record["parameters"] for name, record in records.items()},
        records["prepare"]["info"].get("num_examples", {}),
    )
    found = numbers(info)
    scores = numbers({"scores": info.get("scores", {})})
    ordered = sorted(scores, key=lambda name: _place(name, known))
    return {name: found[name] for name in ordered} | found


def numbers(info: Mapping) -> dict[str, float]:
    """What `evaluate` has measured, by name; scores in percent, of each its mean.

    Args:
      info: Of the stage's artifact. Without masks there are no scores in it, but there
        may be other metrics.
    """
    others = {k: v for k, v in info.items() if k not in ("scores", "num_scored")}
    scores, rest = (
        {k: float(v) for k, v in _flat(tree, "", " / ").items() if _is_number(v)}
        for tree in (info.get("scores", {}), others)
    )
    return {f"{name}, %": 100 * value for name, value in scores.items()} | rest


def _is_number(value) -> bool:
    return type(value) in (int, float)


def _place(score: str, known: Seen) -> tuple[int, bool]:
    """Held-out pictures come first, and of a split the fixed threshold."""
    protocol = score.partition(" / ")[0]
    return known.place(protocol), protocol.endswith("_otsu")


def _acts(name: str, settings: dict) -> bool:
    """Whether a setting can change a number of its run."""
    stage, _, rest = name.partition("/")
    owner, _, field = rest.partition(".")
    rounds = "self_training.rounds"
    if stage == "self_train" and settings.get(f"{stage}/{rounds}") == 0:
        return rest == rounds  # It keeps the segmenter as it came.
    if owner == "monitor":
        on_trivial = settings.get(f"{stage}/monitor.on_trivial")
        return field == "on_trivial" or on_trivial != "warn"
    if rest in ("evaluation.refine", "self_training.least_side"):
        return settings[name] not in ("none", 0)  # Which older runs do not name.
    if owner in ("grabcut", "iem"):
        teaches = settings.get(f"{stage}/self_training.first_teacher") == owner
        return teaches or owner in settings.get(f"{stage}/evaluation.baselines", ())
    return True


def _record(folder: pathlib.Path, stage: str) -> dict | None:
    try:
        record = run_folder.read_artifact(folder, stage)
        for key in ("parameters", "info") if record else ():
            record[key].items()
    except OSError as error:
        path = folder / stage / run_folder.ARTIFACT
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, AttributeError) as error:
        path = folder / stage / run_folder.ARTIFACT
        raise UserError(f"damaged: {path} cannot be read") from error
    return record


def _flat(tree: dict, prefix: str, separator: str) -> dict:
    """Leaves by path; of a summary with an interval, the mean stands for the whole."""
    leaves = {}
    for name, value in tree.items():
        if isinstance(value, dict) and "mean" in value:
            value = value["mean"]
        if isinstance(value, dict):
            leaves |= _flat(value, f"{prefix}{name}{separator}", separator)
        else:
            leaves[prefix + name] = value
    return leaves
