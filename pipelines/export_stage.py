"""The last stage: what a run has learned, as SavedModels."""

from pipelines.artifacts import Generator, Segmenter
from pipelines.settings import Work
from tfcomgan import export, export_generator, saved_models


def export_models(work: Work, *, segmenter: Segmenter, generator: Generator) -> dict:
    """Writes both networks as SavedModels in TensorFlow Serving's layout."""
    run_dir = work.place.run_dir
    base = export.serving_dir(run_dir)
    written = export.export_segmenter(
        segmenter.load(),
        image_size=segmenter.inputs.image_size,
        num_levels=segmenter.settings.num_levels,
        low=segmenter.inputs.low,
        directory=base / str(export.next_version(base)),
    )
    base = run_dir / "serving" / saved_models.GENERATOR
    painter = export_generator.export_generator(
        generator.load(),
        generator.load_critic(),
        side=generator.side,
        prior=export_generator.prior(generator.settings, generator.objective),
        directory=base / str(export.next_version(base)),
    )
    return {"version_dirs": [str(p.relative_to(run_dir)) for p in (written, painter)]}
