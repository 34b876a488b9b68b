"""The trained generator as a SavedModel: new scenes without this package.

Signature `generate`, N = num_codes, S = image_size:

  z           float32 [batch, z_dim], N(0, z_std^2); shape and pose
  f, b        int32 [batch] in [0, N); look of the object and of its surroundings (plain
              ComGAN has neither)
  composite   float32 [batch, S, S, 3] in [-1, 1]
              = mask * foreground + (1 - mask) * background
  mask        float32 [batch, S, S, 1] in [0, 1]; 1 = object
  foreground, background   float32 [batch, S, S, 3] in [-1, 1]

Signature `score`, where the run has kept its critic D_z:

  images      float32 [batch, S, S, 3] in [-1, 1]
  score       float32 [batch], a logit; higher is more like the training pictures. It
              ranks pictures of this generator and means nothing else.

The numbers N, S, z_dim and z_std are in the version's `assets.extra/prior.json`.
"""

import json
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tfcomgan.errors import UserError
from tfcomgan.serving import loading, versions
from tfcomgan.system.plain_paths import plain

# TensorFlow and Keras are imported where they are used: what can be wrong before must
# not wait for them, and using an export needs no Keras.
if TYPE_CHECKING:
    import keras

    from tfcomgan.latents import Latents, Sampler
    from tfcomgan.models.comgan import ComGANSettings
    from tfcomgan.models.orientation import Side
    from tfcomgan.networks.generators import GeneratorSettings

_PRIOR = "prior.json"
_BATCH = 32  # Scenes painted at a time.


class Prior(NamedTuple):
    """What the latents of a generator are drawn from, and the size of its scenes.

    image_size: Pixels, S.
    z_dim, z_std: z ~ N(0, z_std^2 I) of z_dim numbers.
    num_codes: N, of f and of b, drawn uniformly; 0 where it takes none.
    tie_codes: It was trained with b = f.
    """

    image_size: int
    z_dim: int
    z_std: float
    num_codes: int
    tie_codes: bool

    def sampler(self, *, seed: int, batch_size: int) -> "Sampler":
        """Draws latents as in training, from numbers that training has not used."""
        from tfcomgan import latents

        return latents.Sampler(
            seed=seed,
            purpose=latents.GENERATING,
            batch_size=batch_size,
            z_dim=self.z_dim,
            num_codes=self.num_codes,
            z_std=self.z_std,
            tie_codes=self.tie_codes,
        )

    def one_hot(
        self, name: str, codes: int | Sequence[int] | None, count: int
    ) -> np.ndarray | None:
        """Chosen codes as float32 [count, num_codes]; None where none are chosen.

        Args:
          name: 'f' or 'b', for messages.
          codes: One for all, or one for each.
          count: How many are needed.

        Raises:
          UserError: A code is out of range, or there are not `count`.
        """
        if codes is None:
            return None
        if not self.num_codes:
            raise UserError(
                f"{name} cannot be chosen: this generator takes no codes (plain ComGAN)."
            )
        given = np.asarray(codes, object)  # Lists of unequal lengths too.
        wrong = [c for c in given.ravel().tolist() if c not in range(self.num_codes)]
        if wrong:
            raise UserError(
                f"{name} must be a whole number in [0, {self.num_codes}). "
                f"Received: {wrong[0]}."
            )
        if given.ndim and given.shape != (count,):
            raise UserError(
                f"{name} must be one code, or {count} of them. Received: {given.size}."
            )
        return np.eye(self.num_codes, dtype=np.float32)[
            np.broadcast_to(given, count).astype(int)
        ]


class Scenes(NamedTuple):
    """Generated scenes as arrays; shapes and ranges as in the module's text."""

    composite: np.ndarray
    mask: np.ndarray
    foreground: np.ndarray
    background: np.ndarray


def prior(settings: "GeneratorSettings", objective: "ComGANSettings") -> Prior:
    """The prior a generator was trained with."""
    return Prior(
        image_size=settings.image_size,
        z_dim=settings.z_dim,
        z_std=objective.z_std,
        num_codes=settings.codes,
        tie_codes=objective.tie_codes,
    )


