"""The last stage: what a run has learned, as SavedModels."""

import json
import pathlib
from collections.abc import Callable

from pipelines.artifacts import SelfTrained, TrainedGenerator
from pipelines.work import Work
from tfcomgan import config, run_folder
from tfcomgan.serving import (
    export_generator,
    export_segmenter,
    onnx_file,
    versions,
)
from tfcomgan.system import files


@config.settings("export")
class ExportSettings:
    """What is exported beside the SavedModel.

    Attributes:
      litert: Whether to add segmenter.tflite, for phones and boards.
      onnx: Whether to add segmenter.onnx; needs the extra `onnx`.
    """

    litert: bool = False
    onnx: bool = False

    def check(self) -> None:
        """Raises UserError where a package is missing."""
        if self.onnx:
            onnx_file.check()


def export_models(
    work: Work,
    *,
    segmenter: SelfTrained,
    generator: TrainedGenerator,
    chosen: ExportSettings,
) -> dict:
    """Writes both networks as SavedModels in TensorFlow Serving's layout."""
    run_dir = work.place.run_dir
    made = [
        _publish(
            work,
            versions.SEGMENTER,
            lambda **where: export_segmenter.export_segmenter(
                segmenter.load(),
                image_size=segmenter.inputs.image_size,
                num_levels=segmenter.settings.num_levels,
                low=segmenter.inputs.low,
                with_litert=chosen.litert,
                with_onnx=chosen.onnx,
                **where,
            ),
        ),
        _publish(
            work,
            versions.GENERATOR,
            lambda **where: export_generator.export_generator(
                generator.load(),
                generator.load_critic(),
                side=generator.side,
                low=generator.low,
                prior=export_generator.prior(generator.settings, generator.objective),
                **where,
            ),
        ),
    ]
    return {"version_dirs": [str(path.relative_to(run_dir)) for path in made]}


def _publish(
    work: Work, name: str, export: Callable[..., pathlib.Path]
) -> pathlib.Path:
    """Makes the next version, unless a start of this stage that was killed has made it.

    Which one it makes is noted, with its digest, before the version has its name.
    """
    place, notes = work.place.run_dir, work.folder / run_folder.UNFINISHED
    base, file = versions.serving_dir(place, name), notes / f"{name}.json"
    if file.exists():
        noted = json.loads(file.read_text(encoding="utf-8"))
        made = base / noted["version"]
        # A run of other settings may have taken the number since.
        if made.is_dir() and versions.digest(made) == noted["digest"]:
            return made
    version = versions.next_dir(base)

    def note(written):
        text = {"version": version.name, "digest": versions.digest(written)}
        files.write_text(file, json.dumps(text) + "\n")

    return export(directory=version, note=note)
