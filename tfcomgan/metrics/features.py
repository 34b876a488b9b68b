"""Features of pictures for the generation metrics.

An extractor is TF-GAN's Inception, as a SavedModel or from TF-Hub, or a small network of
fixed random weights. The random one needs no file and makes `fd_random`: it sees colour,
contrast and coarse layout, and compares runs with each other, never with a published FID.
"""

import dataclasses
import hashlib
import pathlib
from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

import numpy as np
import tensorflow as tf

from tfcomgan import config, tfgan
from tfcomgan.config.field_types import POSITIVE, at_least
from tfcomgan.errors import UserError
from tfcomgan.system.plain_paths import plain

# Enters the digest: other numbers for the same weights must not share a cache.
_RESIZING = "299 bilinear antialias [-1,1]"
_RANDOM_WIDTHS = (16, 32, 64)


class Features(NamedTuple):
    """features: float32 [B, D]; logits: float32 [B, classes], or None."""

    features: np.ndarray
    logits: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class FeatureExtractor:
    """A function of pictures uint8 [B,H,W,3] to `Features`.

    Attributes:
      name: 'inception' or 'random'; the metrics are named after it.
      digest: SHA-256 of its weights and of what comes before them.
      width: D, the number of features.
      run: The network, of uint8 [B,H,W,3]; returns (features, logits or None).
    """

    name: str
    digest: str
    width: int
    run: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor | None]]

    def __call__(self, images: np.ndarray) -> Features:
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
            raise ValueError(
                "`images` must be uint8 [batch, height, width, 3]. "
                f"Received: {images.dtype} {images.shape}."
            )
        features, logits = self.run(tf.constant(images))
        return Features(features.numpy(), None if logits is None else logits.numpy())


@config.settings("generation_metrics")
class GenerationMetricsSettings:
    """How generated pictures are compared with real ones.

    Attributes:
      num_samples: Pictures generated; the real ones are all of the split.
      features: 'inception', 'random', or 'auto': Inception where one is named.
      inception: Folder of a SavedModel of TF-GAN's Inception, or its address on TF-Hub.
      kernel_samples: Pictures of each kind for the kernel distance.
      batch_size: Pictures whose features are taken at a time, at most; changes results by
        rounding alone.
    """

    num_samples: Annotated[int, at_least(10)] = 20_000
    features: Literal["auto", "inception", "random"] = "auto"
    inception: str | None = None
    kernel_samples: Annotated[int, at_least(4)] = 10_000
    batch_size: Annotated[int, POSITIVE] = dataclasses.field(
        default=100, metadata={"affects_result": False}
    )

    def __post_init__(self):
        if self.features == "inception" and self.inception is None:
            raise ValueError(
                "`generation_metrics.features` is 'inception', but no Inception is named. "
                "Set generation_metrics.inception to the folder of a SavedModel, or to "
                f"'{tfgan.eval.INCEPTION_TFHUB}', or features to 'random'."
            )

    def content(self) -> str | None:
        """Hex SHA-256 of the Inception in use, if it lies in a folder that is there."""
        if self.features == "random" or self.inception is None:
            return None
        folder = pathlib.Path(self.inception)
        is_there = (folder / "saved_model.pb").is_file()
        return _digest_of_folder(folder) if is_there else None

    def extractor(self) -> FeatureExtractor:
        """The extractor chosen; raises UserError where Inception cannot be had."""
        if self.features == "random" or self.inception is None:
            return random_features()
        return inception(self.inception)


def inception(source: str) -> FeatureExtractor:
    """TF-GAN's Inception: the network of FID, KID and the Inception Score.

    Args:
      source: Folder of a SavedModel laid out as TF-Hub's, which takes pictures in [-1, 1]
        of 299 pixels and returns 'pool_3' (2,048 features) and 'logits'; or its address,
        `tfgan.eval.INCEPTION_TFHUB`.

    Raises:
      UserError: There is no such model, or it is another one.
    """
    folder = pathlib.Path(_download(source) if "://" in source else source)
    if not (folder / "saved_model.pb").is_file():
        raise UserError(
            f"`generation_metrics.inception`: {source!r} is no folder with a "
            f"saved_model.pb. Unpack the download of {tfgan.eval.INCEPTION_TFHUB} there."
        )
    try:
        run = _inception_of(folder)
        features, logits = run(tf.zeros([2, 8, 8, 3], tf.uint8))
        outputs = f"pool_3 {features.shape}, logits {logits.shape}"
        is_inception = features.shape == (2, 2048) and logits.shape[1] >= 1000
    except (OSError, TypeError, ValueError, KeyError, tf.errors.OpError) as error:
        outputs, is_inception = f"{type(error).__name__}: {error}"[:300], False
    if not is_inception:
        raise UserError(
            f"`generation_metrics.inception`: the model in {folder} is not TF-GAN's "
            "Inception: it must take float32 [batch, 299, 299, 3] and return a dictionary "
            f"of 'pool_3' [batch, 2048] and 'logits' [batch, >= 1000]. Found: {outputs}. "
            f"Take {tfgan.eval.INCEPTION_TFHUB}."
        )
    return FeatureExtractor("inception", _digest_of_folder(folder), 2048, run)


