"""From a prepared TFDS folder to pictures, masks and labels of one size, uint8.

A split is read in the order it is stored; its pictures are cropped to a square and
resized, antialiased.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tfcomgan.data import making, parallel
from tfcomgan.errors import UserError

# Of what is made of a stored picture; raise it when one gives other pixels than before.
VERSION = 1
_BATCH = 256
# A record that is cut or altered, too few of them, no file.
_DAMAGE = (
    tf.errors.DataLossError,
    tf.errors.FailedPreconditionError,
    tf.errors.NotFoundError,
)


@dataclasses.dataclass(frozen=True)
class View:
    """Pictures of a data set, and what is seen of them.

    Attributes:
      split: TFDS split name, or several joined by '+'.
      crop: 'center', 'full' or 'box', see `input_pipeline.InputSettings`.
      size: Pixels of the square pictures.
      with_masks, with_labels: See them too, training never does; with masks, pictures
        that have none are left out.
    """

    split: str
    _: dataclasses.KW_ONLY
    crop: str
    size: int
    with_masks: bool = False
    with_labels: bool = False


class Examples(NamedTuple):
    """A split, in memory or on the disk as memory maps (see `decoded`).

    images: uint8 [N,S,S,3].
    masks: uint8 [N,S,S,1] in {0,1}, or None.
    names: File names; None on the disk, where nobody asks for them.
    labels: int64 [N], or None.
    """

    images: np.ndarray
    masks: np.ndarray | None
    names: list[str] | None
    labels: np.ndarray | None = None


class Rows(NamedTuple):
    """Some of a split's pictures; fields as in `Examples`.

    done: Stored examples up to the last of these, with those that were left out.
    """

    done: int
    images: np.ndarray
    masks: np.ndarray | None
    names: list[str]
    labels: np.ndarray | None


def load(
    builder: tfds.core.DatasetBuilder, adapt, view: View, *, most: int | None = None
) -> Examples:
    """A split in memory, or its first `most` pictures; the rest as for `rows`.

    Raises:
      UserError: As for `rows`, or the split is empty.
    """
    parts = list(rows(builder, adapt, view, most=most))
    if not parts:
        raise UserError(f"Split {view.split!r} of `{builder.name}` holds no pictures.")

    def joined(name):
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays)

    names = [name for part in parts for name in part.names]
    return Examples(joined("images"), joined("masks"), names, joined("labels"))


def rows(
    builder: tfds.core.DatasetBuilder,
    adapt,
    view: View,
    *,
    skip: int = 0,
    most: int | None = None,
) -> Iterator[Rows]:
    """Reads a split in the order it is stored, some pictures at a time.

    Args:
      builder: A prepared builder.
      adapt: Turns one of its examples into {"image", "mask"?, "box"?, "label"?,
        "file_name"}; a `Source`'s method.
      view: Which pictures, and what of them.
      skip: Stored examples to begin after.
      most: Pictures at which to end; None for all.

    Raises:
      UserError: The split is unknown or damaged, or masks, boxes or labels are asked for
        that the data set does not have.
    """
    check_split(builder, view.split)

    @tf.autograph.experimental.do_not_convert  # It would wrap errors in a traceback.
    def read(number, raw):
        example = adapt(raw)
        wanted = {
            "mask": view.with_masks,
            "label": view.with_labels,
            "box": view.crop == "box",
        }
        for key, needed in wanted.items():
            if needed and key not in example:
                raise UserError(f"`{builder.name}` has no {key} in its examples.")
        box = square(tf.shape(example["image"]), example.get("box"), view.crop)
        out = {"image": _picture(example["image"], box, view.size)}
        out |= {"name": example["file_name"], "number": number}
        if view.with_masks:
            out["mask"] = _mask(example["mask"], box, view.size)
        if view.with_labels:
            out["label"] = tf.cast(example["label"], tf.int64)
        return out

    read_config = tfds.ReadConfig(
        interleave_cycle_length=1,
        try_autocache=False,
        add_tfds_id=False,
        num_parallel_calls_for_decode=parallel.THREADS,
    )
    split = _after(builder, view.split, skip) if skip else view.split
    if not split:
        return
    raw = builder.as_dataset(split=split, shuffle_files=False, read_config=read_config)
    numbered = raw.enumerate(skip)
    if view.with_masks and "has_mask" in raw.element_spec:
        numbered = numbered.filter(lambda number, example: example["has_mask"])
    numbered = numbered if most is None else numbered.take(most)
    made = numbered.map(read, num_parallel_calls=parallel.THREADS).batch(_BATCH)
    try:
        for part in made.prefetch(1).as_numpy_iterator():
            yield Rows(
                done=int(part["number"][-1]) + 1,
                images=part["image"],
                masks=part.get("mask"),
                names=[name.decode() for name in part["name"]],
                labels=part.get("label"),
            )
    except _DAMAGE as error:
        problem = f"{type(error).__name__} in split {view.split!r}"
        raise making.damaged(builder.name, builder.data_dir, problem) from error


def check_split(builder: tfds.core.DatasetBuilder, split: str) -> None:
    """Raises UserError for a split that the data set does not have."""
    # 'train[:90%]+test' is made of 'train' and 'test'.
    if not {part.split("[")[0] for part in split.split("+")} <= set(
        builder.info.splits
    ):
        raise UserError(
            f"`{builder.name}` has no split {split!r}. "
            f"It has: {', '.join(builder.info.splits)}."
        )


def _after(builder: tfds.core.DatasetBuilder, split: str, skip: int) -> str:
    """What is left of a split after its first `skip` examples; '' for nothing."""
    left, parts = skip, []
    chosen = tfds.core.ReadInstruction.from_spec(split)
    for part in chosen.to_absolute(builder.info.splits):
        first = part.from_ or 0
        end = builder.info.splits[part.splitname].num_examples
        end = end if part.to is None else part.to
        passed = min(left, end - first)
        left -= passed
        if first + passed < end:
            parts.append(f"{part.splitname}[{first + passed}:{end}]")
    return "+".join(parts)


def squared(
    image: np.ndarray, masks: Iterable[np.ndarray], *, crop: str, size: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """A picture and masks of it as `rows` makes them of a data set's.

    Args:
      image: uint8 [H,W,3].
      masks: Each [H,W,1], over 0 on the object.
      crop: 'center' or 'full', see `InputSettings`.
      size: Pixels of the squares returned.

    Returns:
      uint8 [size,size,3] and, of each mask, uint8 [size,size,1] in {0, 1}.
    """
    box = square(image.shape, None, crop)
    made = [_mask(tf.constant(mask), box, size).numpy() for mask in masks]
    return _picture(tf.constant(image), box, size).numpy(), made


def _picture(image, box, size):
    return tf.cast(tf.round(_resize(image, box, size)), tf.uint8)


def _mask(mask, box, size):
    """Object where at least half of a pixel was."""
    covered = _resize(tf.cast(mask > 0, tf.float32), box, size)
    return tf.cast(covered >= 0.5, tf.uint8)


def square(shape, box, crop: str):
    """(top, left, height, width) int32 of the part of a picture that is used.

    Args:
      shape: Of the picture, height and width first.
      box: float32 [top, left, bottom, right] as shares of it; needed by 'box' alone.
      crop: See `InputSettings`.
    """
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
