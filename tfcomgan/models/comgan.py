"""Stage one: ComGAN (section 3.1) and the disentanglement module of DS-ComGAN (3.2).

One Keras model serves every wiring: without code predictors there is no information
loss, without a global image x_z no second adversarial term, and without a mask
(SimpleGAN) the adversarial loss is all.
"""

from typing import Annotated, Literal

import tensorflow as tf

from tfcomgan import config, latents, losses
from tfcomgan.config.field_types import at_least, within
from tfcomgan.models import base, critic_view, guards, mask_monitors, update
from tfcomgan.networks import discriminators, generators, layers


@config.settings("comgan")
class ComGANSettings:
    """The objective of stage one (Eq. 3, 7, 8, 11, 12) and its optimisation.

    Attributes:
      adversarial_form: 'modified' (non-saturating, release) or 'minimax' (as printed).
      real_weight: Weight of the critic's real term: 1 in Eq. 7, 2 in the release.
      info_weight: Weight of each of the two code losses (Eq. 8).
      binary_weight: beta of Eq. 11, weight of the mask's entropy in bits.
      area_weight: Weight of the loss on masks that are nearly full or empty; 0 in the
        paper.
      area_margin: Smallest share of the picture that either side may have free of it.
      border_weight: Weight of the object's share of the border, see `guards.border_loss`;
        0 in the paper.
      size_weight: Weight of the guarded side's share of the picture; 0 in the paper.
      least_size_weight: Of what the guarded side lacks of `least_size`; 0 in the paper.
      least_size: Smallest share of the picture that the guarded side should have.
      foreground_shift: Share of the side by which the guarded side of the mask moves at
        random over the other, 0 filling in; all that follows, critics, code predictors
        and losses, sees the moved scene. 0 in the paper.
      guarded_side: The 'smaller' side of each mask, or the 'object', the side that
        covers less of the border in the batch: where objects may be large.
      guards_from: Step from which these three act; masks find their objects before.
      augment: DiffAugment of all that the critic sees; the paper does without.
      z_std: Standard deviation of z; 4 in the release.
      tie_codes: b = f, as in the release; the paper draws them independently.
      ema_decay: Of the averaged generator, per step.
      ema_statistics: Average BatchNorm's statistics too; the release does not.
    """

    adversarial_form: Literal["modified", "minimax"] = "modified"
    real_weight: Annotated[float, at_least(0)] = 1.0
    info_weight: Annotated[float, at_least(0)] = 1.0
    binary_weight: Annotated[float, at_least(0)] = 0.0
    area_weight: Annotated[float, at_least(0)] = 0.0
    area_margin: Annotated[float, within("[0, 0.5)")] = 0.1
    border_weight: Annotated[float, at_least(0)] = 0.0
    size_weight: Annotated[float, at_least(0)] = 0.0
    least_size_weight: Annotated[float, at_least(0)] = 0.0
    least_size: Annotated[float, within("[0, 0.5)")] = 0.25
    foreground_shift: Annotated[float, within("[0, 0.5)")] = 0.0
    guarded_side: Literal["smaller", "object"] = "smaller"
    guards_from: Annotated[int, at_least(0)] = 0
    augment: bool = False
    z_std: Annotated[float, at_least(0)] = 4.0
    tie_codes: bool = False
    ema_decay: Annotated[float, within("[0, 1)")] = 0.999
    ema_statistics: bool = True


def sampler(
    generator: generators.GeneratorSettings,
    settings: ComGANSettings,
    *,
    seed: int,
    batch_size: int,
    purpose: int = latents.TRAINING,
) -> latents.Sampler:
    """The prior over latents that a generator is trained with."""
    return latents.Sampler(
        seed=seed,
        purpose=purpose,
        batch_size=batch_size,
        z_dim=generator.z_dim,
        num_codes=generator.codes,
        z_std=settings.z_std,
        tie_codes=settings.tie_codes,
    )


