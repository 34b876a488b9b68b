"""Fills the report of a run from what its stages have written."""

import pathlib
from collections.abc import Mapping

import numpy as np
from PIL import Image

from pipelines import cache
from tfcomgan import run_folder
from tfcomgan.figures.paper import Plate
from tfcomgan.reporting import card, curves, facts, page
from tfcomgan.reporting.environment import Environment
from tfcomgan.serving import files as serving_files
from tfcomgan.system import files

_MONITORED = ("train_generator", "train_segmenter")
_FACTS = ("steps", "batch_size", "seed", "precision")


def write(run_dir: pathlib.Path, parameters: Mapping[str, dict]) -> None:
    """Writes `report.html` into a run folder, and what lies beside the served models.

    Files that are as they should be are left alone.
    """
    report = fill(run_dir, parameters)
    page.write(run_dir / run_folder.REPORT, report)
    if "export" not in report.unfinished:
        serving = run_dir / run_folder.SERVING
        files.renew_text(serving / run_folder.CARD, card.markdown(report))
        serving_files.write_server_configs(serving)


def fill(run_dir: pathlib.Path, parameters: Mapping[str, dict]) -> facts.Report:
    """The report of a run folder, finished or not.

    Args:
      run_dir: Of the run.
      parameters: Settings of each stage, in order, as planned; they also say what is not
        made yet.
    """
    records = {name: cache.find(run_dir, name) for name in parameters}

    def info(name):
        return records[name].info if records[name] else {}

    trained, scored = (
        parameters[name]["input_pipeline"] for name in ("train_generator", "evaluate")
    )
    oriented, evaluated = info("train_generator"), info("evaluate")
    taught = info("self_train")
    config = run_dir / run_folder.CONFIG
    return facts.Report(
        name=run_dir.resolve().name,
        data=facts.Data(
            name=parameters["prepare"]["prepare"]["source"]["name"],
            num_examples=info("prepare").get("num_examples", {}),
            image_size=trained["image_size"],
            training_crop=trained["crop"],
            crop=scored["crop"],
            notes=info("prepare").get("notes", ()),
            num_scored=evaluated.get("num_scored", {}),
        ),
        stages=[_stage(name, records[name], parameters[name]) for name in parameters],
        scores=evaluated.get("scores", {}),
        why_no_scores=evaluated.get("why_no_scores", ""),
        metrics=evaluated.get("metrics", {}),
        object_side=oriented.get("object_side"),
        orientation=oriented.get("orientation"),
        mask_area=oriented.get("mask_area"),
        rounds=taught.get("rounds", ()),
        kept_round=taught.get("kept_round", 0),
        rounds_notes=taught.get("notes", ()),
        plates=[
            _plate(run_dir / stage, said)
            for stage in ("evaluate", "self_train")
            for said in info(stage).get("figures", ())
        ],
        curves=curves.read(run_dir / run_folder.LOGS),
        settings=config.read_text(encoding="utf-8") if config.is_file() else "",
    )


def _stage(
    name: str, record: cache.Record | None, parameters: Mapping[str, dict]
) -> facts.Stage:
    schedule = parameters.get("training", {})
    if record and "precision" in record.info:  # Where the machine was to choose.
        schedule = schedule | {"precision": record.info["precision"]}
    if not parameters.get("self_training", {"rounds": 1})["rounds"]:
        schedule = {}  # It trains nothing.
    made_in = record.environment if record else None
    return facts.Stage(
        name,
        record is not None,
        {key.replace("_", " "): schedule[key] for key in _FACTS if key in schedule},
        record.seconds if record else None,
        Environment(**made_in | {"gpus": tuple(made_in["gpus"])}) if made_in else None,
        # Those of the other stages are no warnings.
        record.info.get("notes", ()) if record and name in _MONITORED else (),
    )


def _plate(folder: pathlib.Path, said: Mapping[str, str]) -> Plate:
    path = folder / run_folder.FIGURES / f"{said['name']}.png"
    image = np.asarray(Image.open(path)) if path.is_file() else None
    return Plate(said["name"], said["caption"], image, said["reason"])
