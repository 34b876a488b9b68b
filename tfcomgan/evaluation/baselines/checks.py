"""What all baselines ask of the pictures they are given."""

import numpy as np


def checked_images(images_uint8: np.ndarray, *, least: int = 1) -> np.ndarray:
    """The pictures as an array.

    Raises:
      ValueError: They are not uint8 [B, H, W, 3], or have sides below `least`.
    """
    images_uint8 = np.asarray(images_uint8)
    shape, dtype = images_uint8.shape, images_uint8.dtype
    if dtype != np.uint8 or len(shape) != 4 or shape[-1] != 3:
        raise ValueError(
            f"`images_uint8` must be uint8 [B, H, W, 3]. Received: {dtype} {shape}. "
            "Convert pictures in [-1, 1] with `tfcomgan.images.to_uint8`."
        )
    if min(shape[1:3]) < least:
        raise ValueError(
            f"`images_uint8` must be at least {least} pixels high and wide, a border and "
            f"something inside. Received: shape {shape}. Load larger pictures."
        )
    return images_uint8
