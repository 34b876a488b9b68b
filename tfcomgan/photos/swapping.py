"""Objects of photos before painted grounds: files at the photo's size, and a sheet."""

import pathlib
import sys
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from tfcomgan.data import pictures
from tfcomgan.errors import UserError
from tfcomgan.images import save_png
from tfcomgan.photos import edges, finding, finishing, grounds, reading
from tfcomgan.photos.finding import Photo
from tfcomgan.serving import export_segmenter, versions
from tfcomgan.system import files

FOLDER, SHEET = "swap", "swap.png"
_CELL = 768  # Pixels of a side of a picture on the sheet, at most.
_GAP = 4


def find(arguments: Sequence[str], out: pathlib.Path) -> list[Photo]:
    """The photos meant; see `finding.find`.

    Raises:
      UserError: There are none, or one is no picture.
    """
    photos = finding.find(
        arguments, [out / FOLDER], tell=lambda line: print(line, file=sys.stderr)
    )
    for photo in photos:
        pictures.size(photo.path)  # By its header, before anything is written.
    return photos


def write(
    photos: Sequence[Photo],
    model_dir: pathlib.Path,
    painted: np.ndarray,
    out: pathlib.Path,
) -> None:
    """Writes OUT/swap/1/NAME.jpg and so on, a folder a ground, and the sheet OUT/swap.png.

    Args:
      photos: Of `find`.
      model_dir: Has an exported segmenter.
      painted: Grounds, float32 [N,S,S,3] in [-1, 1].
      out: Folder of the results.

    Raises:
      UserError: A photo cannot be read, or there is no segmenter.
    """
    model = export_segmenter.ExportedSegmenter(
        versions.find(model_dir, versions.SEGMENTER)
    )
    rows, skipped = [], 0
    for photo in photos:
        try:
            image = _read(photo.path)
        except (pictures.BadPicture, finishing.TooLarge) as error:
            print(f"skipped: {error}", file=sys.stderr)
            skipped += 1
            continue
        alpha = edges.opacity(model, model.image_size, image, edges.Choices())
        row = [_small(image)]
        for i, swapped in enumerate(grounds.behind(image, alpha, painted), start=1):
            _save(out / FOLDER / str(i) / f"{photo.name}.jpg", swapped)
            row.append(_small(swapped))
        rows.append(row)
    if rows:
        save_png(out / SHEET, sheet(rows))
    if skipped:
        raise UserError(f"{skipped} of {len(photos)} pictures could not be read.")


def _read(path: str) -> np.ndarray:
    """The pixels of a photo that can be swapped.

    Raises:
      BadPicture: It cannot be read.
      TooLarge: The results would not fit into their format.
    """
    image = reading.read(path).image
    if max(image.shape[:2]) > finishing.MOST["jpeg"]:
        raise finishing.TooLarge(
            f"{path}: its {image.shape[1]} x {image.shape[0]} pixels do not fit into JPEG, "
            f"which has {finishing.MOST['jpeg']} a side at most. Make a smaller copy"
        )
    return image


def sheet(rows: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Pictures uint8 [H,W,3] in rows, those of a row of one size, on white."""
    width = max(sum(x.shape[1] + _GAP for x in row) for row in rows) + _GAP
    height = sum(row[0].shape[0] + _GAP for row in rows) + _GAP
    page = np.full([height, width, 3], 255, np.uint8)
    y = _GAP
    for row in rows:
        x = _GAP
        for picture in row:
            tall, wide = picture.shape[:2]
            page[y : y + tall, x : x + wide] = picture
            x += wide + _GAP
        y += tall + _GAP
    return page


def _small(image: np.ndarray) -> np.ndarray:
    scale = _CELL / max(image.shape[:2])
    if scale >= 1:
        return image
    size = [max(1, round(scale * side)) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _save(path: pathlib.Path, image: np.ndarray) -> None:
    with files.replacing(path, is_durable=False) as temporary:
        Image.fromarray(image).save(temporary, format="JPEG", quality=95, subsampling=0)
