"""What is kept of the pictures of a data set to judge it, and what is said of that."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

SHEET_COLUMNS, SHEET_ROWS = 12, 6
_THUMBNAIL = 16  # Pixels.
# Levels, root mean square, between thumbnails of near duplicates. Of CLEVR renders saved
# again, as JPEG of quality 30 to 85 at 0.3 to 1 times the size, 95% are within 5; the two
# most alike of 3,000 different ones are 6.2 apart.
_NEAR = 5.0
_FEW = 1000  # Training pictures.
# Pictures of one kind of thing in one kind of place have a likeness of 0.05 to 0.4, mixed
# ones mostly less (docs/data.md).
_UNLIKE, _JUDGED = 0.04, 50  # Of fewer pictures the mean says little.
COMPARED = 20_000
LISTED = 5
_AT_ONCE = 1000  # Rows of the table of distances.

Part = tuple[int, int, int, int]  # Top, left, height, width in pixels.


class Finding(NamedTuple):
    """What is kept of a picture.

    name: File name.
    split: 'train' or another.
    problem: Why it cannot be used; the rest is then None.
    size: (height, width) in pixels, upright.
    kind: File format and Pillow's mode, or channels.
    thumbnail: uint8 [16,16,3], all of the picture.
    mask_area: Share that is object.
    mask_border: Share of the border that is object.
    sheet: uint8 [S,S,3], the training's crop, for pictures on the contact sheet.
    sheet_mask: uint8 [S,S,1] in {0, 1}.
    """

    name: str
    split: str | None = None
    problem: str | None = None
    size: tuple[int, int] | None = None
    kind: str | None = None
    thumbnail: np.ndarray | None = None
    mask_area: float | None = None
    mask_border: float | None = None
    sheet: np.ndarray | None = None
    sheet_mask: np.ndarray | None = None


def look(
    name: str,
    image: np.ndarray,
    mask: np.ndarray | None,
    *,
    split: str,
    kind: str,
    part: Part | None,
    sheet_size: int,
) -> Finding:
    """What to keep of a picture.

    Args:
      name: Its file.
      image: uint8 [H,W,3].
      mask: uint8 [H,W,1], or None.
      split: 'train' or another.
      kind: See `Finding`.
      part: What the training crops of it; None of pictures that are not on the sheet.
      sheet_size: Pixels of a side on the sheet.
    """
    picture = Image.fromarray(image)
    finding = Finding(
        name, split, None, image.shape[:2], kind, thumbnail=thumbnail(image)
    )
    if mask is not None:
        edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        finding = finding._replace(
            mask_area=float(mask.mean()), mask_border=float(edge.mean())
        )
    if part:
        sheet = np.asarray(_cropped(picture, part, sheet_size))
        finding = finding._replace(sheet=sheet)
        if mask is not None:
            white = Image.fromarray(mask[..., 0] * np.uint8(255))
            grey = _cropped(white, part, sheet_size)
            sheet_mask = (np.asarray(grey) > 127).astype(np.uint8)
            finding = finding._replace(sheet_mask=sheet_mask[..., np.newaxis])
    return finding


def thumbnail(image: np.ndarray) -> np.ndarray:
    """All of a picture uint8 [H,W,3] as uint8 [16,16,3]."""
    size = (_THUMBNAIL, _THUMBNAIL)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def _cropped(picture: Image.Image, part: Part, size: int) -> Image.Image:
    """A part of a picture as a square."""
    top, left, height, width = part
    box = (left, top, left + width, top + height)
    return picture.resize((size, size), Image.Resampling.BILINEAR, box=box)


class Alike(NamedTuple):
    """Near duplicates among pictures.

    pairs: How many pairs of them there are.
    across: Those of these whose pictures lie in different splits.
    first: A few of the pairs (i, j), i < j, in their order.
    """

    pairs: int
    across: int
    first: list[tuple[int, int]]


def near_duplicates(thumbnails: np.ndarray, splits: Sequence[str]) -> Alike:
    """Which thumbnails uint8 [N,H,W,C] differ by next to nothing, and the split of each.

    Pairs are counted, not kept: pictures of a camera that stands still are all alike.
    """
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32) - 127.5
    squares = np.sum(flat**2, axis=1)
    of_split = np.unique(splits, return_inverse=True)[1]
    count, across = 0, 0
    first: list[tuple[int, int]] = []
    for start in range(0, len(flat), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        distances = squares[part, None] + squares - 2 * flat[part] @ flat.T
        # Each pair once, and nothing with itself.
        near = np.triu(distances <= _NEAR**2 * flat.shape[1], start + 1)
        count += int(near.sum())
        across += int((near & (of_split[part, None] != of_split)).sum())
        if len(first) < LISTED:
            places = np.flatnonzero(near)[:LISTED]
            rows, columns = np.unravel_index(places, near.shape)
            pairs = zip(rows + start, columns, strict=True)
            first += [(int(i), int(j)) for i, j in pairs]
    return Alike(count, across, first[:LISTED])


def likeness(thumbnails: Sequence[np.ndarray]) -> float:
    """How alike pictures are: the mean correlation of the lightness of two of them.

    It is high where objects lie alike in alike pictures. Of a picture of one colour all
    correlations are 0.

    Args:
      thumbnails: uint8 [H,W,C] each, of one size; at least 2. The first `COMPARED` count.

    Returns:
      At most 1; of N pictures at least -1 / (N - 1).
    """
    thumbnails = thumbnails[:COMPARED]
    light = np.stack(thumbnails).mean(-1, dtype=np.float32).reshape(len(thumbnails), -1)
    light -= light.mean(1, keepdims=True)
    norms = np.linalg.norm(light, axis=1, keepdims=True)
    units = np.divide(light, norms, out=np.zeros_like(light), where=norms > 1e-3)
    # Of all pairs at once: the square of a sum is the sum of all products.
    own = np.square(units, dtype=np.float64).sum()
    total = np.square(units.sum(0, dtype=np.float64)).sum()
    return float((total - own) / (len(units) * (len(units) - 1)))


def warn_of_kind(thumbnails: Sequence[np.ndarray]) -> Iterator[str]:
    """What pictures lack, all together, for good masks; of thumbnails uint8 [H,W,3]."""
    if len(thumbnails) and all((t == t[..., :1]).all() for t in thumbnails):
        yield (
            "All pictures are grey: colours, which mostly tell an object from its ground, "
            "are missing. Expect worse masks."
        )
    if len(thumbnails) >= _JUDGED and (alike := likeness(thumbnails)) < _UNLIKE:
        yield (
            f"The pictures have little in common (likeness {max(alike, 0):.2f}, of one kind of "
            f"thing mostly over {_UNLIKE}). Are they of one kind of thing? What is learned "
            "is what they have in common."
        )


def warn_of_few(num_train: int, advice: str = "") -> Iterator[str]:
    """What to expect of so many training pictures; nothing where they are many."""
    if num_train < _FEW:
        some = "picture is" if num_train == 1 else "pictures are"
        yield (
            f"{num_train} training {some} few for a GAN: below {_FEW:,}, critics "
            "learn them by heart. Expect coarse masks; more pictures help most, then "
            f"fewer codes (NUM_CODES) and a shorter training (STEPS). {advice}"
        ).rstrip()


def warn_of_alike(
    names: Sequence[str], splits: Sequence[str], thumbnails: Sequence[np.ndarray]
) -> Iterator[str]:
    """Which pictures are near duplicates; three lists of the same pictures.

    Of thumbnails, the first `COMPARED` will do.
    """
    alike = near_duplicates(np.stack(thumbnails[:COMPARED]), splits[:COMPARED])
    if alike.pairs:
        listed = "; ".join(f"{names[i]} and {names[j]}" for i, j in alike.first)
        yield (
            f"Near duplicates, {alike.pairs:,} pair{'s' * (alike.pairs > 1)}: {listed}"
            + ("; ..." if alike.pairs > LISTED else ".")
            + (
                f" {alike.across:,} {'lies' if alike.across == 1 else 'lie'} across splits: "
                "test scores will be too good." * (alike.across > 0)
            )
        )
    if len(names) > COMPARED:
        yield f"Only the first {COMPARED:,} pictures were compared for duplicates."


def spread(count: int) -> set[int]:
    """Places from first to last for as many pictures as fit the contact sheet."""
    places = np.linspace(0, count - 1, min(count, SHEET_COLUMNS * SHEET_ROWS))
    return set(places.round().astype(int).tolist())