def export_generator(
    generator: "keras.Model",
    critic: "keras.Model | None",
    *,
    side: "Side",
    low: int = -1,
    prior: Prior,
    directory: pathlib.Path,
    note: Callable[[pathlib.Path], None] | None = None,
) -> pathlib.Path:
    """Writes a generator, turned so that mask 1, foreground and f are the object's.

    Args:
      generator: Built, float32; latents to a scene.
      critic: Its D_z, for the signature `score`; None leaves that out.
      side: The object's side of the generator's mask.
      low: Value of black in the pictures of the training. Those of the signatures are in
        [-1, 1] whatever it is.
      prior: What its latents are drawn from.
      directory: The version folder to make, as in serving/generator/1.
      note: See `versions.publish`.

    Returns:
      `directory`, which appears complete or not at all.

    Raises:
      UserError: `directory` exists.
    """
    import keras
    import tensorflow as tf

    from tfcomgan.latents import Latents
    from tfcomgan.models.orientation import Oriented

    paint = Oriented(generator, side, low)

    def checked(name, code):
        tf.debugging.assert_non_negative(code, f"`{name}` must not be negative.")
        message = f"`{name}` must be less than {prior.num_codes}."
        tf.debugging.assert_less(code, prior.num_codes, message)
        return tf.one_hot(code, prior.num_codes)

    def generate(z, f=None, b=None):
        codes = (checked("f", f), checked("b", b)) if prior.num_codes else (None, None)
        scene = paint(Latents(z, *codes))
        return {name: getattr(scene, name) for name in Scenes._fields}

    def score(images):
        seen = images if low == -1 else (images + 1.0) / 2.0
        return {"score": critic(seen, training=False)[:, 0]}

    inputs = [tf.TensorSpec([None, prior.z_dim], tf.float32, name="z")]
    if prior.num_codes:
        inputs += [tf.TensorSpec([None], tf.int32, name=name) for name in "fb"]
    archive = keras.export.ExportArchive()
    archive.track(generator)
    archive.add_endpoint("generate", generate, input_signature=inputs)
    if critic is not None:
        archive.track(critic)
        shape = [None, prior.image_size, prior.image_size, 3]
        pictures = tf.TensorSpec(shape, tf.float32, name="images")
        archive.add_endpoint("score", score, input_signature=[pictures])

    def complete(written):
        path = written / "assets.extra" / _PRIOR  # Servers ignore this folder.
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(prior._asdict(), indent=2) + "\n", encoding="utf-8")

    return versions.publish(archive, directory, complete, note)


def load_prior(version: pathlib.Path) -> Prior:
    """The prior of an exported generator; needs no TensorFlow.

    Raises:
      UserError: `version` is no exported generator.
    """
    try:
        text = (version / "assets.extra" / _PRIOR).read_text(encoding="utf-8")
        return Prior(**json.loads(text))
    except (OSError, TypeError, ValueError) as error:
        raise _unusable(version, error) from error


class ExportedGenerator:
    """An exported generator in use; called with latents, gives `Scenes`.

    Attributes:
      prior: What latents are drawn from.
      has_score: Whether `score` can be called.

    Raises:
      UserError: `version` holds no usable generator, or one that might touch files.
    """

    def __init__(self, version: pathlib.Path):
        import tensorflow as tf

        self.prior = load_prior(version)
        try:
            self._model = loading.load(plain(version))
            self._generate = self._model.signatures["generate"]
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise _unusable(version, error) from error
        self.has_score = "score" in self._model.signatures

    def __call__(self, latents: "Latents") -> Scenes:
        z, f, b = (x if x is None else np.asarray(x) for x in latents)
        inputs = {"z": z}
        for name, code in (("f", f), ("b", b)):
            if code is not None:
                inputs[name] = code.argmax(-1).astype(np.int32)
        painted = self._in_batches(self._generate, inputs)
        return Scenes(**painted)

    def score(self, images: np.ndarray) -> np.ndarray:
        """Scores [B] of images [B,S,S,3] in [-1, 1]; see the module."""
        return self._in_batches(self._model.signatures["score"], {"images": images})[
            "score"
        ]

    def _in_batches(self, signature, inputs: dict) -> dict:
        import tensorflow as tf

        count = len(next(iter(inputs.values())))
        parts = [
            signature(
                **{
                    name: tf.constant(value[start : start + _BATCH])
                    for name, value in inputs.items()
                }
            )
            for start in range(0, count, _BATCH)
        ]
        return {
            name: np.concatenate([part[name].numpy() for part in parts])
            for name in parts[0]
        }


def _unusable(version, reason) -> UserError:
    return UserError(
        f"{version} holds no usable generator ({str(reason)[:200]}). Export it again: "
        "python -m tfcomgan.main ... --stages=export"
    )
