"""The pictures of docs/photos.md: photographs with masks, drawn at random, and the worst.

  python -m benchmarks.photo_sheets --run=runs/flowers --photos=flowers17 --part=odd \\
      --out=flowers.png
  python -m benchmarks.photo_sheets --run=runs/flowers --photos=flowers17 --worst=0 \\
      --rows=photo,cutout --out=row.png

PHOTOS has images/ and masks/. Left stand --random photographs that a generator of random
numbers picked, right the --worst by IoU, the worst first: the photograph, the mask as the
network gives it, the cut-out as `tfcomgan.segment` makes it, on grey, and the true mask.
All are squeezed into squares. Prints the mean IoU of the photos at full size.
"""

import numpy as np
from absl import app, flags
from PIL import Image

from tfcomgan import api
from tfcomgan.data import scored_folder
from tfcomgan.figures import grids
from tfcomgan.images import mask_to_uint8, save_png
from tfcomgan.metrics import segmentation

_RUN = flags.DEFINE_string(
    "run", None, "As --model of tfcomgan.segment.", required=True
)
_PHOTOS = flags.DEFINE_string("photos", None, "A folder.", required=True)
_PART = flags.DEFINE_string("part", "all", "As `evaluation.part`: 'odd', a file.")
_RANDOM = flags.DEFINE_integer("random", 8, "Photographs drawn at random.")
_WORST = flags.DEFINE_integer("worst", 8, "Photographs of the lowest IoU.")
_ROWS = flags.DEFINE_list(
    "rows", ["photo", "mask", "cutout", "truth"], "What is shown."
)
_OUT = flags.DEFINE_string("out", None, "A PNG file to write.", required=True)
_SEED = flags.DEFINE_integer("seed", 0, "Of the draw.")
_SIDE, _GAP = 96, 16  # Pixels.
_GREY = 144


def square(pixels: np.ndarray) -> np.ndarray:
    """Pixels [H,W] or [H,W,C] as uint8 [S,S,3], on grey where they are transparent."""
    image = Image.fromarray(pixels)
    if image.mode == "RGBA":
        ground = Image.new("RGBA", image.size, (_GREY, _GREY, _GREY, 255))
        image = Image.alpha_composite(ground, image)
    image = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def column(model: api.TrainedModel, image: np.ndarray, truth: np.ndarray):
    """What is shown of a photo, name to uint8 [S,S,3]."""
    mask = mask_to_uint8(model.segment(image, refine="none")[np.newaxis])[0]
    shown = {
        "photo": image,
        "mask": mask,
        "cutout": model.cutout(image),
        "truth": np.uint8(255) * (truth[..., 0] > 0),
    }
    return {name: square(pixels) for name, pixels in shown.items()}


def main(argv):
    del argv
    model = api.load(_RUN.value)
    photos, places = scored_folder.choose(_PHOTOS.value, _PART.value)
    chosen = np.asarray(places)
    scores = []
    for i in chosen:
        image, truth = photos.read(i)
        mask = model.segment(image, refine="none")
        scores.append(
            segmentation.iou(mask[np.newaxis] > 0.5, truth[np.newaxis] > 0)[0]
        )
    print(f"{len(chosen)} photos, mean IoU {100 * np.mean(scores):.1f}")
    rng = np.random.default_rng(_SEED.value)
    drawn = np.sort(rng.choice(chosen, _RANDOM.value, replace=False))
    worst = chosen[np.argsort(scores)[: _WORST.value]]
    sheets = []
    for group in (drawn, worst):
        if not len(group):
            continue
        columns = [column(model, *photos.read(i)) for i in group]
        strips = [np.stack([c[name] for c in columns]) for name in _ROWS.value]
        sheet = grids.grid(strips)
        gap = np.full([len(sheet), _GAP, 3], 255, np.uint8)
        sheets += [gap, sheet] if sheets else [sheet]
    save_png(_OUT.value, np.concatenate(sheets, axis=1))


if __name__ == "__main__":
    app.run(main)
