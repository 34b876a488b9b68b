"""The paper's figures from any run (Ding et al., NeurIPS 2022): Fig. 5, 6, 7 and 8.

Besides them the worst and best cases by IoU, and walks between two z. Generated figures
take `paint`, latents to a scene with mask 1 on the object (`orientation.Oriented`), and
latents of at least two rows from a `Sampler`; only what a caption names is varied.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from tfcomgan.figures import variations
from tfcomgan.figures.sheets import Block, sheet, to_image
from tfcomgan.images import mask_to_uint8, to_uint8
from tfcomgan.latents import Latents
from tfcomgan.metrics import segmentation
from tfcomgan.networks.generators import Scene

Paint = Callable[[Latents], Scene]
_LAYERS = ("composite", "mask", "foreground", "background")
_WITHOUT_CODES = (
    "Left out: this generator takes no codes f and b (plain ComGAN), so there is nothing "
    "to vary but z."
)


class Plate(NamedTuple):
    """A figure with its caption, or the reason why it is left out.

    image: uint8 [H, W, 3]; None where `reason` says why.
    """

    name: str
    caption: str
    image: np.ndarray | None
    reason: str = ""


def of_generator(paint: Paint, latents: Latents, columns: int = 8) -> list[Plate]:
    """Fig. 5, 6 and 7 and the walks in z, each painted or with its reason to be absent."""

    def plate(name, caption, draw, *, needs_codes=False):
        if needs_codes and latents.f is None:
            return Plate(name, caption, None, _WITHOUT_CODES)
        return Plate(name, caption, to_image(draw()))

    return [
        plate(
            "layers",
            "Generated scenes and their layers (as Fig. 5 of the paper).",
            lambda: layers(paint, latents, columns),
        ),
        plate(
            "control",
            "One variable at a time (as Fig. 6): f should change the look of the object, "
            "b that of its surroundings, z shape and pose. Each row is a scene.",
            lambda: control(paint, latents, columns),
            needs_codes=True,
        ),
        plate(
            "disentanglement",
            "Layers of one scene (as Fig. 7). Ideally, varying b moves the background "
            "row alone, and varying f the foreground row alone.",
            lambda: disentanglement(paint, latents, columns),
            needs_codes=True,
        ),
        plate(
            "interpolation",
            "From one z to another by spherical interpolation, f and b fixed. Smooth "
            "changes speak against a generator that knows its pictures by heart.",
            lambda: interpolation(paint, latents, columns),
        ),
    ]


def of_segmenter(
    images_uint8: np.ndarray,
    truth: np.ndarray | None,
    predictions: np.ndarray,
    *,
    threshold: float = 0.5,
    columns: int = 8,
) -> list[Plate]:
    """Fig. 8 and the worst and best cases; the latter need the truth.

    Args:
      images_uint8: [N,S,S,3].
      truth: [N,S,S,1] in {0, 1}; None where the data set has no masks.
      predictions: [N,S,S,1] in [0, 1].
      threshold: Probability from which a pixel counts as object.
      columns: Pictures shown.
    """
    caption = f"The worst and the best of {len(predictions)} pictures by IoU."
    first = predicted(images_uint8, truth, predictions, columns)
    plates = [
        Plate(
            "predictions",
            "Pictures of the data set, true masks and predicted ones (as Fig. 8), not selected."
            if truth is not None
            else "Pictures of the data set and predicted masks, not selected; no truth to compare.",
            to_image(first),
        )
    ]
    if truth is None:
        reason = "Left out: the data set has no masks to take an IoU from."
        return [*plates, Plate("cases", caption, None, reason)]
    cases = worst_and_best(
        images_uint8, truth, predictions, threshold=threshold, columns=columns
    )
    return [*plates, Plate("cases", caption, to_image(cases))]


def layers(paint: Paint, latents: Latents, columns: int = 8) -> Figure:
    """Fig. 5: a column a scene; from the top composite, mask, foreground, background."""
    scene = paint(variations.take(latents, np.arange(min(columns, len(latents.z)))))
    return sheet([Block("Generated scenes and their layers", _strips(scene))])


def control(
    paint: Paint, latents: Latents, columns: int = 8, *, num_scenes: int = 3
) -> Figure:
    """Fig. 6: three blocks in which f, b, or z alone varies along the rows."""
    blocks = []
    for which, fixed in (("f", "b and z"), ("b", "f and z"), ("z", "f and b")):
        rows = {}
        for scene in range(min(num_scenes, len(latents.z))):
            varied, names = variations.vary(latents, which, columns, scene=scene)
            composite = paint(varied).composite
            rows[f"scene {scene + 1}"] = to_uint8(composite)
        blocks.append(Block(f"Varying {which}, fixed {fixed}", rows, names))
    return sheet(blocks)


def disentanglement(paint: Paint, latents: Latents, columns: int = 8) -> Figure:
    """Fig. 7: layers of a scene, (a) varying b with f and z fixed, (b) varying f."""
    blocks = []
    for mark, which, fixed in (("a", "b", "f and z"), ("b", "f", "b and z")):
        varied, names = variations.vary(latents, which, columns)
        title = f"({mark}) Varying {which}, fixed {fixed}"
        blocks.append(Block(title, _strips(paint(varied)), names))
    return sheet(blocks)


def interpolation(
    paint: Paint, latents: Latents, columns: int = 8, *, num_walks: int = 3
) -> Figure:
    """Composites on the way from the z of one scene to that of the next.

    Spherical, because z is Gaussian: almost all of N(0, s^2 I) lies near a sphere, and a
    straight line would cross its inside, where the generator has never been.
    """
    shares = np.linspace(0, 1, columns)
    rows = {}
    for i in range(min(num_walks, len(latents.z) - 1)):
        z = variations.slerp(latents.z[i], latents.z[i + 1], shares)
        walk = variations.take(latents, np.full(columns, i))._replace(z=tf.constant(z))
        rows[f"walk {i + 1}"] = to_uint8(paint(walk).composite)
    names = [f"{share:.0%}" for share in shares]
    title = "Spherical interpolation of z, fixed f and b"
    if latents.f is None:
        title = "Spherical interpolation of z"
    return sheet([Block(title, rows, names)])


def predicted(
    images_uint8: np.ndarray,
    truth: np.ndarray | None,
    predictions: np.ndarray,
    columns: int = 8,
) -> Figure:
    """Fig. 8: a column a picture; from the top picture, true mask, predicted mask."""
    chosen = np.arange(min(columns, len(predictions)))
    rows = _cases(images_uint8, truth, predictions, chosen)
    return sheet([Block("Pictures of the data set and predicted masks", rows)])


def worst_and_best(
    images_uint8: np.ndarray,
    truth: np.ndarray,
    predictions: np.ndarray,
    *,
    threshold: float = 0.5,
    columns: int = 8,
) -> Figure:
    """The lowest and the highest IoU, with its value under each and its place above.

    Places count from 0. Masks are shown as probabilities; the IoU is at `threshold` and
    plain: an inverted mask is a bad one.
    """
    scores = segmentation.score_per_image(predictions, truth, threshold).iou_plain
    order = np.argsort(scores, kind="stable")
    count = max(1, min(columns, len(order) // 2))  # No picture is in both.
    blocks = [
        Block(
            title,
            _cases(images_uint8, truth, predictions, chosen),
            [f"no. {i}" for i in chosen],
            [f"IoU {scores[i]:.0%}" for i in chosen],
        )
        for title, chosen in (
            ("Worst cases", order[:count]),
            ("Best cases", order[::-1][:count]),
        )
    ]
    return sheet(blocks)


def _strips(scene: Scene) -> dict[str, np.ndarray]:
    strips = {name: np.asarray(getattr(scene, name)) for name in _LAYERS}
    return {
        name: mask_to_uint8(x) if name == "mask" else to_uint8(x)
        for name, x in strips.items()
    }


def _cases(images_uint8, truth, predictions, chosen) -> dict[str, np.ndarray]:
    size = np.shape(images_uint8)[:3]
    if any(x is not None and np.shape(x)[:3] != size for x in (truth, predictions)):
        raise ValueError(
            "`truth` and `predictions` must be as many and as large as `images_uint8`. "
            f"Received: images {np.shape(images_uint8)}, truth {np.shape(truth)}, "
            f"predictions {np.shape(predictions)}. Resize all to one size."
        )
    rows = {"picture": np.asarray(images_uint8)[chosen]}
    if truth is not None:
        rows["true mask"] = mask_to_uint8(np.asarray(truth)[chosen])
    rows["predicted"] = mask_to_uint8(np.asarray(predictions)[chosen])
    return rows
