"""The third step: a segmenter taught by its own refined masks of real photographs.

Not in the paper. A teacher's masks are drawn to the edges of their pictures, those that
moved too far are left out, and a new segmenter learns the rest by cross-entropy: what is
true of most masks is learned, what is wrong in some is not (Dombrowski et al., ICCV 2023;
GrabCut by Rother et al., 2004; the guided filter by He et al., 2010). No label is read.
"""

from typing import Annotated, Literal

import tensorflow as tf

from tfcomgan import augment, config, latents
from tfcomgan.config.field_types import POSITIVE, at_least, within
from tfcomgan.models import base, update
from tfcomgan.networks import layers, unet


@config.settings("self_training")
class SelfTrainingSettings:
    """Rounds of the stage `self_train`; shares are of a picture, or of the pictures.

    Attributes:
      rounds: At most; 0 passes the segmenter of stage two on as it is (paper).
      first_teacher: 'segmenter', that of stage two; or a baseline's masks, blurred: 'iem', or
        'grabcut', GrabCut from a box (see `GrabCutSettings`).
      refinement: 'grabcut' or 'guided'.
      refined_size: Pixels of the square pictures that are refined; 0 for the size at which
        training keeps them.
      sure_ground: Probability below which GrabCut takes a pixel for ground.
      sure_object: Probability above which it takes one for object; 1 for none.
      iterations: Of GrabCut.
      least_side: Pixels to which smaller pictures are enlarged for this refinement, as
        GrabCut finds more on four pixels of one colour than on one; 0 for none.
      radius: Of the guided filter, as a share of the picture's side.
      eps: Of the guided filter, see `refining.guided`.
      least_iou: Of the teacher's mask at 0.5 and the refined one, for a picture to be kept.
      least_area, most_area: Share of the picture a kept mask covers.
      most_border: Share of the border a kept mask covers: objects lie inside.
      most_pictures: Refined a round, drawn anew each round.
      held_aside: Training pictures on which masks are compared and nothing is learned;
        at most a tenth of them.
      least_kept: Share of pictures kept, below which a teacher's masks mean nothing: the
        rounds end there.
      agreed: Mean IoU of teacher and student from which the rounds end.
      colour_jitter: As for `segmentation`.
      ema_decay: Of the averaged student, per step.
    """

    rounds: Annotated[int, at_least(0)] = 0
    first_teacher: Literal["segmenter", "iem", "grabcut"] = "segmenter"
    refinement: Literal["grabcut", "guided"] = "grabcut"
    refined_size: Annotated[int, at_least(0)] = 0
    sure_ground: Annotated[float, within("[0, 0.5]")] = 0.03
    sure_object: Annotated[float, within("[0.5, 1]")] = 1.0
    iterations: Annotated[int, POSITIVE] = 3
    least_side: Annotated[int, at_least(0)] = 0
    radius: Annotated[float, within("(0, 0.5]")] = 0.125
    eps: Annotated[float, POSITIVE] = 1e-3
    least_iou: Annotated[float, within("[0, 1]")] = 0.5
    least_area: Annotated[float, within("[0, 1]")] = 0.04
    most_area: Annotated[float, within("[0, 1]")] = 0.7
    most_border: Annotated[float, within("[0, 1]")] = 1.0
    most_pictures: Annotated[int, POSITIVE] = 2500
    held_aside: Annotated[int, POSITIVE] = 200
    least_kept: Annotated[float, within("[0, 1]")] = 0.1
    agreed: Annotated[float, within("[0, 1]")] = 0.95
    colour_jitter: Annotated[float, within("[0, 1]")] = 0.5
    ema_decay: Annotated[float, within("[0, 1)")] = 0.98

    def __post_init__(self):
        if self.least_area >= self.most_area:
            raise ValueError(
                "`self_training.least_area` must be less than most_area. Received: "
                f"{self.least_area} and {self.most_area}."
            )


@layers.registered
class Student(base.StageModel):
    """A new segmenter and its average, taught by photographs with masks.

    `fit` takes batches as `input_pipeline.training_batches` gives them with masks.

    Args:
      batch_size: Global, over all replicas.
      seed: Of the colour jitter.
    """

    NETWORK = "segmenter"
    TRAINED = ("s_optimizer",)

    def __init__(
        self,
        *,
        image_size: int,
        segmenter: unet.SegmenterSettings,
        settings: SelfTrainingSettings,
        adam: update.AdamSettings,
        batch_size: int,
        seed: int,
        **kwargs,
    ):
        arguments = dict(
            image_size=image_size,
            segmenter=segmenter,
            settings=settings,
            adam=adam,
            batch_size=batch_size,
            seed=seed,
        )
        super().__init__(arguments, **kwargs)
        self._batch_size, self._seed = batch_size, seed
        self.segmenter, self.segmenter_ema = base.twins(
            lambda: unet.build(segmenter, image_size)
        )
        self.s_optimizer = update.adam(adam, self.segmenter.trainable_variables)

    def train_step(self, batch):
        step = batch["position"][0] // self._batch_size
        images = augment.colour_jitter(
            batch["image"],
            strength=self._settings.colour_jitter,
            seed=latents.stream_seed(self._seed, latents.STREAM_COLOUR_REAL, step),
            indices=batch["position"] % self._batch_size,
            batch_size=self._batch_size,
        )
        with tf.GradientTape() as tape:
            logits = self.segmenter(images, training=True)
            loss = tf.reduce_mean(
                tf.nn.sigmoid_cross_entropy_with_logits(batch["mask"], logits)
            )
        losses = {"cross_entropy": loss}
        update.check_finite(losses, step)
        update.apply(self.s_optimizer, tape, loss, self.segmenter.trainable_variables)
        self._follow(step)
        return losses | {"real_mask_area": tf.reduce_mean(tf.sigmoid(logits))}
