"""What the exported segmenter can be asked: three signatures around one network.

  serving_default  images uint8 [B,H,W,3]
  segment_float    images float32 [B,H,W,3] in [-1, 1]
  segment_encoded  image_bytes string [B], each a JPEG or PNG file of a size of its own

All give `mask` float32 [B,*,*,1] in [0, 1], 1 = object, and `foreground_area` float32 [B],
the share of the mask that is 0.5 or more. The mask is as large as the pictures, but
[image_size, image_size] for encoded ones, which come with `height` and `width` int32 [B].

What cannot be segmented is an InvalidArgumentError that says why: a server fails that
request and goes on.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from tfcomgan.models import inference

LONGEST = 4  # times the short side; beyond, a picture is squeezed.
# Of an encoded picture: photos of 108 megapixels pass, a bomb of a few kB does not. And of
# pictures brought to the network's height alone, the first half of resizing: one of
# 1 x 2^27 pixels would take 50 GB there.
MOST_PIXELS = 2**27
# Of a request: a picture of one pixel takes as much of the network as any other.
MOST_PICTURES = 256
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_PNG_HEADER = 24  # Bytes, with width and height in the last eight.


class Endpoint(NamedTuple):
    """A signature: tensor to dict of tensors, and what the tensor is."""

    function: Callable[[tf.Tensor], dict[str, tf.Tensor]]
    spec: tf.TensorSpec


class Signatures(NamedTuple):
    """The signatures of a segmenter.

    segmenter: [B,H,W,3] in [low, 1] to mask logits [B,H,W,1].
    image_size: Pixels of the pictures it was trained on.
    multiple: Of which the sides it is given must be multiples.
    low: Value of black.
    """

    segmenter: keras.Model
    image_size: int
    multiple: int
    low: int

    def endpoints(self) -> dict[str, Endpoint]:
        """The signatures by name."""
        pictures = [None, None, None, 3]
        return {
            "serving_default": Endpoint(
                self.segment_uint8, tf.TensorSpec(pictures, tf.uint8, "images")
            ),
            "segment_float": Endpoint(
                self.segment_float, tf.TensorSpec(pictures, tf.float32, "images")
            ),
            "segment_encoded": Endpoint(
                self.segment_encoded, tf.TensorSpec([None], tf.string, "image_bytes")
            ),
        }

    def segment_uint8(self, images):
        """uint8 [B,H,W,3] to a mask of the same size."""
        return answer(tf.image.resize(self._mask(images), tf.shape(images)[1:3]))

    def segment_float(self, images):
        """float32 [B,H,W,3] in [-1, 1], taken as the nearest of 256 levels."""
        told = (
            "`images` of segment_float must lie in [-1, 1], as uint8 / 127.5 - 1 does"
        )
        is_in_range = tf.reduce_all(tf.abs(images) <= 1)  # False of NaN.
        with tf.control_dependencies([tf.debugging.Assert(is_in_range, [told])]):
            levels = tf.round((images + 1) * 127.5)
        return self.segment_uint8(tf.cast(levels, tf.uint8))

    def segment_encoded(self, image_bytes):
        """Files [B] to masks of `image_size`, one after another: one in memory."""
        size = [self.image_size, self.image_size]
        with tf.control_dependencies([_check_count(tf.size(image_bytes))]):
            image_bytes = tf.identity(image_bytes)

        def segment(encoded):
            image = decode(encoded)
            mask = self._mask(image[tf.newaxis])
            mask = tf.image.resize(mask, size, antialias=True)
            height, width, _ = tf.unstack(tf.shape(image))
            return mask[0], height, width

        one = tf.TensorSpec([], tf.int32)
        masks, height, width = tf.map_fn(
            segment,
            image_bytes,
            fn_output_signature=(tf.TensorSpec([*size, 1], tf.float32), one, one),
            parallel_iterations=1,
        )
        return answer(masks) | {"height": height, "width": width}

    def _mask(self, images):
        """uint8 [B,H,W,3] to probabilities [B,h,w,1] at the network's size."""
        inner = self._network_size(tf.shape(images)[1:3])
        count, height, width, _ = tf.unstack(tf.shape(images, tf.int64))
        told = [
            f"`images` of the network's height may have {MOST_PIXELS} pixels; "
            "count, height, width:",
            *(count, height, width),
        ]
        is_fit = count * tf.cast(inner[0], tf.int64) * width <= MOST_PIXELS
        checks = [_check_count(count), tf.debugging.Assert(is_fit, told)]
        with tf.control_dependencies(checks):
            images = tf.identity(images)
        # Whole grey levels, as the input pipeline keeps pictures.
        levels = tf.round(tf.image.resize(images, inner, antialias=True))
        return inference.masks(self.segmenter, levels, self.low)

    def _network_size(self, shape):
        """int32 [height, width] at which the U-Net sees a picture of int32 [2] `shape`."""
        shape = tf.cast(shape, tf.int64)
        step = self.multiple * tf.reduce_min(shape)
        # (2a + b) // 2b is a / b to the nearest whole number.
        size = self.multiple * ((2 * self.image_size * shape + step) // (2 * step))
        return tf.cast(tf.minimum(size, LONGEST * self.image_size), tf.int32)


def _check_count(count):
    told = [f"a request may hold {MOST_PICTURES} pictures; received:", count]
    return tf.debugging.Assert(count <= MOST_PICTURES, told)


def answer(mask):
    """What all signatures give, of masks float32 [B,H,W,1]."""
    mask = tf.clip_by_value(mask, 0.0, 1.0)  # Resizing may leave it by an ulp.
    is_object = tf.cast(mask >= 0.5, tf.float32)
    return {"mask": mask, "foreground_area": tf.reduce_mean(is_object, axis=[1, 2, 3])}


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """A JPEG or PNG file, string [], as uint8 [H,W,3], as Pillow decodes it.

    Transparent pictures are laid over white, grey is repeated; of 16 bits a channel the
    higher 8 are kept. Not looked at are EXIF data, and with them the rotation; colour
    profiles; and a transparent colour (tRNS) of a PNG that is grey or RGB: there the colour
    is seen.

    Raises:
      InvalidArgumentError: It is neither, is damaged or cut off, or has more than
        `MOST_PIXELS`, which is known before it is decoded.
    """
    length = tf.strings.length(encoded)
    is_png = tf.strings.substr(encoded, 0, len(_PNG)) == _PNG
    is_png &= length >= _PNG_HEADER
    is_jpeg = tf.strings.substr(encoded, 0, len(_JPEG)) == _JPEG
    told = ["`image_bytes` must be a whole JPEG or PNG file; bytes received:", length]
    with tf.control_dependencies([tf.debugging.Assert(is_png | is_jpeg, told)]):
        height, width = tf.cond(
            is_png, lambda: _png_size(encoded), lambda: _jpeg_size(encoded)
        )
    is_fit = (height > 0) & (width > 0) & (height * width <= MOST_PIXELS)
    told = [f"`image_bytes` must have 1 to {MOST_PIXELS} pixels; height, width:"]
    with tf.control_dependencies([tf.debugging.Assert(is_fit, [*told, height, width])]):
        return tf.cond(
            is_png,
            lambda: _over_white(tf.io.decode_png(encoded, channels=0)),
            # The exact transform, which Pillow takes too; the default is off by levels.
            lambda: tf.io.decode_jpeg(
                encoded, channels=3, dct_method="INTEGER_ACCURATE"
            ),
        )


def _png_size(encoded):
    """int64 height and width, from the header."""
    size = tf.strings.substr(encoded, _PNG_HEADER - 8, 8)
    size = tf.io.decode_raw(size, tf.int32, little_endian=False)
    width, height = tf.unstack(tf.cast(size, tf.int64), 2)
    return height, width


def _jpeg_size(encoded):
    """int64 height and width, from the header."""
    shape = tf.image.extract_jpeg_shape(encoded, tf.int64)
    return shape[0], shape[1]


def _over_white(image):
    """uint8 [H,W,C] of C = 1, 2 (grey, alpha), 3 or 4 channels to [H,W,3]."""
    channels = tf.shape(image)[-1]
    colours = channels - (channels + 1) % 2

    def blend():
        # decode_png's own removal of alpha would show what lies hidden under it, and
        # its own adding of alpha makes palettes transparent: hence channels=0.
        colour = tf.cast(image[..., :colours], tf.uint16)
        alpha = tf.cast(image[..., colours:], tf.uint16)
        mixed = (colour * alpha + 255 * (255 - alpha) + 127) // 255
        return tf.cast(mixed, tf.uint8)

    opaque = tf.cond(colours < channels, blend, lambda: image)
    opaque = tf.repeat(opaque, 3 // colours, axis=-1)
    return tf.ensure_shape(opaque, [None, None, 3])
