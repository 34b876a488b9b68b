"""Pictures with predicted masks, in the layout of Deep Region Competition (Yu et al.).

The masks of Stanford Cars and Dogs that the field scores against are those of a Mask
R-CNN trained on COCO; its threshold and choice of instance were not published. The layout:

  cars/data_mrcnn_train_select.npy, cars/data_mrcnn_test_select.npy: chosen ids
  cars/data_mrcnn/{train,test}/resized/ID_resized.png, ID_maskresized.png

and `dogs/` with `data_tr_sel.npy`, `data_te_sel.npy`. DRC reads the pictures by OpenCV and
takes them for RGB, so trains on blue for red; here red is red.
"""

import dataclasses
import functools
import pathlib
from typing import ClassVar, Literal

import numpy as np
import tensorflow_datasets as tfds

from tfcomgan.data import making, manual, pictures
from tfcomgan.errors import UserError


@dataclasses.dataclass(eq=False, kw_only=True)
class PredictedMasksBuilderConfig(tfds.core.BuilderConfig):
    """Cars or dogs: where they lie, and the names of the lists of ids by split."""

    root: pathlib.Path | None = None
    lists: dict[str, str]


class PredictedMasks(making.PictureBuilder):
    """Cars or dogs with predicted masks; splits `train` and `test`."""

    HOMEPAGE = "https://github.com/yuPeiyu98/Deep-Region-Competition"

    def _info(self) -> tfds.core.DatasetInfo:
        return self._describe(has_masks=True)

    def _split_generators(self, dl_manager):
        del dl_manager  # Nothing to download.
        root = self.builder_config.root
        chosen = {
            split: _chosen(root / name, split)
            for split, name in self.builder_config.lists.items()
        }
        _check_files(root, [stem for stems in chosen.values() for stem in stems])
        read = functools.partial(_example, root)
        return {split: self.each(read, stems) for split, stems in chosen.items()}


def _example(root: pathlib.Path, stem: str):
    image_path, mask_path = _paths(root, stem)
    image, mask = pictures.read(image_path), pictures.read_mask(mask_path)
    if image.shape[:2] != mask.shape[:2]:
        raise UserError(f"{mask_path} must be as large as {image_path.name}.")
    return stem, {"image": image, "mask": mask, "file_name": stem}


def _chosen(path: pathlib.Path, split: str) -> list[str]:
    """Where the pictures of a list lie, as 'data_mrcnn/train/resized/ID'."""
    try:
        ids = np.load(path).ravel()
    except (ValueError, EOFError) as error:
        raise UserError(f"{path} is not a list of ids ({error}).") from error
    if not ids.size:
        raise UserError(f"{path} names no pictures.")
    return [f"data_mrcnn/{split}/resized/{name}" for name in ids.tolist()]


def _paths(root: pathlib.Path, stem: str) -> tuple[pathlib.Path, pathlib.Path]:
    return root / f"{stem}_resized.png", root / f"{stem}_maskresized.png"


def _check_files(root: pathlib.Path, stems: list[str]) -> None:
    paths = [path for stem in stems for path in _paths(root, stem)]
    if missing := [str(p.relative_to(root)) for p in paths if not p.is_file()]:
        raise UserError(
            f"{root}: the lists name {len(missing)} files that are missing: "
            f"{', '.join(missing[:20])}{' ...' if len(missing) > 20 else ''}."
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfficialOrSelected(manual.Source):
    """Settings of Stanford Cars and Dogs, and what both do with them.

    Attributes:
      pictures: 'official', with boxes and without masks; or 'drc', Deep Region
        Competition's selection with predicted masks and without boxes.
    """

    NAME: ClassVar[str]  # 'cars' or 'dogs'.
    LISTS: ClassVar[dict[str, str]]  # File names of the lists of ids, by split.
    OFFICIAL: ClassVar[type[manual.FromArchives]]

    pictures: Literal["official", "drc"] = "official"

    def builder(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None
    ) -> tfds.core.DatasetBuilder:
        """TFDS's, or the selection's."""
        if self.pictures == "drc":
            return selected(self.NAME, self.LISTS, data_dir, manual_dir)
        return self.OFFICIAL(data_dir=str(data_dir))

    def adapt(self, example: dict) -> dict:
        """An example with our keys."""
        return example if self.pictures == "drc" else self._adapt_official(example)


def selected(
    name: str,
    lists: dict[str, str],
    data_dir: pathlib.Path,
    manual_dir: pathlib.Path | None,
) -> tfds.core.DatasetBuilder:
    """The builder of the pictures with predicted masks.

    Args:
      name: 'cars' or 'dogs'.
      lists: File names of the lists of ids, by split.
      data_dir: Holds `predicted_masks/NAME/1.0.0`, or gets it.
      manual_dir: Holds `NAME/` in the layout above, or is that folder.

    Raises:
      UserError: Files are missing or damaged.
    """
    given = manual_dir and pathlib.Path(manual_dir)
    roots = [r for r in (given and given / name, given) if r and _has(r, lists)]
    builder = PredictedMasks(
        data_dir=str(data_dir),
        config=PredictedMasksBuilderConfig(
            name=name, root=roots[0] if roots else None, lists=lists
        ),
    )
    if not roots and not making.is_made(builder):
        raise UserError(
            f"{name} with predicted masks are not in {data_dir}, and --manual_dir={given} "
            "does not hold them. Give a folder with\n"
            + "".join(f"  {name}/{file}\n" for file in lists.values())
            + f"  {name}/data_mrcnn/{{train,test}}/resized/ID_resized.png\n"
            f"  {name}/data_mrcnn/{{train,test}}/resized/ID_maskresized.png\n"
            "as Deep Region Competition offers them "
            "(github.com/yuPeiyu98/Deep-Region-Competition)."
        )
    return builder


def _has(root: pathlib.Path, lists: dict[str, str]) -> bool:
    return all((root / name).is_file() for name in lists.values())
