"""Edges of cut-outs at the photo's own size: how good, how soft, how fast.

  python -m benchmarks.cutouts --run=runs/scenes
  python -m benchmarks.cutouts --run=runs/flowers --photos=FOLDER --count=100 --sheet=cuts.png

Painted scenes of 1,000 px with exact masks (painted once, into --cache), or --count photos
of FOLDER/images with FOLDER/masks, evenly from their sorted names. For each way to draw
edges (see `tfcomgan.photos.edges`):

  IoU, boundary F   of the mask at 0.5, means over photos, percent; the outline within 2 px
  half              share of pixels with an opacity of 1 to 254
  masks/s, cuts/s   photos a second of one core's time, from JPEG in memory to the PNG of
                    the mask, and to that of the cut-out; the ways take turns photo by photo

--perfect=64 asks, for a network, the true masks at 64 px: what edges alone are worth.

"before" is the mask as served and the photo's own colours. --sheet draws six cut-outs, of
the photos in the middles of six even parts of the names: a column each, the photo, then
before and grabcut by turns on white, black and magenta, all at full size.
"""

import io
import pathlib
import time
from collections.abc import Callable

import cv2
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
_GROUNDS = ((255, 255, 255), (0, 0, 0), (255, 0, 255))

_RUN = flags.DEFINE_string("run", None, "As --model of tfcomgan.segment.")
_PERFECT = flags.DEFINE_integer(
    "perfect", None, "Instead of --run: pixels of its side."
)
_COUNT = flags.DEFINE_integer("count", 40, "Painted scenes, or photos at most.")
_PHOTOS = flags.DEFINE_string("photos", None, "A folder with images/ and masks/.")
_SHEET = flags.DEFINE_string("sheet", None, "A PNG file to write; none if empty.")
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


class Perfect:
    """Stands for a segmenter that errs nowhere at `image_size` pixels of the short side."""

    def __init__(self, image_size: int):
        self.image_size, self.truth = image_size, np.zeros([1, 1, 1], np.float32)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        size, height, width = self.image_size, *self.truth.shape[:2]
        scale = size / min(height, width)
        seen = (round(scale * width), round(scale * height))
        small = cv2.resize(self.truth, seen, interpolation=cv2.INTER_AREA)
        large = cv2.resize(small, images.shape[2:0:-1], interpolation=cv2.INTER_LINEAR)
        return np.clip(large, 0, 1)[np.newaxis, ..., np.newaxis]


def measure(segmenter: Callable, path: pathlib.Path, truth: np.ndarray, name: str):
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
    made = np.dstack([image, opaque]) if is_old else foreground.cutout(image, alpha)
    size = png_size(made)
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


def cut(segmenter: ExportedSegmenter, image: np.ndarray, name: str):
    """Colours uint8 [H,W,3] and opacity float32 [H,W,1] of a cut-out."""
    alpha = edges.opacity(segmenter, segmenter.image_size, image, _WAYS[name])
    colours = image if name == "before" else foreground.colours(image, alpha)
    return colours, np.rint(255 * alpha) / 255


def sheet(segmenter: ExportedSegmenter, paths: list[pathlib.Path]) -> np.ndarray:
    """A column a photo, padded to the largest: it, and on each ground before and after."""
    columns = []
    for path in paths:
        image = pictures.read(path)
        cuts = [cut(segmenter, image, name) for name in ("before", "grabcut")]
        column = [image]
        for ground in _GROUNDS:
            plain = np.broadcast_to(np.float32(ground), image.shape)
            column += [foreground.over(*one, plain) for one in cuts]
        columns.append(column)
    height = max(column[0].shape[0] for column in columns)
    width = max(column[0].shape[1] for column in columns)
    cells = [[_padded(x, height, width) for x in column] for column in columns]
    return np.concatenate([np.concatenate(column) for column in cells], axis=1)


def _padded(image: np.ndarray, height: int, width: int) -> np.ndarray:
    tall, wide = image.shape[:2]
    page = np.full([height + 4, width + 4, 3], 128, np.uint8)
    top, left = (height - tall) // 2, (width - wide) // 2
    page[top : top + tall, left : left + wide] = image
    return page


def main(argv):
    del argv
    segmenter: Perfect | ExportedSegmenter
    if _PERFECT.value:
        segmenter = Perfect(_PERFECT.value)
        del _WAYS["average"], _WAYS["guided, average"], _WAYS["grabcut, average"]
    else:
        segmenter = ExportedSegmenter(versions.find(_RUN.value, versions.SEGMENTER))
    if _PHOTOS.value:
        photos = listing.scan(pathlib.Path(_PHOTOS.value))
    else:
        photos = painted(pathlib.Path(_CACHE.value), _COUNT.value)
    number = len(photos.pictures)
    count = min(_COUNT.value, number)
    chosen = [i * number // count for i in range(count)]
    rows = {name: [] for name in _WAYS}
    for turn, i in enumerate([chosen[0], *chosen]):
        _, truth = photos.read(i)
        if isinstance(segmenter, Perfect):
            segmenter.truth = (truth[..., 0] > 0).astype(np.float32)
        for name in _WAYS:
            path = photos.root / photos.pictures[i]
            found = measure(segmenter, path, truth, name)
            rows[name] += [found] if turn else []  # The first: what is slow at first.
    if _SHEET.value and isinstance(segmenter, ExportedSegmenter):
        shown = [photos.pictures[(2 * k + 1) * number // 12] for k in range(6)]
        save_png(_SHEET.value, sheet(segmenter, [photos.root / x for x in shown]))
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