def _inception_of(folder: pathlib.Path) -> Callable:
    model = tf.saved_model.load(str(plain(folder)))

    @tf.function(reduce_retracing=True)
    def run(images):
        outputs, size = model(inception_input(images)), tf.shape(images)[0]
        flat = [tf.reshape(outputs[k], [size, -1]) for k in ("pool_3", "logits")]
        return tuple(tf.cast(x, tf.float32) for x in flat)

    return run


def inception_input(images: tf.Tensor) -> tf.Tensor:
    """uint8 [B,H,W,3] to float32 [B,299,299,3] in [-1, 1], not rounded.

    Bilinear with half-pixel centres, as in TF-GAN's examples; for pictures larger than
    299, which those examples alias, with a filter as wide as the reduction (as Pillow).
    """
    size = [tfgan.eval.INCEPTION_DEFAULT_IMAGE_SIZE] * 2
    resized = tf.image.resize(tf.cast(images, tf.float32), size, antialias=True)
    return resized / 127.5 - 1.0


def random_features(seed: int = 0) -> FeatureExtractor:
    """Means over the picture's quadrants of three layers of random 3 x 3 filters.

    448 features. The weights are a function of the seed alone, in every process.
    """
    weights = random_weights(seed)
    digest = hashlib.sha256(b"".join(w.tobytes() for layer in weights for w in layer))

    @tf.function(reduce_retracing=True)
    def run(images):
        x, means = tf.cast(images, tf.float32) / 127.5 - 1.0, []
        for kernel, bias in weights:
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)
            x = tf.nn.avg_pool2d(x, 2, 2, "SAME")
            means += [tf.reduce_mean(quadrant, [1, 2]) for quadrant in _quadrants(x)]
        return tf.concat(means, axis=1), None

    width = 4 * sum(_RANDOM_WIDTHS)
    return FeatureExtractor("random", digest.hexdigest(), width, run)


def random_weights(seed: int) -> list[list[np.ndarray]]:
    """[kernel [3,3,C,D], bias [D]] float32 of each layer of `random_features`."""
    # NumPy guarantees the numbers of a RandomState for good.
    rng = np.random.RandomState(seed)
    weights, channels = [], 3
    for width in _RANDOM_WIDTHS:
        kernel = rng.standard_normal([3, 3, channels, width])
        kernel *= np.sqrt(2 / (9 * channels))  # Keeps the variance through a ReLU.
        bias = 0.1 * rng.standard_normal(width)
        weights.append([w.astype(np.float32) for w in (kernel, bias)])
        channels = width
    return weights


def _quadrants(x: tf.Tensor) -> list[tf.Tensor]:
    """Four parts [B,ceil(H/2),ceil(W/2),C], which share the middle of odd sides."""
    height, width = ((n + 1) // 2 for n in tf.unstack(tf.shape(x)[1:3]))
    rows = (x[:, :height], x[:, -height:])
    return [part for row in rows for part in (row[:, :, :width], row[:, :, -width:])]


def _download(address: str) -> str:
    """Folder of a model from TF-Hub, which keeps it in TFHUB_CACHE_DIR."""
    import tensorflow_hub  # Loads Keras 2; only who asks for it waits.

    try:
        return tensorflow_hub.resolve(address)
    except (OSError, RuntimeError, ValueError, tf.errors.OpError) as error:
        raise UserError(
            f"`generation_metrics.inception`: cannot download {address} ({error}). "
            "Unpack it on this machine and name the folder instead."
        ) from error


def _digest_of_folder(folder: pathlib.Path) -> str:
    digest = hashlib.sha256(_RESIZING.encode())
    for path in [folder / "saved_model.pb", *sorted(folder.glob("variables/*"))]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
