"""The stages `train_generator` and `train_segmenter`."""

import numpy as np
import tensorflow as tf

from pipelines import attempts, weights
from pipelines.artifacts import Pictures, TrainedGenerator
from pipelines.attempts import Training
from pipelines.work import Work
from tfcomgan import latents, run_folder
from tfcomgan.data import input_pipeline
from tfcomgan.data.input_pipeline import InputSettings
from tfcomgan.data.reading import View
from tfcomgan.figures import grids
from tfcomgan.models import comgan, inference, segmentation
from tfcomgan.models import orientation as orientations
from tfcomgan.models.comgan import ComGANSettings
from tfcomgan.models.orientation import OrientationSettings
from tfcomgan.models.segmentation import SegmentationSettings
from tfcomgan.models.update import AdamSettings
from tfcomgan.networks import generators
from tfcomgan.networks.discriminators import CriticSettings
from tfcomgan.networks.generators import GeneratorSettings
from tfcomgan.networks.unet import SegmenterSettings
from tfcomgan.training.monitor import MonitorSettings
from tfcomgan.training.settings import TrainingSettings

_PICTURES = 12  # Columns of a grid.
_PAINTED = "Scenes that the generator paints, a column each"
_GLOBAL = (
    "global image: the same scene painted whole from z, without layers. It helps the "
    "training and is no part of the composite."
)
_PREDICTED = "Training pictures, and what the segmenter takes for the object"


def train_generator(
    work: Work,
    *,
    examples: Pictures,
    pictures: InputSettings,
    network: GeneratorSettings,
    critics: CriticSettings,
    objective: ComGANSettings,
    adam: AdamSettings,
    schedule: TrainingSettings,
    watch: MonitorSettings,
    orienting: OrientationSettings,
) -> dict:
    """Stage one: trains ComGAN or DS-ComGAN and orients its averaged generator."""

    def sampler(batch_size, purpose):
        return comgan.sampler(
            network,
            objective,
            seed=schedule.seed,
            batch_size=batch_size,
            purpose=purpose,
        )

    def make_model(seed):
        return comgan.ComGAN(
            generator=network,
            critics=critics,
            settings=objective,
            adam=adam,
            batch_size=schedule.batch_size,
            seed=seed,
        )

    def drawer(model):
        drawn = sampler(_PICTURES, latents.PICTURES)(0)
        paint = tf.function(lambda: model.generator_ema(drawn, training=False))

        def draw():
            scene = generators.from_black(paint(), pictures.low)
            note = "" if scene.global_image is None else _GLOBAL
            return grids.titled(grids.scene_grid(scene, _PICTURES), _PAINTED, note)

        return draw

    def oriented(model):
        sample = sampler(100, latents.ORIENTING)
        masks = _paint_masks(model.generator_ema, sample, orienting.num_samples)
        return masks, orientations.measure(masks)

    def doubt(model):
        if not network.has_mask or not orienting.can_doubt:
            return ""
        return orienting.doubt(oriented(model)[1])

    split, crop = pictures.training_split, pictures.crop
    images = examples.load(View(split, crop=crop, size=pictures.kept_size)).images
    training = Training(
        images=images,
        pictures=pictures,
        schedule=schedule,
        watch=watch,
        make_model=make_model,
        drawer=drawer,
        shown=("d_adversarial", "g_adversarial", "mask_area", "mask_entropy"),
        doubt=doubt,
    )
    model, watched = attempts.train(work, training)
    if not work.place.is_writer:
        return {}
    weights.save(model.generator_ema, work.folder / run_folder.NETWORK)
    weights.save(
        model.critic, work.folder / run_folder.CRITIC
    )  # Ranks what is generated.
    if not network.has_mask:
        return {"object_side": None, **watched}
    masks, measured = oriented(model)
    side = orienting.object_side
    return {
        "object_side": measured.side if side == "auto" else side,
        "orientation": measured._asdict() | {"is_sure": measured.is_sure},
        "mask_area": float(masks.mean()),
        **watched,
    }


def train_segmenter(
    work: Work,
    *,
    examples: Pictures,
    generator: TrainedGenerator,
    pictures: InputSettings,
    network: SegmenterSettings,
    critics: CriticSettings,
    objective: SegmentationSettings,
    adam: AdamSettings,
    schedule: TrainingSettings,
    watch: MonitorSettings,
) -> dict:
    """Stage two: trains the segmenter on what the frozen generator paints."""
    split, crop = pictures.training_split, pictures.crop
    images = examples.load(View(split, crop=crop, size=pictures.kept_size)).images
    shown = examples.first(View(split, crop=crop, size=pictures.image_size), _PICTURES)

    def make_model(seed):
        return segmentation.SegmentationModule(
            paint=generator.load_oriented(as_trained=True),
            sample=generator.sampler(
                seed=seed,
                batch_size=schedule.batch_size,
                purpose=latents.SEGMENTING,
            ),
            image_size=pictures.image_size,
            segmenter=network,
            critics=critics,
            settings=objective,
            adam=adam,
        )

    def drawer(model):
        predict = inference.predictor(model.segmenter_ema, pictures.low)
        scaled = input_pipeline.scale(shown).numpy()
        return lambda: grids.titled(
            grids.prediction_grid(scaled, predict(shown)), _PREDICTED
        )

    training = Training(
        images=images,
        pictures=pictures,
        schedule=schedule,
        watch=watch,
        make_model=make_model,
        drawer=drawer,
        shown=("consistency", "s_adversarial", "real_mask_area"),
        area="real_mask_area",
    )
    model, watched = attempts.train(work, training)
    if not work.place.is_writer:
        return {}
    weights.save(model.segmenter_ema, work.folder / run_folder.NETWORK)
    return {"object_side": generator.side, **watched}


def _paint_masks(generator, sampler, count: int) -> np.ndarray:
    """At least `count` masks of the generator in inference mode."""
    paint = tf.function(lambda step: generator(sampler(step), training=False).mask)
    batches = -(-count // sampler.batch_size)
    steps = tf.range(batches, dtype=tf.int64)
    return np.concatenate([paint(step).numpy() for step in steps])[:count]
