"""Pictures with object masks as an imagefolder of Hugging Face's `datasets`.

  FOLDER/train/images/000000.png, ...
  FOLDER/train/masks/000000.png, ...    grey, 0 and 255
  FOLDER/train/metadata.jsonl           a line for each: file_name, mask_file_name, codes

`datasets.load_dataset("imagefolder", data_dir=FOLDER)` gives the columns image and mask.

The library takes folders named after a split, as test or my_val_2, for one. So an x
follows such a word where it is in the name of a folder of pictures, as in testx.
"""

import json
import pathlib
import re
from collections.abc import Iterable

from tfcomgan.annotations.example import Example, folders_renamed, save_picture
from tfcomgan.images import mask_to_uint8, save_png
from tfcomgan.system import files

# As `datasets.data_files` has them; 'train' is no harm, as all pictures are below train/.
_RESERVED = re.compile(
    r"(?<![^-._ 0-9])(validation|valid|val|dev|testing|test|evaluation|eval)x*"
    r"(?![^-._ 0-9])"
)


def write(folder: pathlib.Path, examples: Iterable[Example]) -> None:
    """Writes pictures, masks and metadata; files of an earlier call are replaced."""
    rows = []
    for example in examples:
        name = folders_renamed(example.name, _RESERVED)
        example = example._replace(name=name)
        file_name = save_picture(example, folder / "train" / "images")
        mask = f"masks/{name}.png"
        save_png(
            folder / "train" / mask, mask_to_uint8(example.mask[..., None])[..., 0]
        )
        row = {"file_name": f"images/{file_name}", "mask_file_name": mask} | dict(
            example.more
        )
        rows.append(json.dumps(row, ensure_ascii=False) + "\n")
    files.write_text(folder / "train" / "metadata.jsonl", "".join(rows))
