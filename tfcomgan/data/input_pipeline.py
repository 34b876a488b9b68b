"""From a prepared TFDS folder to batches of pictures in [-1, 1].

A split is decoded, cropped and resized once to uint8 and kept in memory; each training
batch is then a pure function of (seed, step): shuffled by index, augmented stateless.
Nothing of it has to be saved for a resumed run to see the same batches.
"""

from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tfcomgan import config, latents
from tfcomgan.config.field_types import at_least
from tfcomgan.data.shares import WHOLE, Share
from tfcomgan.errors import UserError

# A record that is cut or altered, too few of them, no file.
_DAMAGE = (
    tf.errors.DataLossError,
    tf.errors.FailedPreconditionError,
    tf.errors.NotFoundError,
)


@config.settings("input_pipeline")
class InputSettings:
    """How pictures become network inputs.

    Attributes:
      image_size: Pixels of the network's input.
      training_split: What is trained on, in TFDS's syntax: 'train+test' for all of a
        data set with two splits, as the paper does.
      crop: Part of the picture used: 'center' (largest centred square; uses no
        annotation), 'full' (all of it, squashed to a square) or 'box' (square of 1.5
        times the annotated box, as the release).
      margin: Pictures are kept this many times larger and cropped at random in
        training; 1 for no random crop. The release: 76 / 64.
      flip: Mirror half of the pictures in training.
      low: Value of black for the networks: -1, or 0 as in the release's training.
    """

    image_size: int
    training_split: str = "train"
    crop: Literal["center", "full", "box"] = "center"
    margin: Annotated[float, at_least(1)] = 1.0
    flip: bool = True
    low: Literal[-1, 0] = -1

    @property
    def kept_size(self) -> int:
        """Pixels at which pictures are kept in memory."""
        return round(self.image_size * self.margin)


class Examples(NamedTuple):
    """A split in memory.

    images: uint8 [N,S,S,3].
    masks: uint8 [N,S,S,1] in {0,1}, or None.
    names: File names.
    labels: int64 [N], or None.
    """

    images: np.ndarray
    masks: np.ndarray | None
    names: list[str]
    labels: np.ndarray | None = None


def load(
    builder: tfds.core.DatasetBuilder,
    adapt,
    split: str,
    *,
    crop: str,
    size: int,
    with_masks: bool,
    with_labels: bool = False,
) -> Examples:
    """Reads a split in the order it is stored.

    Args:
      builder: A prepared builder.
      adapt: Turns one of its examples into {"image", "mask"?, "box"?, "label"?,
        "file_name"}; a `Source`'s method.
      split: TFDS split name, or several joined by '+'.
      crop: 'center', 'full' or 'box', see `InputSettings`.
      size: Pixels of the square pictures returned.
      with_masks, with_labels: Read them too, training never does; with masks, pictures
        that have none are left out.

    Raises:
      UserError: The split is empty, unknown or damaged, or masks, boxes or labels are
        asked for that the data set does not have.
    """
    # 'train[:90%]+test' is made of 'train' and 'test'.
    if not {part.split("[")[0] for part in split.split("+")} <= set(
        builder.info.splits
    ):
        raise UserError(
            f"`{builder.name}` has no split {split!r}. "
            f"It has: {', '.join(builder.info.splits)}."
        )

    @tf.autograph.experimental.do_not_convert  # It would wrap errors in a traceback.
    def read(raw):
        example = adapt(raw)
        wanted = {"mask": with_masks, "label": with_labels, "box": crop == "box"}
        for key, needed in wanted.items():
            if needed and key not in example:
                raise UserError(f"`{builder.name}` has no {key} in its examples.")
        box = _square(tf.shape(example["image"]), example.get("box"), crop)
        out = {"image": _picture(example["image"], box, size)}
        out["name"] = example["file_name"]
        if with_masks:
            out["mask"] = _mask(example["mask"], box, size)
        if with_labels:
            out["label"] = tf.cast(example["label"], tf.int64)
        return out

    read_config = tfds.ReadConfig(
        interleave_cycle_length=1, try_autocache=False, add_tfds_id=False
    )
    raw = builder.as_dataset(split=split, shuffle_files=False, read_config=read_config)
    if with_masks and "has_mask" in raw.element_spec:
        raw = raw.filter(lambda example: example["has_mask"])
    rows = raw.map(read, num_parallel_calls=2).batch(256)
    try:
        rows = list(rows.as_numpy_iterator())
    except _DAMAGE as error:
        raise UserError(
            f"The prepared data of `{builder.name}` are damaged "
            f"({type(error).__name__} in split {split!r}). Delete the folder "
            f"{builder.data_dir} and give the same command again; it prepares them anew."
        ) from error
    if not rows:
        raise UserError(f"Split {split!r} of `{builder.name}` holds no pictures.")
    return Examples(
        np.concatenate([row["image"] for row in rows]),
        np.concatenate([row["mask"] for row in rows]) if with_masks else None,
        [name.decode() for row in rows for name in row["name"]],
        np.concatenate([row["label"] for row in rows]) if with_labels else None,
    )


