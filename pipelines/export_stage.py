"""The last stage: what a run has learned, as SavedModels."""

from pipelines.artifacts import SelfTrained, TrainedGenerator
from pipelines.work import Work
from tfcomgan import config, run_folder
from tfcomgan.serving import (
    export_generator,
    export_segmenter,
    files,
    onnx_file,
    versions,
)


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
    folders = {
        name: versions.next_dir(versions.serving_dir(run_dir, name))
        for name in (versions.SEGMENTER, versions.GENERATOR)
    }
    export_segmenter.export_segmenter(
        segmenter.load(),
        image_size=segmenter.inputs.image_size,
        num_levels=segmenter.settings.num_levels,
        low=segmenter.inputs.low,
        with_litert=chosen.litert,
        with_onnx=chosen.onnx,
        directory=folders[versions.SEGMENTER],
    )
    export_generator.export_generator(
        generator.load(),
        generator.load_critic(),
        side=generator.side,
        prior=export_generator.prior(generator.settings, generator.objective),
        directory=folders[versions.GENERATOR],
    )
    files.write_server_configs(run_dir / run_folder.SERVING)
    names = [str(path.relative_to(run_dir)) for path in folders.values()]
    return {"version_dirs": names}
