"""Commands that write results of a finished run, for trials of bad disks."""

import functools
import hashlib
import pathlib

import kill_loop
import numpy as np
from PIL import Image

_PHOTOS = 12


def photos(folder: pathlib.Path) -> pathlib.Path:
    """A folder of small photos, made if missing."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for i in range(_PHOTOS):
        small = rng.integers(0, 256, [8, 8, 3], np.uint8)
        path = folder / f"{i}.jpg"
        if not path.exists():
            Image.fromarray(small).resize((160, 120)).save(path)
    return folder


def written(out: pathlib.Path) -> dict[str, str]:
    """Name to digest of each result."""
    paths = [out] if out.is_file() else sorted(out.rglob("*"))
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.is_file() and not path.name.startswith(".tfcomgan")
    }


def _segment(run: pathlib.Path, written: str) -> tuple[list, str]:
    folder = photos(run.parent / "photos")
    return [folder, f"--model={run}", f"--write={written}"], "tfcomgan.segment"


def _generate(run: pathlib.Path, *more: str) -> tuple[list, str]:
    # Of a generator that has learned nothing.
    wide = ("--min_area=0", "--max_area=1")
    return [f"--model={run}", *wide, *more], "tfcomgan.generate"


def _compare(run: pathlib.Path) -> tuple[list, str]:
    return [run], "tfcomgan.compare"


def _doctor(run: pathlib.Path) -> tuple[list, str]:
    flags = kill_loop.flags(run.parent, 8)
    kept = [x for x in flags if x.startswith(("--gin", "--data_dir"))]
    return kept, "tfcomgan.doctor"


# Name to arguments and module, less --out.
COMMANDS = {
    "segment": functools.partial(_segment, written="masks,cutouts,overlays"),
    "segment, data sets": functools.partial(_segment, written="coco,yolo,imagefolder"),
    "generate": _generate,
    "generate --dataset": lambda run: _generate(run, "--dataset=20"),
    "compare": _compare,
    "doctor": _doctor,
}