def squared(
    image: np.ndarray, masks: Iterable[np.ndarray], *, crop: str, size: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """A picture and masks of it as `load` makes them of a data set's.

    Args:
      image: uint8 [H,W,3].
      masks: Each [H,W,1], over 0 on the object.
      crop: 'center' or 'full', see `InputSettings`.
      size: Pixels of the squares returned.

    Returns:
      uint8 [size,size,3] and, of each mask, uint8 [size,size,1] in {0, 1}.
    """
    box = _square(image.shape, None, crop)
    made = [_mask(tf.constant(mask), box, size).numpy() for mask in masks]
    return _picture(tf.constant(image), box, size).numpy(), made


def _picture(image, box, size):
    return tf.cast(tf.round(_resize(image, box, size)), tf.uint8)


def _mask(mask, box, size):
    """Object where at least half of a pixel was."""
    covered = _resize(tf.cast(mask > 0, tf.float32), box, size)
    return tf.cast(covered >= 0.5, tf.uint8)


def _square(shape, box, crop):
    """(top, left, height, width) int32 of the part of the picture that is used."""
    height, width = shape[0], shape[1]
    if crop == "full":
        return 0, 0, height, width
    if crop == "center":
        side = tf.minimum(height, width)
        return (height - side) // 2, (width - side) // 2, side, side
    # As FineGAN, DRC and the release: half side = int(0.75 max(w, h)), clipped.
    # Boxes are annotated in whole pixels, which float32 fractions miss by a little.
    y0, x0, y1, x1 = tf.unstack(
        tf.round(box * tf.cast([height, width, height, width], tf.float32))
    )
    half = tf.cast(0.75 * tf.maximum(y1 - y0, x1 - x0), tf.int32)
    cy, cx = tf.cast((y0 + y1) / 2, tf.int32), tf.cast((x0 + x1) / 2, tf.int32)
    top, left = tf.maximum(cy - half, 0), tf.maximum(cx - half, 0)
    bottom, right = tf.minimum(cy + half, height), tf.minimum(cx + half, width)
    return top, left, bottom - top, right - left


def _resize(image, box, size):
    """The box of the picture at [size, size, C], antialiased; float32, same range."""
    top, left, height, width = box
    image = tf.cast(image[top : top + height, left : left + width], tf.float32)
    return tf.image.resize(image, [size, size], antialias=True)


def scale(images_uint8: tf.Tensor, low: int = -1) -> tf.Tensor:
    """uint8 to float32 in [low, 1]."""
    return tf.cast(images_uint8, tf.float32) * ((1 - low) / 255.0) + float(low)


def training_batches(
    images: np.ndarray,
    settings: InputSettings,
    *,
    batch_size: int,
    seed: int,
    start: int,
    steps: int,
    masks: np.ndarray | None = None,
    share: Share = WHOLE,
) -> tf.data.Dataset:
    """The batches of steps [start, steps), each picture once an epoch.

    Args:
      images: uint8 [N, kept_size, kept_size, 3].
      settings: Size, crop margin and flips.
      batch_size: Global batch size; epochs follow each other inside a batch, so no
        picture is dropped.
      seed: The run's seed.
      start: First step; a resumed run continues here.
      steps: Number of steps of the whole training.
      masks: uint8 [N, kept_size, kept_size, 1], 255 = object; cropped and mirrored with
        their pictures.
      share: Part of each batch to give; an element is what one replica takes of it.

    Returns:
      Dataset of {"image": float32 [B,S,S,3], "position": int64 [B]}, where position =
      step * batch_size + place in the batch; with masks also "mask": float32 [B,S,S,1]
      in [0, 1].
    """
    count, size = len(images), settings.image_size
    slack = settings.kept_size - size
    part = share.places(batch_size)
    # Captured by reference, not copied into the graph. Masks are a fourth channel.
    held = images if masks is None else np.concatenate([images, masks], axis=-1)
    held = tf.constant(held)

    def make(step):
        position = step * batch_size + tf.range(*part, dtype=tf.int64)
        index = _shuffled(position, count, seed)
        batch = tf.gather(held, index)
        drawn = tf.random.stateless_uniform(
            [3, batch_size], latents.stream_seed(seed, latents.STREAM_DATA, step)
        )[:, slice(*part)]
        if slack:
            batch = _random_crop(batch, drawn[:2], size, slack)
        if settings.flip:
            mirror = (drawn[2] < 0.5)[:, tf.newaxis, tf.newaxis, tf.newaxis]
            batch = tf.where(mirror, batch[:, :, ::-1], batch)
        made = {"image": scale(batch[..., :3], settings.low), "position": position}
        return made if masks is None else made | {"mask": scale(batch[..., 3:], low=0)}

    options = tf.data.Options()
    options.deterministic = True
    dataset = tf.data.Dataset.range(start, steps).map(make, num_parallel_calls=1)
    return share.cut(dataset, batch_size).with_options(options).prefetch(2)


def _shuffled(position, count, seed):
    """Which picture stands at these places of the endless order of epochs."""
    epoch = position // count
    # RandomIndexShuffle hardly mixes its keys: small ones repeat after 256 epochs, and
    # begin nearly all of them with the same picture. So they are drawn.
    most_epochs = (len(position) - 2) // count + 2  # That a batch can touch.
    keys = [
        tf.random.stateless_uniform(
            [3],
            latents.stream_seed(seed, latents.STREAM_ORDER, epoch[0] + i),
            minval=None,
            maxval=None,
            dtype=tf.int32,
        )
        for i in range(most_epochs)
    ]
    return tf.raw_ops.RandomIndexShuffle(
        index=position % count,
        seed=tf.gather(keys, epoch - epoch[0]),
        max_index=tf.fill(tf.shape(epoch), tf.constant(count - 1, tf.int64)),
    )


def _random_crop(batch, drawn, size, slack):
    """Cuts a size x size window out of each picture; drawn in [0, 1) is [2, batch]."""
    offsets = tf.cast(drawn * (slack + 1), tf.int32)[:, :, tf.newaxis]
    rows, columns = tf.unstack(offsets + tf.range(size))
    batch = tf.gather(batch, rows, axis=1, batch_dims=1)
    return tf.gather(batch, columns, axis=2, batch_dims=1)
