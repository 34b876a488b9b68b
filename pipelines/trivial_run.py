"""One training of the experiment on trivial solutions, and what is kept of it.

The configuration must have been parsed before; `result.json` and `pictures.npz` lie in
the run folder beside the artifacts of `prepare` and `train_generator`.
"""

import json
import pathlib
import time

import keras
import numpy as np

from pipelines import artifacts, cache, run
from pipelines.settings import Place
from tfcomgan import config, curves, figures, latents
from tfcomgan.data.input_pipeline import InputSettings
from tfcomgan.metrics import features, generation, reference
from tfcomgan.metrics.features import GenerationMetricsSettings

_STAGES = ("prepare", "train_generator")
_RESULT, _PICTURES = "result.json", "pictures.npz"
_SHOWN = 8
_CURVES = (
    "mask_gradient_norm",
    "pixel_gradient_norm",
    "mask_area",
    "mask_entropy",
    "mask_variation",
    "layer_difference",
)


def finished(run_dir: pathlib.Path) -> dict | None:
    """The result of a run with these settings; None where it is still to be made."""
    file = run_dir / _RESULT
    if not file.exists():
        return None
    result = json.loads(file.read_text())
    if result["fingerprint"] != _fingerprint():
        return None
    with np.load(run_dir / _PICTURES) as pictures:
        return result | {"pictures": dict(pictures)}


def _fingerprint() -> str:
    """Of the training and of how its pictures are scored."""
    trained = run._plans()["train_generator"].fingerprint
    scored = config.build(GenerationMetricsSettings)
    return cache.fingerprint("trivial", 1, [trained], run._plain(scored))


def make(
    run_dir: pathlib.Path,
    *,
    gin_file: str,
    data_dir: pathlib.Path,
    manual_dir: pathlib.Path | None,
) -> dict:
    """Trains (from the last checkpoint on), scores, and keeps the result."""
    keras.backend.clear_session()
    place = Place(run_dir, data_dir, manual_dir, devices=(), checkpoint_every=250)
    start = time.monotonic()
    run.run(_STAGES, place, gin_files=[gin_file], report=lambda line: None)
    seconds = time.monotonic() - start
    found = cache.find(run_dir, "prepare")
    examples = artifacts.Examples(found, data_dir, manual_dir)
    generator = artifacts.Generator(cache.find(run_dir, "train_generator"))
    network = generator.load()
    result = {
        "fingerprint": _fingerprint(),
        "seconds": seconds,  # Of this start; a resumed run took longer.
        "trivial": generator.record.info["trivial"],
        "object_side": generator.side,
        "parameters": parameter_counts(network),
        "curves": {
            curve.name: [list(map(int, curve.steps)), list(curve.values)]
            for curve in curves.read(run_dir / "logs")
            if curve.name in _CURVES
        },
        "scores": _scores(network, generator, examples, run_dir.parent),
    }
    np.savez(run_dir / _PICTURES, **_pictures(network, generator))
    (run_dir / _RESULT).write_text(json.dumps(result, indent=1) + "\n")
    return finished(run_dir)


def parameter_counts(network: keras.Model) -> dict[str, int]:
    """Trained parameters of each part of a generator, and of the whole."""
    parts = {
        "Phi": [network.features, *getattr(network, "further", ())],
        **{
            name: [getattr(network, name)]
            for name in ("mask", "foreground", "background")
            if hasattr(network, name)
        },
        "all": [network],
    }
    return {
        name: sum(int(np.prod(v.shape)) for o in owners for v in o.trainable_variables)
        for name, owners in parts.items()
    }


def _pictures(network, generator) -> dict[str, np.ndarray]:
    """Strips uint8 [8,S,S,3] of the layers of the same latents for every model."""
    sample = generator.sampler(seed=0, batch_size=_SHOWN, purpose=latents.PICTURES)
    scene = network(sample(0), training=False)
    strips = {}
    for name in ("composite", "mask", "foreground", "background"):
        layer = getattr(scene, name)
        if layer is not None:
            draw = figures.mask_to_uint8 if name == "mask" else figures.to_uint8
            strips[name] = draw(layer)
    return strips


def _scores(network, generator, examples, cache_dir: pathlib.Path) -> dict[str, float]:
    """'fd_random' of as many painted pictures as real ones; 'fid' with Inception."""
    chosen = config.build(GenerationMetricsSettings)
    pictures = config.build(InputSettings, "train_generator")
    split, size = pictures.training_split, pictures.image_size
    real = examples.load(split, size=size, crop=pictures.crop).images
    count = min(chosen.num_samples, len(real))
    sample = generator.sampler(seed=1, batch_size=100, purpose=latents.PICTURES)

    def painted():
        for step in range(-(-count // 100)):
            yield figures.to_uint8(network(sample(step), training=False).composite)

    found = {}
    extractors = [features.random_features(), chosen.extractor()]
    for extractor in {e.name: e for e in extractors}.values():
        of_real = reference.reference_statistics(
            extractor, real, cache_dir / "references", examples.record.fingerprint
        )
        of_fake = reference.extract(extractor, painted(), num_images=count)
        name = "fid" if extractor.name == "inception" else f"fd_{extractor.name}"
        found[name] = generation.frechet_distance(
            of_real.statistics, of_fake.statistics
        )
    return found
