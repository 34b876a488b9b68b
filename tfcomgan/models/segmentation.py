"""Stage two: the segmentation module of DS-ComGAN (section 3.3).

The frozen generator paints pictures with masks; S learns to give those masks back
(Eq. 10), and D_m makes its masks of real pictures look like them (Eq. 9).
"""

from collections.abc import Callable
from typing import Annotated, Literal

import keras
import tensorflow as tf

from tfcomgan import augment, config, latents, losses
from tfcomgan.config.field_types import at_least, within
from tfcomgan.models import base, update
from tfcomgan.networks import discriminators, layers, unet
from tfcomgan.networks.generators import Scene


@config.settings("segmentation")
class SegmentationSettings:
    """The objective of stage two (Eq. 9, 10, 12).

    Attributes:
      adversarial_form: 'modified' (non-saturating, release) or 'minimax' (as printed).
      real_weight: Weight of D_m's real term: 1 in Eq. 9, 2 in the release.
      adversarial_weight: Weight of S's adversarial loss (1 in Eq. 12); 0 leaves D_m out.
      consistency_weight: lambda of Eq. 12; 2 in the release.
      colour_jitter: Strength of random changes of brightness, contrast, saturation and
        channels of synthetic and real pictures, in [0, 1]; 0 (paper) for none.
      ema_decay: Of the averaged segmenter, per step; 0 keeps the trained one (paper).
    """

    adversarial_form: Literal["modified", "minimax"] = "modified"
    real_weight: Annotated[float, at_least(0)] = 1.0
    adversarial_weight: Annotated[float, at_least(0)] = 1.0
    consistency_weight: Annotated[float, at_least(0)] = 2.0
    colour_jitter: Annotated[float, within("[0, 1]")] = 0.0
    ema_decay: Annotated[float, within("[0, 1)")] = 0.0


@layers.registered
class SegmentationModule(base.StageModel):
    """S, its average and D_m, taught by a frozen generator in inference mode.

    Called with pictures, it gives the mask logits of the averaged segmenter. `fit` takes
    batches as `ComGAN` does.

    Args:
      paint: Latents to a Scene whose mask is 1 on the object: the averaged generator,
        `Oriented`. It is no part of a checkpoint, and is saved with the model.
      sample: Draws latents; its batch size and seed are those of the training.
    """

    NETWORK = "segmenter"
    TRAINED = ("mask_critic", "s_optimizer", "d_optimizer")

    def __init__(
        self,
        *,
        paint: Callable[[latents.Latents], Scene],
        sample: latents.Sampler,
        image_size: int,
        segmenter: unet.SegmenterSettings,
        critics: discriminators.CriticSettings,
        settings: SegmentationSettings,
        adam: update.AdamSettings,
        **kwargs,
    ):
        arguments = dict(
            paint=paint,
            sample=sample,
            image_size=image_size,
            segmenter=segmenter,
            critics=critics,
            settings=settings,
            adam=adam,
        )
        super().__init__(arguments, **kwargs)
        self._paint = paint
        if isinstance(paint, keras.layers.Layer):
            paint.trainable = False
        self._sample = sample
        self.segmenter, self.segmenter_ema = base.twins(
            lambda: unet.build(segmenter, image_size)
        )
        self.mask_critic = discriminators.build_critic(image_size, critics)
        self.s_optimizer = update.adam(adam, self.segmenter.trainable_variables)
        self.d_optimizer = update.adam(adam, self.mask_critic.trainable_variables)

    def train_step(self, batch):
        step = batch["position"][0] // self._sample.batch_size
        indices = batch["position"] % self._sample.batch_size
        scene = self._paint(self._sample(step, indices))
        synthetic, real = self._jitter(
            tf.stop_gradient(scene.composite), batch["image"], step, indices
        )
        mask = tf.stop_gradient(scene.mask)
        with tf.GradientTape() as tape:
            # One forward pass of each kind serves both updates.
            predicted = self.predict_masks(synthetic), self.predict_masks(real)
            d_losses = {}
            if self._settings.adversarial_weight:
                with tape.stop_recording():
                    d_losses = self._train_critic(mask, predicted)
            s_losses = self.segmenter_losses(mask, predicted)
            total = base.weighted_sum(s_losses, self._weights())
        update.check_finite(d_losses | s_losses, step)
        update.apply(self.s_optimizer, tape, total, self.segmenter.trainable_variables)
        self._follow(step)
        return d_losses | s_losses | self._monitors(predicted)

    def predict_masks(self, images):
        """S(x) as probabilities, in training mode."""
        return tf.sigmoid(self.segmenter(images, training=True))

    def discriminator_loss(self, mask, predicted):
        """Eq. 9 for D_m: the generated mask is real, both predicted ones are fake."""
        return losses.discriminator_loss(
            self.mask_critic(mask, training=True),
            [self.mask_critic(fake, training=True) for fake in predicted],
            self._settings.real_weight,
        )

    def segmenter_losses(self, mask, predicted):
        """The unweighted terms of the segmenter's loss, by name."""
        terms = {"consistency": losses.consistency_loss(predicted[0], mask)}
        if self._settings.adversarial_weight:
            terms["s_adversarial"] = losses.generator_loss(
                [self.mask_critic(fake, training=True) for fake in predicted],
                self._settings.adversarial_form,
            )
        return terms

    def _weights(self):
        """Of the segmenter's loss terms, by name."""
        return {
            "consistency": self._settings.consistency_weight,
            "s_adversarial": self._settings.adversarial_weight,
        }

    def _train_critic(self, mask, predicted):
        with tf.GradientTape() as tape:
            loss = self.discriminator_loss(mask, predicted)
        update.apply(self.d_optimizer, tape, loss, self.mask_critic.trainable_variables)
        return {"dm_adversarial": loss}

    def _jitter(self, synthetic, real, step, indices):
        if not self._settings.colour_jitter:
            return synthetic, real
        streams = latents.STREAM_COLOUR_SYNTHETIC, latents.STREAM_COLOUR_REAL
        return tuple(
            augment.colour_jitter(
                images,
                strength=self._settings.colour_jitter,
                seed=latents.stream_seed(self._sample.seed, stream, step),
                indices=indices,
                batch_size=self._sample.batch_size,
            )
            for stream, images in zip(streams, (synthetic, real), strict=True)
        )

    def _monitors(self, predicted):
        synthetic, real = predicted
        return {
            "synthetic_mask_area": tf.reduce_mean(synthetic),
            "real_mask_area": tf.reduce_mean(real),
            "real_mask_entropy": losses.binary_loss(real),
        }
