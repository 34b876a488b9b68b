"""Pictures and masks as uint8, and as PNG files written whole or not at all."""

import os

import numpy as np
from PIL import Image

from tfcomgan.system import files


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Pictures in [-1, 1] as uint8, rounded; values beyond are clipped, NaN is black.

    Raises:
      ValueError: The pictures are integers, so that their range is not [-1, 1].
    """
    images = np.asarray(images)
    if images.dtype.kind in "iub":
        raise ValueError(
            "`images` must be floats in [-1, 1]. "
            f"Received: {images.dtype}. uint8 pictures need no conversion."
        )
    return _levels((images.astype(np.float32) + 1) * 127.5)


def mask_to_uint8(mask: np.ndarray) -> np.ndarray:
    """Masks [..., 1], bool or in [0, 1], as grey uint8 [..., 3]; clipped, NaN is black.

    Raises:
      ValueError: The last axis is not 1.
    """
    mask = np.asarray(mask)
    if mask.ndim == 0 or mask.shape[-1] != 1:
        raise ValueError(
            "`mask` must have one channel, [..., 1]. "
            f"Received: shape {mask.shape}. Add it with mask[..., None]."
        )
    return np.repeat(_levels(mask.astype(np.float32) * 255), 3, axis=-1)


def save_png(
    path: str | os.PathLike,
    image: np.ndarray,
    *,
    compress_level: int = 6,
    is_durable: bool = True,
) -> None:
    """Writes an image as PNG, whole or not at all; makes the folder if needed.

    Args:
      path: The file.
      image: uint8 [H, W], [H, W, 3], or [H, W, 4] with opacity.
      compress_level: 0 (quick) to 9 (small).
      is_durable: See `files.replacing`; False for thousands that can be made again.
    """
    with files.replacing(path, is_durable=is_durable) as temporary:
        Image.fromarray(image).save(
            temporary, format="PNG", compress_level=compress_level
        )


def _levels(values: np.ndarray) -> np.ndarray:
    """Values in [0, 255] to the nearest uint8."""
    # uint8 of NaN is undefined; a diverged model must not stop its own diagnosis.
    values = np.nan_to_num(values, nan=0.0)
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
