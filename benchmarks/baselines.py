"""What is reached on a folder of photos with masks by methods that learn nothing.

  python -m benchmarks.baselines --photos=flowers17 --part=odd --size=64

PHOTOS has images/ and masks/, as `evaluation.folder`; the pictures are scored as the stage
`evaluate` scores them, centre crops at --size pixels. GrabCut from a box sees them as they
are, and enlarged (`grabcut.least_side`); IEM's masks are scored as they are, and drawn to
edges as `tfcomgan-segment` draws a network's. The mean mask is made of the very masks that
it is scored by: an oracle. Percent; "under" is the share of pictures with an IoU under 50;
seconds of the clock for all pictures, IEM's not among those of its drawing.
"""

import functools
import pathlib
import tempfile
import time
from collections.abc import Callable

import numpy as np
from absl import app, flags

from tfcomgan.data import scored_folder
from tfcomgan.evaluation.baselines import grabcut, iem, mean_mask, otsu
from tfcomgan.evaluation.baselines.grabcut import GrabCutSettings
from tfcomgan.metrics import segmentation
from tfcomgan.photos import edges
from tfcomgan.photos.edges import Choices

_PHOTOS = flags.DEFINE_string(
    "photos", None, "A folder with images/ and masks/.", required=True
)
_PART = flags.DEFINE_string("part", "all", "As `evaluation.part`: 'odd', a file.")
_SIZE = flags.DEFINE_integer("size", 64, "Pixels of the square pictures.")
_THRESHOLD = 0.5


def methods(
    images: np.ndarray, truth: np.ndarray
) -> dict[str, Callable[[], np.ndarray]]:
    """Makers of masks float32 [N,S,S,1] of pictures uint8 [N,S,S,3], by name."""
    from_iem = functools.cache(lambda: iem.iem_masks(images, iem.IEMSettings()))

    def drawn():
        soft = iem.softened(from_iem())
        return edges.opacities(images, soft, Choices(threshold=_THRESHOLD))

    def from_box(least_side):
        settings = GrabCutSettings(least_side=least_side)
        return lambda: grabcut.grabcut_masks(images, settings)

    return {
        "otsu": lambda: otsu.otsu_masks(images),
        "mean mask (oracle)": lambda: mean_mask.predict(
            mean_mask.mean_mask(truth), images
        ),
        "grabcut, as it is": from_box(0),
        "grabcut, 128 px": from_box(128),
        "grabcut, 256 px": from_box(256),
        "iem": from_iem,
        "iem, drawn": drawn,
    }


def main(argv):
    del argv
    with tempfile.TemporaryDirectory() as place:
        scored = scored_folder.load(
            _PHOTOS.value,
            _PART.value,
            crop="center",
            size=_SIZE.value,
            place=pathlib.Path(place),
        )
        images, truth = (
            np.array(x) for x in (scored.examples.images, scored.examples.masks)
        )
    print(f"{len(images)} pictures of {scored.name}, {_SIZE.value} px")
    print(f"{'':20}   IoU          95 %  under  known  seconds")
    for name, find in methods(images, truth).items():
        start = time.perf_counter()
        masks = find()
        seconds = time.perf_counter() - start
        found = segmentation.summarize(masks, truth, _THRESHOLD)
        iou, under = found["iou_plain"], found["failures_plain"].mean
        known = "-"
        if scored.known is not None:
            inside = segmentation.summarize(
                masks, truth, _THRESHOLD, known=np.array(scored.known)
            )
            known = f"{100 * inside['iou_plain'].mean:.1f}"
        print(
            f"{name:20}{100 * iou.mean:6.1f}{100 * iou.low:7.1f} to {100 * iou.high:.1f}"
            f"{100 * under:7.1f}{known:>7}{seconds:9.0f}",
            flush=True,
        )


if __name__ == "__main__":
    app.run(main)
