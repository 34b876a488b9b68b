"""Numbers of a trained generator: its pictures beside those of the data set, and its control.

Joins `metrics.features`, `metrics.generation` and `metrics.disentanglement`; what is
returned is plain JSON under headings that a reader understands.
"""

import pathlib
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
import tensorflow as tf

from tfcomgan import config
from tfcomgan.config.field_types import at_least
from tfcomgan.data.input_pipeline import scale
from tfcomgan.images import to_uint8
from tfcomgan.latents import Latents, Sampler
from tfcomgan.metrics import disentanglement, generation, reference
from tfcomgan.metrics.disentanglement import Painted
from tfcomgan.metrics.features import GenerationMetricsSettings
from tfcomgan.networks.generators import Scene

Paint = Callable[[Latents], Scene]
Numbers = dict[str, dict[str, float]]


@config.settings("disentanglement")
class DisentanglementSettings:
    """How the control by z, f and b is measured.

    Attributes:
      num_pairs: Pairs of scenes whose layers are compared.
      num_pictures: Scenes for the classifiers that read codes; a quarter is unseen.
      classifier_steps: Length of their training.
    """

    num_pairs: Annotated[int, at_least(1)] = 1000
    num_pictures: Annotated[int, at_least(4)] = 5000
    classifier_steps: Annotated[int, at_least(1)] = 600


def realism(
    paint: Paint,
    sampler: Sampler,
    images: np.ndarray,
    settings: GenerationMetricsSettings,
    *,
    homes: Sequence[pathlib.Path],
    fingerprint: str,
) -> Numbers:
    """Distances between generated and real pictures, under the heading 'Generation'.

    Args:
      paint: Latents to a scene.
      sampler: Called with the number of a batch.
      images: The real ones, uint8 [N,H,W,3].
      settings: Samples and features.
      homes: Folders for the real pictures' statistics, see
        `reference.reference_statistics`.
      fingerprint: Of the real pictures, see `reference.reference_statistics`.

    Returns:
      `generation.scores`, with the numbers of pictures on both sides and of features.

    Raises:
      UserError: Inception is named and cannot be had.
    """
    extractor = settings.extractor()
    real = reference.reference_statistics(
        extractor,
        images,
        homes,
        fingerprint,
        kernel_samples=settings.kernel_samples,
        batch_size=settings.batch_size,
    )
    draw = tf.function(lambda step: paint(sampler(step)).composite)
    batches = -(-settings.num_samples // sampler.batch_size)
    steps = tf.range(batches, dtype=tf.int64)
    fake = reference.extract(
        extractor,
        (to_uint8(draw(step).numpy()) for step in steps),
        num_images=settings.num_samples,
        kernel_samples=settings.kernel_samples,
        batch_size=settings.batch_size,
    )
    counts = {
        "generated pictures": settings.num_samples,
        "training pictures": len(images),
        "features": extractor.width,
    }
    return {"Generation": generation.scores(real, fake) | counts}


def control(
    paint: Paint, sampler: Sampler, settings: DisentanglementSettings
) -> Numbers:
    """What each variable moves; and, of a generator with codes, how well layers show them.

    Returns:
      `disentanglement.effect_matrix` as 'b on mask', 1 where a variable alone moves a
      layer as much as all together; and accuracies as 'f from foreground', with chance.
    """
    effects = disentanglement.effect_matrix(paint, sampler, settings.num_pairs)
    numbers = {
        "Movement of a layer by one variable, of that by all": {
            f"{variable} on {layer}": effect
            for variable, layers in effects.items()
            for layer, effect in layers.items()
        }
    }
    if not sampler.num_codes:
        return numbers
    painted = disentanglement.paint_layers(paint, sampler, settings.num_pictures)
    numbers["Codes read from unseen layers"] = {
        f"{code} from {layer}": disentanglement.code_accuracy(
            getattr(painted, layer),
            getattr(painted, code),
            num_codes=sampler.num_codes,
            steps=settings.classifier_steps,
        )
        for layer in ("foreground", "background")
        for code in ("f", "b")
    } | {"chance": 1 / sampler.num_codes}
    return numbers


def clusters(
    paint: Paint,
    sampler: Sampler,
    images: np.ndarray,
    labels: np.ndarray,
    settings: DisentanglementSettings,
) -> Numbers:
    """Real pictures put into clusters by the f that a classifier reads from them.

    Args:
      images: uint8 [N,H,W,3].
      labels: int [N]; read here alone.
    """
    painted: Painted = disentanglement.paint_layers(
        paint, sampler, settings.num_pictures
    )
    read = disentanglement.train_classifier(
        painted.composite,
        painted.f,
        num_codes=sampler.num_codes,
        steps=settings.classifier_steps,
    )
    parts = [
        read(disentanglement.shrink(scale(part)).numpy())
        for part in reference.batches(images)
    ]
    predicted = np.concatenate(parts)
    return {
        "Clusters of training pictures by f, against their labels": {
            "ACC": disentanglement.clustering_accuracy(predicted, labels),
            "NMI": disentanglement.normalized_mutual_information(predicted, labels),
        }
    }
