"""The files of a folder of pictures, with masks or without, and what they contain.

  photos/**/NAME.jpg                                    without masks
  photos/images/**/NAME.jpg, photos/masks/**/NAME.png   a mask for each, or for some

Pictures are the files with a suffix of `walking.SUFFIXES`, in subfolders too; `walking`
says what is passed over. A mask has the name of its picture and any such suffix, in place
of the picture's or after it. Small letters or capitals do not matter, nor how Unicode
composes them; what fits exactly goes first.
"""

import collections
import hashlib
import os
import pathlib
from typing import NamedTuple

from tfcomgan.data import digests, pictures, walking
from tfcomgan.data.pictures import BadPicture
from tfcomgan.data.walking import folded, is_picture, shown, some
from tfcomgan.errors import UserError

IMAGES, MASKS = "images", "masks"  # The two folders.
# How others name what must not be taken for pictures: folders, and ends of names.
_OTHER_MASKS = (
    *("mask", "masks", "annotation", "annotations", "label", "labels", "gt"),
    *("groundtruth", "ground_truth", "segmentation", "segmentations"),
    *("segmentationclass", "segmentationobject"),
)
_MASK_ENDS = ("mask", "masks", "gt", "seg", "segmentation", "label", "matte")


class Listing(NamedTuple):
    """Files of a folder, by name relative to it, sorted.

    root: The folder.
    pictures: Names of the pictures, and of folders that cannot be opened.
    masks: Names of their masks, None for one that has none; None where the layout has no
      masks.
    ignored: Other files.
    troubles: What is wrong with pictures, beside what is seen when they are read.
    passed_over: What was not looked at, and why.
    """

    root: pathlib.Path
    pictures: tuple[str, ...]
    masks: tuple[str | None, ...] | None
    ignored: tuple[str, ...]
    troubles: dict[str, str]
    passed_over: dict[str, str]

    def read(
        self, index: int, *, invert_masks: bool = False, at_least: int | None = None
    ):
        """A picture uint8 [H,W,3] and its mask uint8 [H,W,1] in {0, 1}, or None.

        Args:
          index: Which picture.
          invert_masks: The masks are white where the object is not.
          at_least: See `pictures.read`; the mask comes in full size all the same.

        Raises:
          BadPicture: One of them cannot be read, or their sizes differ.
        """
        path = self.root / self.pictures[index]
        image = pictures.read(path, at_least=at_least)
        if trouble := self.troubles.get(self.pictures[index]):
            raise BadPicture(path, trouble)
        if self.masks is None:
            return image, None
        mask_name = self.masks[index]
        if mask_name is None:
            return image, None
        try:
            mask = pictures.read_mask(self.root / mask_name)
        except BadPicture as error:
            reason = f"its mask {shown(mask_name)} cannot be read: {error.reason}"
            raise BadPicture(path, reason) from error
        # Of a picture decoded at a part of its size, that of the file counts.
        if mask.shape[:2] not in (image.shape[:2], size := pictures.size(path)):
            sizes = [f"{width} x {height}" for height, width in (size, mask.shape[:2])]
            raise BadPicture(path, f"it has {sizes[0]} pixels, its mask {sizes[1]}")
        return image, 1 - mask if invert_masks else mask

    def pixels(self, index: int) -> int:
        """See `pictures.pixels`."""
        return pictures.pixels(self.root / self.pictures[index])

    def content(self, data_dir: pathlib.Path | None = None) -> str:
        """Hex SHA-256 of the names and bytes of pictures and masks; see `contents`."""
        return self.contents(data_dir)[0]

    def contents(self, data_dir: pathlib.Path | None = None) -> tuple[str, str]:
        """`content`, and that of the pictures alone, as if there were no masks.

        Args:
          data_dir: Keeps the digests of files, see `digests.of_files`.
        """
        version = f"read as of {pictures.VERSION}"
        if pictures.HAS_HEIF and any(map(pictures.is_named_heif, self.pictures)):
            version += ", HEIC too"  # Without it such may be left out.
        content = hashlib.sha256(f"{version}\0".encode())
        names = (*self.pictures, *filter(None, self.masks or ()))
        found = digests.of_files(self.root, names, data_dir)
        of_pictures = content.copy()
        for place, (name, digest) in enumerate(zip(names, found, strict=True)):
            # An error's name is no digest.
            known = bytes.fromhex(digest) if len(digest) == 64 else digest.encode()
            content.update(os.fsencode(name) + b"\0" + known + b"\0")
            if place == len(self.pictures) - 1:
                of_pictures = content.copy()
        return content.hexdigest(), of_pictures.hexdigest()

    def without_mask(self) -> list[str]:
        """Names of the pictures that have none, where others have one."""
        pairs = zip(self.pictures, self.masks or (), strict=False)
        bad = self.troubles
        return [name for name, mask in pairs if mask is None and name not in bad]

    def notes(self) -> list[str]:
        """What was left out, in lines for the user."""
        told = [f"Other files ignored: {some(self.ignored)}."] if self.ignored else []
        if bare := self.without_mask():
            told.append(
                f"{len(bare)} of {len(self.pictures)} pictures have no mask, so they are "
                f"learned from and not scored: {some(bare)}."
            )
        return told + walking.told(self.passed_over)


