"""Splits that are not part of a data set's own files.

ReDO (Chen et al., NeurIPS 2019) splits CUB-200-2011 by its file
`train_val_test_split.txt`, which most papers on unsupervised segmentation use.
"""

import collections
import pathlib
from collections.abc import Iterable

from tfcomgan.errors import UserError

REDO_FILE = "train_val_test_split.txt"
REDO_SPLITS = ("train", "val", "test")  # 10,000, 788 and 1,000 pictures.


def check_redo_file(path: pathlib.Path) -> None:
    """Raises UserError if ReDO's file is not there."""
    if not path.is_file():
        raise UserError(
            f"ReDO's split needs {path}. Put {REDO_FILE} from the data of "
            "github.com/mickaelChen/ReDO there: lines 'ID SPLIT', where 0 is train, 1 "
            "is val, 2 is test."
        )


def read_redo(path: pathlib.Path, names: dict[int, str]) -> dict[str, list[str]]:
    """The file names of each split, in the file's order.

    Args:
      path: Lines "ID SPLIT", where SPLIT is 0 (train), 1 (val) or 2 (test).
      names: File name by id, from CUB's images.txt.

    Returns:
      File names by `REDO_SPLITS`.

    Raises:
      UserError: The file is missing or malformed, leaves a split empty, names a picture
        twice or one that there is not.
    """
    check_redo_file(path)
    members = {split: [] for split in REDO_SPLITS}
    unknown = []
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            picture, split = map(int, line.split())
            split = members[dict(enumerate(REDO_SPLITS))[split]]
        except (ValueError, KeyError):
            raise UserError(
                f"{path} line {number}: expected 'ID SPLIT' with SPLIT 0, 1 or 2. "
                f"Received: {line.strip()[:80]!r}."
            ) from None
        if picture in names:
            split.append(names[picture])
        else:
            unknown.append(str(picture))
    if unknown:
        raise UserError(
            f"{path} names {len(unknown)} pictures that are not in images.txt: ids "
            f"{_some(unknown)}."
        )
    check_present(path, members, names.values())
    listed = collections.Counter(name for split in members.values() for name in split)
    if twice := [name for name, count in listed.items() if count > 1]:
        raise UserError(f"{path} puts pictures in it twice: {_some(twice)}.")
    return members


def check_present(
    path: pathlib.Path, split_names: dict[str, list[str]], present: Iterable[str]
) -> None:
    """Raises UserError if a split is empty or names pictures that are not present."""
    if empty := [split for split, names in split_names.items() if not names]:
        raise UserError(f"{path} has no pictures in: {', '.join(empty)}.")
    wanted = [name for names in split_names.values() for name in names]
    present = set(present)
    if missing := [name for name in wanted if name not in present]:
        raise UserError(
            f"{path} names {len(missing)} pictures that are missing: {_some(missing)}."
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:20]) + (" ..." if len(names) > 20 else "")
