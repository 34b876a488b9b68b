"""Losses of ComGAN and DS-ComGAN (Ding et al., NeurIPS 2022).

Pure functions; each returns a float32 scalar averaged over the batch. Adversarial and
code losses take logits, mask losses take probabilities in [0, 1].
Eq. 3 of the paper is misprinted: its second term is log(1 - D).
"""

from collections.abc import Sequence
from typing import Literal

import tensorflow as tf

from tfcomgan import tfgan

AdversarialForm = Literal["modified", "minimax"]

# Keeps log2 and its gradient finite where a mask saturates in float32.
_EPSILON = 1e-6


def discriminator_loss(
    real_logits: tf.Tensor,
    fake_logits: Sequence[tf.Tensor],
    real_weight: float = 1.0,
) -> tf.Tensor:
    """Cross-entropy of a critic (Eq. 3, 7, 9, sign turned to be minimised).

    Args:
      real_logits: [batch, 1]; the critic on real examples.
      fake_logits: One [batch, 1] per kind of fake: x_z and x in Eq. 7, the predicted
        masks of synthetic and of real pictures in Eq. 9. Each counts fully.
      real_weight: Weight of the real term: 1 in the paper, 2 in the release.

    Returns:
      Scalar in nats; (real_weight + number of fakes) * log 2 for a blind critic.
    """
    loss = tfgan.losses.wargs.minimax_discriminator_loss(
        real_logits,
        tf.zeros_like(real_logits),
        label_smoothing=0.0,
        real_weights=real_weight,
        generated_weights=0.0,
    )
    return tf.add_n([loss, *map(_fake_term, fake_logits)])


def _fake_term(fake_logits: tf.Tensor) -> tf.Tensor:
    """-log(1 - D), the critic's loss on one kind of fake."""
    return tfgan.losses.wargs.minimax_discriminator_loss(
        tf.zeros_like(fake_logits), fake_logits, label_smoothing=0.0, real_weights=0.0
    )


# TF-GAN's minimax_generator_loss adds a constant, 0.31 per kind; the term itself is this.
_GENERATOR_LOSS = {
    "modified": tfgan.losses.wargs.modified_generator_loss,
    "minimax": lambda fake_logits: -_fake_term(fake_logits),
}


def generator_loss(
    fake_logits: Sequence[tf.Tensor], form: AdversarialForm = "modified"
) -> tf.Tensor:
    """Adversarial loss of a generator, or of the segmenter (Eq. 3, 7, 9).

    Args:
      fake_logits: One [batch, 1] per kind of fake; their losses add up.
      form: 'modified': -log D, as the release does; 'minimax': log(1 - D), as printed.

    Returns:
      Scalar in nats; against a blind critic log 2 per kind ('modified'), or -log 2.
    """
    return tf.add_n([_GENERATOR_LOSS[form](logits) for logits in fake_logits])


def code_loss(code_logits: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of a latent code as predicted from an image (Eq. 8).

    Minimising it raises a lower bound on the mutual information of image and code.

    Args:
      code_logits: [batch, num_codes], unnormalised, from D_f or D_b.
      code: [batch, num_codes], one-hot; the code that made the image.

    Returns:
      Scalar in nats: log(num_codes) for a blind predictor, 0 for a perfect one.

    Raises:
      ValueError: The shapes differ.
    """
    if not code_logits.shape.is_compatible_with(code.shape):
        raise ValueError(
            "`code_logits` and `code` must have one row an example, one column a code. "
            f"Received: code_logits.shape={code_logits.shape}, code.shape={code.shape}."
        )
    return tf.reduce_mean(
        tf.nn.softmax_cross_entropy_with_logits(labels=code, logits=code_logits)
    )


def binary_loss(mask: tf.Tensor) -> tf.Tensor:
    """Mean base-2 entropy of the mask's pixels (L_binary of Eq. 11).

    Args:
      mask: Probabilities of any shape, 1 = foreground.

    Returns:
      Scalar in bits: 1 where every pixel is 0.5, 0 where every pixel is 0 or 1.
    """
    m = tf.clip_by_value(mask, _EPSILON, 1.0 - _EPSILON)
    nats = -m * tf.math.log(m) - (1.0 - m) * tf.math.log1p(-m)
    return tf.reduce_mean(nats) / tf.math.log(2.0)


def area_loss(mask: tf.Tensor, margin: float) -> tf.Tensor:
    """How far each mask's area leaves [margin, 1 - margin], on average.

    Not in the paper: the guard of Counterfactual Generative Networks (Sauer & Geiger,
    2021) against the first trivial solution, a mask that is full or empty.

    Args:
      mask: [batch, height, width, 1] in [0, 1].
      margin: Smallest share of the picture that either side may have, in [0, 0.5).

    Returns:
      Scalar in [0, margin]: 0 where all areas lie inside, `margin` where all masks are
      full or empty.
    """
    area = tf.reduce_mean(mask, axis=[1, 2, 3])
    outside = tf.maximum(margin - area, 0.0) + tf.maximum(area - (1.0 - margin), 0.0)
    return tf.reduce_mean(outside)


def least_size_loss(mask: tf.Tensor, least: float) -> tf.Tensor:
    """What each mask's area lacks of `least`, on average.

    Not in the paper: the guard of PerturbGAN (Bielski & Favaro, 2019) against objects
    that shrink away.

    Args:
      mask: [batch, height, width, 1] in [0, 1]; the object's side.
      least: Share of the picture, in [0, 1].

    Returns:
      Scalar in [0, least].
    """
    area = tf.reduce_mean(mask, axis=[1, 2, 3])
    return tf.reduce_mean(tf.maximum(least - area, 0.0))


def consistency_loss(predicted: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference of predicted and generated mask (Eq. 10).

    Args:
      predicted: [batch, height, width, 1] in [0, 1]; S(x) of a synthetic picture x.
      mask: The mask that composed the picture, same shape.

    Returns:
      Scalar in [0, 1].
    """
    return tf.reduce_mean(tf.abs(predicted - mask))
