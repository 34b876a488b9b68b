"""Edges of cut-outs at the photo's own size: how good, how soft, how fast.

  python -m benchmarks.cutouts --run=runs/scenes
  python -m benchmarks.cutouts --run=runs/flowers --photos=FOLDER

Painted scenes of 1,000 px with exact masks (painted once, into --cache), or the photos of
FOLDER/images with FOLDER/masks. For each way to draw edges (see `tfcomgan.photos.edges`):

  IoU, boundary F   of the mask at 0.5, means over photos, percent; the outline within 2 px
  half              share of pixels with an opacity of 1 to 254
  masks/s, cuts/s   photos a second of one core's time, from JPEG in memory to the PNG of
                    the mask, and to that of the cut-out; the ways take turns photo by photo

"before" is the mask as served and the photo's own colours.
"""

import io
import pathlib
import time

import numpy as np
from absl import app, flags
from PIL import Image

from tfcomgan.data import listing, pictures, scenes
from tfcomgan.images import save_png
from tfcomgan.metrics import boundary, segmentation
from tfcomgan.photos import edges, foreground
from tfcomgan.photos.edges import Choices
from tfcomgan.serving import versions
from tfcomgan.serving.export_segmenter import ExportedSegmenter

_WAYS = {
    "before": Choices(refine="none"),
    "average": Choices(refine="none", average=True),
    "guided": Choices(refine="guided"),
    "guided, average": Choices(refine="guided", average=True),
    "grabcut": Choices(),
    "grabcut, average": Choices(average=True),
}
_PAINTED = 1000  # Pixels across.
_SEED = 2  # Of the painted scenes. The constants of `edges` were chosen on seed 1.
_TOLERANCE = 2

_RUN = flags.DEFINE_string("run", None, "As --model of tfcomgan.segment.")
_COUNT = flags.DEFINE_integer("count", 40, "Painted scenes, or photos at most.")
_PHOTOS = flags.DEFINE_string("photos", None, "A folder with images/ and masks/.")
_CACHE = flags.DEFINE_string("cache", "data/cutouts", "Where painted scenes are kept.")


def painted(folder: pathlib.Path, count: int) -> listing.Listing:
    """A folder of scenes, painted as far as they are missing; 3 s each on an idle core."""
    for kind in (listing.IMAGES, listing.MASKS):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        path = folder / listing.MASKS / f"{i:03}.png"
        if not path.exists():
            image, mask = scenes.paint(
                image_size=_PAINTED, seed=_SEED, index=scenes.TEST_INDEX + i
            )
            photo = folder / listing.IMAGES / f"{i:03}.jpg"
            Image.fromarray(image).save(photo, quality=92)
            save_png(path, 255 * mask[..., 0])
    return listing.scan(folder)


def png_size(pixels: np.ndarray) -> int:
    """Encodes as `tfcomgan.segment` does; bytes."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=1)
    return file.tell()


def measure(
    segmenter: ExportedSegmenter, path: pathlib.Path, truth: np.ndarray, name: str
):
    """IoU, boundary F, half-transparent share, seconds to mask and cut-out, bytes."""
    start = time.process_time()
    image = pictures.read(path)
    alpha = edges.opacity(segmenter, segmenter.image_size, image, _WAYS[name])
    opaque = np.rint(255 * alpha).astype(np.uint8)
    masked = time.process_time()
    png_size(opaque[..., 0])
    mask_time = time.process_time() - start
    again = time.process_time()
    is_old = name == "before"
    cut = np.dstack([image, opaque]) if is_old else foreground.cutout(image, alpha)
    size = png_size(cut)
    cut_time = masked - start + time.process_time() - again
    found, true = alpha[..., 0] >= 0.5, truth[..., 0] > 0
    return (
        100 * segmentation.iou(found[np.newaxis], true[np.newaxis])[0],
        100 * boundary.f_score(found, true, _TOLERANCE),
        100 * np.mean((opaque > 0) & (opaque < 255)),
        mask_time,
        cut_time,
        size,
    )


def main(argv):
    del argv
    segmenter = ExportedSegmenter(versions.find(_RUN.value, versions.SEGMENTER))
    if _PHOTOS.value:
        photos = listing.scan(pathlib.Path(_PHOTOS.value))
    else:
        photos = painted(pathlib.Path(_CACHE.value), _COUNT.value)
    count = min(_COUNT.value, len(photos.pictures))
    rows = {name: [] for name in _WAYS}
    for i in range(-1, count):  # The first is not counted: what is slow at first.
        _, truth = photos.read(max(i, 0))
        path = photos.root / photos.pictures[max(i, 0)]
        for name in _WAYS:
            found = measure(segmenter, path, truth, name)
            rows[name] += [found] if i >= 0 else []
    print(f"{count} photos")
    print(f"{'':18}   IoU  boundary F   half  masks/s  cuts/s  kB a cut")
    for name, found in rows.items():
        iou, f, half, mask_time, cut_time, size = np.mean(found, axis=0)
        print(
            f"{name:18}{iou:6.1f}{f:12.1f}{half:7.2f}{1 / mask_time:9.1f}"
            f"{1 / cut_time:8.1f}{size / 1000:10.0f}"
        )


if __name__ == "__main__":
    app.run(main)
