"""Inpainting-error maximisation, IEM (Savarese et al., CVPR 2021), without its refinement.

A mask is good if its foreground cannot be inpainted from its background nor the
background from the foreground. Reads no labels and learns nothing.

Written from memory of the paper and the README of its release, not from its code.
The paper's: the objective (L1 errors per pixel of both sides), the fixed inpainter
(Gaussian mean of the visible pixels, sigma 5 at 128 px, reach 10), binary masks that
start as a centred square and change along their boundary by the gradient, smoothed
after each of 150 steps.
Ours: a pixel that sees little is inpainted with the mean colour of what is visible; the
size of the square; smoothing by majority of 3 x 3; the best mask of the search counts,
not the last; the side that covers less of the border is the object. The release's term
of weight lambda = 0.001 is left out.
"""

from typing import Annotated

import cv2
import numpy as np
import tensorflow as tf

from tfcomgan import config
from tfcomgan.config.field_types import at_least, within
from tfcomgan.evaluation.baselines import checks
from tfcomgan.models import orientation

_BATCH = 100
# Weight of the mean colour in the inpainter; what is seen weighs 0 to 1. This and `start`
# are the best of three and of four values on 50 scenes (seed 7) with their masks.
_PRIOR = 0.1


@config.settings("iem")
class IEMSettings:
    """Settings of IEM.

    Attributes:
      sigma: Of the inpainter's Gaussian, as a share of the picture's longer side, in
        (0, 1]. The paper's: 5 / 128.
      start: Side of the square the search starts from, as a share of each side of the
        picture, in (0, 1).
      iterations: Steps, at least 1; a step moves the boundary by a pixel.
    """

    sigma: Annotated[
        float,
        within("(0, 1]", "It is a share of the picture's side: divide pixels by it."),
    ] = 0.039
    start: Annotated[
        float, within("(0, 1)", "The search needs pixels of both sides.")
    ] = 0.7
    iterations: Annotated[int, at_least(1)] = 150


def iem_masks(images_uint8: np.ndarray, settings: IEMSettings) -> np.ndarray:
    """Masks that maximise the inpainting error, each picture by itself.

    Args:
      images_uint8: uint8 [B, H, W, 3], RGB, at least 3 pixels high and wide.

    Returns:
      float32 [B, H, W, 1] in {0, 1}; all 0 for a picture of one colour.

    Raises:
      ValueError: The pictures are not uint8 [B, H, W, 3], or too small.
    """
    images_uint8 = checks.checked_images(images_uint8, least=3)
    masks = np.zeros((*images_uint8.shape[:3], 1), np.float32)
    for i in range(0, len(masks), _BATCH):
        images = images_uint8[i : i + _BATCH].astype(np.float32) / 127.5 - 1
        best, _ = search(images, settings)
        masks[i : i + _BATCH] = _object_side(best.numpy())
    is_constant = np.all(images_uint8 == images_uint8[:, :1, :1], axis=(1, 2, 3))
    masks[is_constant] = 0  # Every mask is as good as any: its error is 0.
    return masks


def softened(masks: np.ndarray) -> np.ndarray:
    """Masks blurred by a sixteenth of the side: near the outline nothing is sure.

    Args:
      masks: float32 [B, S, S, 1] in {0, 1}.

    Returns:
      float32 [B, S, S, 1] in [0, 1].
    """
    sigma = masks.shape[1] / 16
    soft = np.stack([cv2.GaussianBlur(m, (0, 0), sigma) for m in masks])[..., None]
    return np.clip(soft, 0, 1)  # Rounding leaves 1.


def search(images: tf.Tensor, settings: IEMSettings) -> tuple[tf.Tensor, tf.Tensor]:
    """Greedy ascent of the inpainting error over binary masks.

    Args:
      images: float32 [B, H, W, 3] in [-1, 1].

    Returns:
      masks: float32 [B, H, W, 1] in {0, 1}, the best of the start and of each step. Which
        side is the object is open.
      errors: float32 [iterations + 1, B], `inpainting_error` of the start and of each step.
    """
    images = tf.convert_to_tensor(images, tf.float32)
    num, height, width = images.shape[:3]
    square = np.outer(*(_centre(settings.start, side) for side in (height, width)))
    masks = tf.broadcast_to(tf.constant(square, tf.float32), [num, 1, height, width])
    blur = _gaussians(height, width, settings.sigma * max(height, width))
    best, errors = _ascend(_nchw(images), masks, blur, tf.constant(settings.iterations))
    return tf.transpose(best, [0, 2, 3, 1]), errors


