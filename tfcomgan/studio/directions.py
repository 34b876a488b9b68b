"""The directions of z that move the object most, found from a generator's own samples.

For z ~ N(0, s^2 I), Stein's lemma says E[z m(z)^T] = s^2 E[dm/dz]: the covariance of z and
mask is the mean Jacobian of the mask. Its left singular vectors are directions of z, the
first the one that moves the mask most. Samples come in pairs z, -z, which leaves out what
does not change with the sign of z and would be noise here.
"""

from collections.abc import Callable

import numpy as np

from tfcomgan.latents import Latents
from tfcomgan.serving.export_generator import Prior, Scenes

_MOST = 2
# A large generator takes a second a scene on two cores.
_LARGE, _PAIRS, _PAIRS_OF_LARGE = 64, 128, 32


def find(paint: Callable[[Latents], Scenes], prior: Prior, seed: int = 0) -> np.ndarray:
    """The first two directions, or the only one where z is a single number.

    Args:
      paint: Latents to scenes.
      prior: Of `paint`.
      seed: Of the samples; the same gives the same directions.

    Returns:
      float32 [2, z_dim], orthonormal, the stronger first. Along each the mask grows
      rather than shrinks.
    """
    pairs = _PAIRS_OF_LARGE if prior.image_size > _LARGE else _PAIRS
    drawn = prior.sampler(seed=seed, batch_size=pairs)(0)
    z = np.asarray(drawn.z)
    ahead, behind = (
        paint(drawn._replace(z=sign * z)).mask.reshape(pairs, -1) for sign in (1, -1)
    )
    jacobian = z.T @ (ahead - behind) / (2 * pairs * prior.z_std**2)
    left, _, right = np.linalg.svd(jacobian, full_matrices=False)
    signs = np.where(right.sum(axis=1) < 0, -1, 1)
    return (left * signs).T[:_MOST].astype(np.float32)
