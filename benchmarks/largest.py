"""The most memory that one photo can take: the largest that is read, in several formats.

  python -m benchmarks.largest --run=runs/scenes

Makes photos of 13,377 x 13,377 pixels, the largest square ones that are not refused, and
gives each to a process of its own: to `tfcomgan-segment` for the mask, and again for cut-out
and overlay; to `tfcomgan-generate --swap` for painted grounds behind the object. Prints the
most memory that was resident, and the time.
"""

import os
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import numpy as np
from absl import app, flags
from PIL import Image

_RUN = flags.DEFINE_string("run", None, "A run folder.", required=True)
_SIDE = flags.DEFINE_integer("side", 13_377, "Pixels.", lower_bound=64)
_KINDS = flags.DEFINE_list(
    "kinds", ["jpg", "turned", "png", "clear", "cmyk", "deep", "dark"], "Some of these."
)
_COMMANDS = {  # By what is written.
    "masks": ("segment", "--write=masks"),
    "cutouts": ("segment", "--write=cutouts,overlays"),
    "swap": ("generate", "--swap"),
}
_WRITTEN = flags.DEFINE_list("written", list(_COMMANDS), "Some of these.")
_UPRIGHT = 0x0112  # EXIF's tag; 6 is a quarter turn.


def photo(kind: str, side: int, folder: str) -> str:
    """Writes a photo of slow waves; returns its path."""
    lines = np.arange(side, dtype=np.uint32) // 64
    grey = ((lines[:, np.newaxis] + lines) % 256).astype(np.uint8)
    bands = [Image.fromarray(x) for x in (grey, 255 - grey, grey[:, ::-1].copy(), grey)]
    if kind == "dark":  # 16 bits a colour, which Pillow does not write.
        path = os.path.join(folder, "dark.tif")
        cv2.imwrite(path, np.dstack([np.uint16(grey) * 16] * 3))
        return path
    colour = Image.merge("RGB", bands[:3])
    turned = Image.Exif()
    turned[_UPRIGHT] = 6
    image, suffix, options = {
        "jpg": (colour, "jpg", {}),
        "turned": (colour, "jpg", {"exif": turned}),
        "png": (colour, "png", {"compress_level": 1}),
        "clear": (Image.merge("RGBA", bands), "png", {"compress_level": 1}),
        "cmyk": (Image.merge("CMYK", bands), "tif", {"compression": "tiff_lzw"}),
        "deep": (Image.fromarray(grey * np.uint16(257)), "png", {"compress_level": 1}),
    }[kind]
    path = os.path.join(folder, f"{kind}.{suffix}")
    image.save(path, **options)
    return path


def measured(path: str, run: str, written: str, out: str) -> tuple[float, float]:
    """GiB and seconds of one command; raises where it fails."""
    start = time.monotonic()
    module, flag = _COMMANDS[written]
    command = [sys.executable, "-m", f"tfcomgan.{module}", path]
    command += [f"--model={run}", f"--out={out}", flag]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            said.seek(0)
            why = said.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"{' '.join(command)} ended with {status}: {why}")
    scale = 2**30 if sys.platform == "darwin" else 2**20
    return used.ru_maxrss / scale, time.monotonic() - start


def main(_):
    print("| photo | written | GiB | seconds |\n|---|---|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for kind in _KINDS.value:
            path = photo(kind, _SIDE.value, folder)
            for i, written in enumerate(_WRITTEN.value):
                out = os.path.join(folder, f"out-{kind}-{i}")
                memory, seconds = measured(path, _RUN.value, written, out)
                print(
                    f"| {kind} | {written} | {memory:.2f} | {seconds:.0f} |", flush=True
                )


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = None
    app.run(main)