def inpainting_error(images: tf.Tensor, masks: tf.Tensor, sigma: float) -> tf.Tensor:
    """How badly each side of a mask is inpainted from the other.

    L(M) = ||M (X - psi(X, 1 - M))||_1 / ||M||_1
         + ||(1 - M) (X - psi(X, M))||_1 / ||1 - M||_1,
    psi(X, V) = (K * (V X) + 0.1 mean_V X) / (K * V + 0.1): K a Gaussian of sum 1, cut at
    2 sigma, 0 outside of the picture; mean_V X the mean colour of what V shows.

    Args:
      images: float32 [B, H, W, 3] in [-1, 1].
      masks: float32 [B, H, W, 1] in [0, 1].
      sigma: Standard deviation of K in pixels.

    Returns:
      float32 [B], sum over channels, in [0, 12]: 0 if everything has one colour. An empty
      side adds 0.
    """
    blur = _gaussians(images.shape[1], images.shape[2], sigma)
    return _error(_nchw(images), _nchw(masks), blur)


@tf.function(reduce_retracing=True)
def _ascend(images, masks, blur, iterations):
    """`search` on NCHW: there each blur is two plain matrix products, ten times faster."""
    best, best_error = masks, tf.fill([tf.shape(masks)[0]], -1.0)
    errors = tf.TensorArray(tf.float32, iterations + 1)
    for i in tf.range(iterations + 1):
        with tf.GradientTape() as tape:
            tape.watch(masks)
            error = _error(images, masks, blur)
        is_better = error > best_error
        best = tf.where(is_better[:, None, None, None], masks, best)
        best_error = tf.maximum(error, best_error)
        errors = errors.write(i, error)
        masks = _step(masks, tape.gradient(error, masks))
    return best, errors.stack()


def _error(images, masks, blur):
    """`inpainting_error` on NCHW."""

    def of(hidden, visible):
        difference = tf.abs(images - _inpaint(images, visible, blur))
        return _ratio(hidden * difference, hidden, [1, 2, 3])

    return of(masks, 1 - masks) + of(1 - masks, masks)


def _inpaint(images, visible, blur):
    mean = _ratio(visible * images, visible, [2, 3], keepdims=True)
    rows, columns = blur
    seen = rows @ tf.concat([visible * images, visible], axis=1) @ columns
    return (seen[:, :-1] + _PRIOR * mean) / (seen[:, -1:] + _PRIOR)


def _step(masks, gradient):
    """Pixels on the boundary follow the sign of the gradient; then majority of 3 x 3."""
    is_wanted = tf.where(gradient == 0, masks, tf.cast(gradient > 0, tf.float32))
    has_both = _pool(masks, "MAX") + _pool(-masks, "MAX") > 0
    return tf.round(_pool(tf.where(has_both, is_wanted, masks), "AVG"))


def _pool(masks, kind: str):
    pooled = tf.nn.pool(tf.transpose(masks, [0, 2, 3, 1]), [3, 3], kind, padding="SAME")
    return _nchw(pooled)


def _ratio(values, weights, axes, keepdims=False):
    """Sum of `values` over sum of `weights`, 0 where there is no weight."""
    return tf.math.divide_no_nan(
        tf.reduce_sum(values, axes, keepdims), tf.reduce_sum(weights, axes, keepdims)
    )


def _gaussians(height: int, width: int, sigma: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Matrices that blur along the height from the left and the width from the right."""
    reach = int(np.ceil(2 * sigma))

    def weights(distance):
        return np.exp(-0.5 * (distance / sigma) ** 2) * (np.abs(distance) <= reach)

    total = weights(np.arange(-reach, reach + 1)).sum()
    offsets = (np.subtract.outer(np.arange(n), np.arange(n)) for n in (height, width))
    return tuple(tf.constant(weights(o) / total, tf.float32) for o in offsets)


def _centre(share: float, side: int) -> np.ndarray:
    """1 on the middle `share` of a line of pixels, at least one, and 0 at its ends."""
    border = min(max(round((1 - share) / 2 * side), 1), (side - 1) // 2)
    return np.pad(np.ones(side - 2 * border), border)


def _object_side(masks: np.ndarray) -> np.ndarray:
    """The side that covers less of the picture's border, as `orientation` chooses."""
    is_outside = orientation.border_share(masks) > 0.5
    return np.where(is_outside[:, None, None, None], 1 - masks, masks)


def _nchw(images):
    return tf.transpose(images, [0, 3, 1, 2])
