"""One training of the experiment on trivial solutions, and what is kept of it.

The configuration must have been parsed before. `result.json` and `pictures.npz` lie in a
folder of the case's name, which is its run folder too but for segmenters that share one.
"""

import json
import pathlib

import keras
import numpy as np

from pipelines import artifacts, cache, planning, run
from pipelines.trivial import judging
from pipelines.trivial.plan import Case
from pipelines.work import Place
from tfcomgan import config, run_folder
from tfcomgan.metrics.features import GenerationMetricsSettings
from tfcomgan.system import files

_RESULT, _PICTURES = "result.json", "pictures.npz"
_VERSION = 2  # Of `judging`.


def finished(case: Case, runs: pathlib.Path) -> dict | None:
    """The result of a run with these settings; None where it is still to be made."""
    folder, fingerprint = (
        runs / case.name,
        _fingerprint(case),
    )  # Checks the settings too.
    if not (folder / _RESULT).exists():
        return None
    result = json.loads((folder / _RESULT).read_text(encoding="utf-8"))
    if result["fingerprint"] != fingerprint:
        return None
    with np.load(folder / _PICTURES) as pictures:
        return result | {"pictures": dict(pictures)}


def _last_stage(case: Case) -> str:
    return "train_segmenter" if case.part == "lambda" else "train_generator"


def _fingerprint(case: Case) -> str:
    """Of the training and of how it is judged."""
    trained = planning.plans()[_last_stage(case)].fingerprint
    scored = config.build(GenerationMetricsSettings)
    return cache.fingerprint("trivial", _VERSION, [trained], planning.plain(scored))


def prepare(place: Place) -> None:
    """Makes the data set, so that trainings side by side need not."""
    run.run(["prepare"], place, gin_files=["prepare"], report=lambda line: None)


def make(case: Case, place: Place, runs: pathlib.Path) -> None:
    """Trains (from the last checkpoint on), judges, and keeps the result.

    What is trained already is only judged.
    """
    keras.backend.clear_session()
    last = _last_stage(case)
    stages = run_folder.STAGES[: run_folder.STAGES.index(last) + 1]
    run.run(stages, place, gin_files=[case.gin_file], report=lambda line: None)
    prepared = cache.find(place.run_dir, "prepare")
    examples = artifacts.Examples(prepared, place.data_dir, place.manual_dir)
    generator = artifacts.TrainedGenerator(cache.find(place.run_dir, "train_generator"))
    if case.part == "lambda":
        segmenter = artifacts.TrainedSegmenter(cache.find(place.run_dir, last))
        judged = judging.of_segmenter(segmenter, generator, examples)
    else:
        judged = judging.of_generator(generator, examples, runs)
    record = cache.find(place.run_dir, last)
    result = judged.numbers | {
        "fingerprint": _fingerprint(case),
        "seconds": record.seconds,  # None where it was interrupted and went on.
        "environment": record.environment,
        "trivial": record.info["trivial"],
    }
    folder = runs / case.name
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / _PICTURES, **judged.pictures)
    files.write_text(folder / _RESULT, json.dumps(result, indent=1) + "\n")