@layers.registered
class ComGAN(base.StageModel):
    """Generator, its average, critic D_z and (with codes) predictors D_f and D_b.

    Called with latents, it gives the scene of the averaged generator:

    >>> model = ComGAN(
    ...     generator=generators.GeneratorSettings(image_size=32, width=2, num_codes=3),
    ...     critics=discriminators.CriticSettings(width=2, code_width=2),
    ...     settings=ComGANSettings(),
    ...     adam=update.AdamSettings(),
    ...     batch_size=4,
    ...     seed=0,
    ... )
    >>> scene = model(model.sample(0))
    >>> scene.composite.shape, scene.mask.shape
    (TensorShape([4, 32, 32, 3]), TensorShape([4, 32, 32, 1]))

    `fit` takes batches {"image": [B,S,S,3] in [-1, 1], "position": int64 [B]}, where
    position = step * global batch size + place in the global batch.
    """

    NETWORK = "generator"
    TRAINED = ("critic", "g_optimizer", "d_optimizer")

    def __init__(
        self,
        *,
        generator: generators.GeneratorSettings,
        critics: discriminators.CriticSettings,
        settings: ComGANSettings,
        adam: update.AdamSettings,
        batch_size: int,
        seed: int,
        **kwargs,
    ):
        arguments = dict(
            generator=generator,
            critics=critics,
            settings=settings,
            adam=adam,
            batch_size=batch_size,
            seed=seed,
        )
        super().__init__(arguments, **kwargs)
        self._batch_size = batch_size
        self.sample = sampler(generator, settings, seed=seed, batch_size=batch_size)
        size, num_codes = generator.image_size, generator.codes
        self.generator, self.generator_ema = base.twins(
            lambda: generators.build(generator)
        )
        self.critic = discriminators.build_critic(size, critics)
        self.predictors = [
            discriminators.build_code_predictor(size, critics, num_codes)
            for _ in range(2 if num_codes else 0)
        ]
        self._g_variables = [
            v
            for net in (self.generator, *self.predictors)
            for v in net.trainable_variables
        ]
        self.g_optimizer = update.adam(adam, self._g_variables)
        self.d_optimizer = update.adam(adam, self.critic.trainable_variables)

    def checkpointed(self) -> dict:
        predictors = {f"predictor_{i}": p for i, p in enumerate(self.predictors)}
        return predictors | super().checkpointed()

    def train_step(self, batch):
        step = batch["position"][0] // self._batch_size
        indices = batch["position"] % self._batch_size
        drawn = self.sample(step, indices)
        with tf.GradientTape() as tape:
            # One forward pass serves both updates.
            painted = self.generator(drawn, training=True)
            scene = self._shifted(painted, step, indices)
            see = self._see(step, indices)
            with tape.stop_recording():
                (images,) = see([batch["image"]], 0)
                d_losses = self._train_critic(
                    images, critic_view.of_scene(scene, see, 1)
                )
            g_losses = self.generator_losses(drawn, critic_view.of_scene(scene, see, 3))
            total = base.weighted_sum(g_losses, self._weights(step))
        update.check_finite(d_losses | g_losses, step)
        masks = [] if scene.mask is None else [scene.mask]
        gradients = update.apply(
            self.g_optimizer, tape, total, self._g_variables, watched=masks
        )
        self._follow(step, statistics=self._settings.ema_statistics)
        if masks:
            *gradients, of_pixels = gradients
            of_network = self._of_mask_network(gradients)
            g_losses |= mask_monitors.of_step(
                painted, scene, of_pixels, of_network, batch_size=self._batch_size
            )
        return d_losses | g_losses

    def _shifted(self, scene, step, indices):
        """The scene with its guarded side moved, where that is asked for."""
        if not self._settings.foreground_shift or scene.mask is None:
            return scene
        return guards.shifted(
            scene,
            guards.is_turned(scene.mask, self._settings.guarded_side),
            share=self._settings.foreground_shift * self._has_guards(step),
            seed=latents.stream_seed(self.sample.seed, latents.STREAM_SHIFT, step),
            indices=indices,
            batch_size=self._batch_size,
        )

    def _has_guards(self, step):
        """1 from `guards_from` on, 0 before."""
        return tf.cast(step >= self._settings.guards_from, tf.float32)

    def _see(self, step, indices):
        """How the critic sees the pictures of a step."""
        if not self._settings.augment:
            return critic_view.plain
        return critic_view.augmented(
            latents.stream_seed(self.sample.seed, latents.STREAM_AUGMENT, step),
            indices=indices,
            batch_size=self._batch_size,
        )

    def discriminator_loss(self, images, scene):
        """Eq. 3 or 7 for D_z; each kind of picture has its own BatchNorm batch."""
        return losses.discriminator_loss(
            self.critic(images, training=True),
            [self.critic(fake, training=True) for fake in critic_view.fakes(scene)],
            self._settings.real_weight,
        )

    def generator_losses(self, drawn, scene):
        """The unweighted terms of the generator's loss, by name."""
        terms = {
            "g_adversarial": losses.generator_loss(
                [self.critic(fake, training=True) for fake in critic_view.fakes(scene)],
                self._settings.adversarial_form,
            )
        }
        if self.predictors:
            # On whole layers, not on what the mask shows of them.
            layers = (scene.foreground, drawn.f), (scene.background, drawn.b)
            for name, predictor, (image, code) in zip(
                ("info_foreground", "info_background"),
                self.predictors,
                layers,
                strict=True,
            ):
                logits = predictor(image, training=True)
                terms[name] = losses.code_loss(logits, code)
        if scene.mask is None:
            return terms
        terms["mask_entropy"] = losses.binary_loss(scene.mask)
        if self._settings.area_weight:
            margin = self._settings.area_margin
            terms["area"] = losses.area_loss(scene.mask, margin)
        if self._settings.border_weight:
            terms["border"] = guards.border_loss(scene.mask)
        if self._settings.size_weight or self._settings.least_size_weight:
            guarded = guards.side(scene.mask, self._settings.guarded_side)
            terms["size"] = tf.reduce_mean(guarded)
            terms["least_size"] = losses.least_size_loss(
                guarded, self._settings.least_size
            )
        return terms

    def _weights(self, step):
        """Of the generator's loss terms, by name."""
        return {
            "g_adversarial": 1.0,
            "info_foreground": self._settings.info_weight,
            "info_background": self._settings.info_weight,
            "mask_entropy": self._settings.binary_weight,
            "area": self._settings.area_weight,
            "border": self._settings.border_weight,
            "size": self._settings.size_weight * self._has_guards(step),
            "least_size": self._settings.least_size_weight * self._has_guards(step),
        }

    def _train_critic(self, images, scene):
        with tf.GradientTape() as tape:
            loss = self.discriminator_loss(images, scene)
        update.apply(self.d_optimizer, tape, loss, self.critic.trainable_variables)
        return {"d_adversarial": loss}

    def _of_mask_network(self, gradients):
        """Those of M's parameters among the gradients of all."""
        of_mask = {id(v) for v in self.generator.mask.trainable_variables}
        pairs = zip(gradients, self._g_variables, strict=True)
        return [gradient for gradient, v in pairs if id(v) in of_mask]
