"""Fills the report of a run from what its stages have written."""

import pathlib
from collections.abc import Collection, Mapping

import numpy as np
from PIL import Image

from pipelines import cache
from pipelines.planning import Plan
from tfcomgan import run_folder
from tfcomgan.evaluation import seen
from tfcomgan.figures.paper import Plate
from tfcomgan.reporting import card, curves, facts, page
from tfcomgan.reporting.environment import Environment
from tfcomgan.serving import files as serving_files
from tfcomgan.system import files

_MONITORED = ("train_generator", "train_segmenter")
_FACTS = ("steps", "batch_size", "seed", "precision")


def write(run_dir: pathlib.Path, plans: Mapping[str, Plan]) -> None:
    """Writes `report.html` into a run folder, and what lies beside the served models.

    The report is of what these plans made; the models' card of what was exported, or it
    is left alone where that is not known any more. Files that are as they should be are
    left alone, too.
    """
    records = {name: cache.find(run_dir, name) for name in plans}
    made = {name: record for name, record in records.items() if record is not None}
    current = {n for n, r in made.items() if r.fingerprint == plans[n].fingerprint}
    page.write(run_dir / run_folder.REPORT, fill(run_dir, plans, made, current))
    if "export" not in made:
        return
    serving = run_dir / run_folder.SERVING
    exported = _with_origins("export", made)
    if exported:
        exported |= _with_origins("evaluate", made)
        report = fill(run_dir, plans, made, exported)
        files.renew_text(serving / run_folder.CARD, card.markdown(report))
    serving_files.write_server_configs(serving)


def _with_origins(name: str, made: Mapping[str, cache.Record]) -> set[str]:
    """A stage and all that it was made from; none where one of them was made anew since."""
    if name not in made:
        return set()
    names = {name}
    for maker, fingerprint in made[name].inputs.items():
        before = _with_origins(maker, made)
        known = {made[maker].fingerprint} if before else set()
        if name in run_folder.TRAININGS and before:
            known.add(made[maker].pictures_fingerprint)
        if fingerprint not in known:
            return set()
        names |= before
    return names


def fill(
    run_dir: pathlib.Path,
    plans: Mapping[str, Plan],
    made: Mapping[str, cache.Record],
    told: Collection[str],
) -> facts.Report:
    """The report of a run folder, finished or not.

    Args:
      run_dir: Of the run.
      plans: Of each stage, in order; they also say what is not made yet.
      made: What lies in the folder, by stage.
      told: Those of them that the report is about; the others are of other settings.
    """
    info = {name: made[name].info if name in told else {} for name in plans}
    parameters = {
        name: made[name].parameters if name in told else plan.parameters
        for name, plan in plans.items()
    }
    stale = made.keys() - told
    oriented, evaluated = info["train_generator"], info["evaluate"]
    taught = info["self_train"]
    config = run_dir / run_folder.CONFIG
    return facts.Report(
        name=run_dir.resolve().name,
        data=_data(parameters, info),
        stages=[
            _stage(name, made.get(name), plan.parameters, is_stale=name in stale)
            for name, plan in plans.items()
        ],
        scores=evaluated.get("scores", {}),
        why_no_scores=evaluated.get("why_no_scores", ""),
        scores_notes=evaluated.get("notes", ()),
        metrics=evaluated.get("metrics", {}),
        object_side=oriented.get("object_side"),
        orientation=oriented.get("orientation"),
        is_by_hand=_chosen_side(parameters) != "auto",
        mask_area=oriented.get("mask_area"),
        rounds=taught.get("rounds", ()),
        kept_round=taught.get("kept_round", 0),
        rounds_notes=taught.get("notes", ()),
        plates=[
            _plate(run_dir / stage, said)
            for stage in ("evaluate", "self_train")
            for said in info[stage].get("figures", ())
        ],
        curves=[
            curve
            for curve in curves.read(run_dir / run_folder.LOGS)
            if curve.stage.split("-")[0] not in stale
        ],
        settings=config.read_text(encoding="utf-8") if config.is_file() else "",
    )


def _chosen_side(parameters: Mapping[str, Mapping]) -> str:
    """The setting of the object's side; older records may have none."""
    return (
        parameters["train_generator"].get("orientation", {}).get("object_side", "auto")
    )


def _data(parameters: Mapping[str, Mapping], info: Mapping[str, Mapping]) -> facts.Data:
    trained, scored = (
        parameters[name]["input_pipeline"] for name in ("train_generator", "evaluate")
    )
    num_examples = info["prepare"].get("num_examples", {})
    return facts.Data(
        name=parameters["prepare"]["prepare"]["source"]["name"],
        num_examples=num_examples,
        image_size=trained["image_size"],
        training_crop=trained["crop"],
        crop=scored["crop"],
        notes=info["prepare"].get("notes", ()),
        num_scored=info["evaluate"].get("num_scored", {}),
        num_trained=seen.num_trained(parameters, num_examples),
        known=seen.of(parameters, num_examples),
    )


def _stage(
    name: str,
    record: cache.Record | None,
    planned: Mapping[str, dict],
    *,
    is_stale: bool,
) -> facts.Stage:
    """A stage as its record has it; as planned where there is none."""
    parameters = record.parameters if record else planned
    schedule = parameters.get("training", {})
    info = record.info if record else {}
    if "precision" in info:  # Where the machine was to choose.
        schedule = schedule | {"precision": info["precision"]}
    has_rounds = parameters.get("self_training", {"rounds": 1})["rounds"]
    if not has_rounds or (name == "self_train" and record and "rounds" not in info):
        schedule = {}  # It trains nothing.
    made_in = record.environment if record else None
    return facts.Stage(
        name,
        record is not None and not is_stale,
        {key.replace("_", " "): schedule[key] for key in _FACTS if key in schedule},
        record.seconds if record else None,
        Environment(**made_in | {"gpus": tuple(made_in["gpus"])}) if made_in else None,
        # Those of the other stages are no warnings.
        info.get("notes", ()) if name in _MONITORED and not is_stale else (),
        is_stale,
    )


def _plate(folder: pathlib.Path, said: Mapping[str, str]) -> Plate:
    path = folder / run_folder.FIGURES / f"{said['name']}.png"
    image = np.asarray(Image.open(path)) if path.is_file() else None
    return Plate(said["name"], said["caption"], image, said["reason"])
