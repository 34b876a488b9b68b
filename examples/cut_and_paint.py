"""A trained model from Python: cut objects out, put them elsewhere, change one thing.

  python examples/cut_and_paint.py runs/folder_64 photo.jpg made

Writes made/cutout.png (the photo, clear where there is no object), made/elsewhere.png (the
object on surroundings that the generator paints) and made/looks.png (one shape in the
looks f = 0, 1, 2, 3).
"""

import pathlib
import sys

import numpy as np
from PIL import Image

import tfcomgan

LOOKS = 4


def main(run: str, photo: str, out: str) -> None:
    model = tfcomgan.load(run)
    folder = pathlib.Path(out)
    folder.mkdir(parents=True, exist_ok=True)

    cutout = Image.fromarray(model.cutout(photo))  # RGBA, as large as the photo
    cutout.save(folder / "cutout.png")

    ground = to_pixels(model.generate(1, seed=1).background)[0]
    elsewhere = Image.fromarray(ground).convert("RGBA").resize(cutout.size)
    elsewhere.alpha_composite(cutout)
    elsewhere.convert("RGB").save(folder / "elsewhere.png")

    # One seed is one z: the shape stays, its look f changes.
    scenes = [model.generate(1, f=f, b=0, seed=2).composite[0] for f in range(LOOKS)]
    Image.fromarray(to_pixels(np.hstack(scenes))).save(folder / "looks.png")


def to_pixels(images: np.ndarray) -> np.ndarray:
    """Pictures in [-1, 1] as uint8."""
    return np.rint((images + 1) * 127.5).clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("Usage: python examples/cut_and_paint.py RUN PHOTO OUT")
    main(*sys.argv[1:])