def scan(manual_dir: pathlib.Path | None) -> Listing:
    """Finds the pictures of a folder, and their masks.

    Raises:
      UserError: There is no such folder, no picture in it, or its layout can be read in
        two ways.
    """
    if manual_dir is None or not (manual_dir := manual_dir.expanduser()).is_dir():
        raise UserError(
            "`folder` needs --manual_dir, the folder of your pictures, as in "
            f"--manual_dir=photos. Received: {manual_dir}."
        )
    walk = walking.walk(manual_dir)
    images, masks = (_top(manual_dir, walk.files, name) for name in (IMAGES, MASKS))
    named = [name for name in walk.files if is_picture(name)]
    readable, masks_of, troubles = named, None, {}
    if masks:
        readable = [name for name in named if images and name.startswith(f"{images}/")]
        masks_of, troubles = _pair(readable, named, f"{images}/", f"{masks}/")
    if not readable and not walk.locked:
        raise _none(manual_dir, walk, images or IMAGES, masks)
    _refuse_hidden_masks(manual_dir, readable)
    passed_over = dict(walk.passed_over)
    if masks:
        beside = set(named) - set(readable) - set(_below(named, f"{masks}/"))
        passed_over |= dict.fromkeys(
            beside, f"outside of {images}, as there is {masks}"
        )
    pictures = tuple(sorted([*readable, *walk.locked]))
    used = {*pictures, *(masks_of or {}).values(), *passed_over}
    return Listing(
        root=manual_dir,
        pictures=pictures,
        masks=tuple(map(masks_of.get, pictures)) if masks else None,
        ignored=tuple(name for name in walk.files if name not in used),
        troubles=troubles | walk.locked,
        passed_over=passed_over,
    )


def _below(names: list[str], folder: str) -> list[str]:
    """The names that begin with 'folder/'."""
    return [name for name in names if name.startswith(folder)]


def _top(root: pathlib.Path, names: list[str], meant: str) -> str:
    """The folder of this name at the top, however it is written; '' if there is none."""
    tops = {name.partition("/")[0] for name in names if "/" in name}
    fitting = sorted(top for top in tops if folded(top) == meant)
    if len(fitting) > 1:
        raise UserError(
            f"{root} has {' and '.join(fitting)}: which of them holds the {meant}? "
            "Rename one, or put them into one."
        )
    return fitting[0] if fitting else ""


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _pair(pictures: list[str], named: list[str], images: str, masks: str):
    """The mask of each picture, and what is wrong where it is not clear which that is.

    Some may have none; where no picture has one, the names are taken to be wrong.
    """
    fitting = collections.defaultdict(set)  # By the written and the compared name.
    for mask in _below(named, masks):
        stem = _stem(mask.removeprefix(masks))
        fitting[stem].add(mask)
        fitting[folded(stem), ""].add(mask)
    masks_of, left = {}, []
    for name in pictures:
        inside = name.removeprefix(images)
        if exact := fitting[_stem(inside)] | fitting[inside]:
            masks_of[name] = exact
        else:
            left.append(name)
    taken = set().union(*masks_of.values())
    for name in left:
        inside = folded(name.removeprefix(images))
        near = fitting[_stem(inside), ""] | fitting[inside, ""]
        masks_of[name] = near - taken
    users = collections.defaultdict(list)
    for name, fit in masks_of.items():
        for mask in fit:
            users[mask].append(name)
    troubles, has_any = {}, any(masks_of.values())
    for name, fit in masks_of.items():
        wanted = masks + _stem(name.removeprefix(images)) + ".png"
        if not fit:
            if not has_any:
                troubles[name] = f"its mask {shown(wanted)} is missing"
        elif len(fit) > 1:
            two = " and ".join(map(shown, sorted(fit)))
            troubles[name] = f"two masks fit it, {two}; leave one of them"
        elif len(others := users[mask := min(fit)]) > 1:
            other = next(other for other in others if other != name)
            troubles[name] = f"its mask {shown(mask)} fits {shown(other)} too"
    return {name: min(fit) for name, fit in masks_of.items() if fit}, troubles


def _none(root, walk: walking.Walk, images: str, masks: str) -> UserError:
    where = root / images if masks else root
    others = [n for n in walk.files if not (masks and n.startswith(f"{masks}/"))]
    told = [f"It holds other files: {some(others)}."] if others else []
    told += walking.told(walk.passed_over)
    if masks:
        told.append(
            f"As there is {masks}, pictures are looked for in {images} alone; rename it "
            "if it holds no masks."
        )
    return UserError(
        f"--manual_dir={root} has no picture in {where}. {' '.join([*told, ''])}"
        f"Expected are files named {' '.join(walking.SUFFIXES)}, there or in folders "
        "below; with masks/NAME.png beside it, a picture is images/NAME.jpg."
    )


def _refuse_hidden_masks(root: pathlib.Path, pictures: list[str]) -> None:
    """Raises UserError where masks lie among the pictures, in a layout of others."""

    def folders(name):
        return [part for part in name.split("/")[:-1] if folded(part) in _OTHER_MASKS]

    stems = {}
    for name in pictures:
        if not folders(name):
            stems.setdefault(folded(_stem(name)), name)
    files = {stem.rpartition("/")[2]: name for stem, name in stems.items()}
    pairs = []
    for name in pictures:
        stem = folded(_stem(name))
        if folders(name):
            picture = files.get(stem.rpartition("/")[2])
        else:
            start = next((stem[: -len(e)] for e in _MASK_ENDS if stem.endswith(e)), " ")
            picture = stems.get(start[:-1]) if start[-1:] in ("_", "-", ".") else None
        if picture:
            pairs.append((name, picture))
    if pairs:
        mask, picture = map(shown, pairs[0])
        raise UserError(
            f"{len(pairs)} of {len(pictures)} pictures in {root} look like masks of others, as "
            f"{mask} of {picture}. Masks are taken from a folder `masks` beside a "
            "folder `images`: give the folder that holds both as --manual_dir, or sort "
            "the files so. If they are pictures, rename them."
        )
