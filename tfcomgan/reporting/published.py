"""What the paper publishes for each data set, and how its protocol differs from a run's.

Ding et al., NeurIPS 2022: Tables 1 and 3 (FID and Inception Score of 20,000 generated
pictures) and Table 4 (IoU and Dice on training data). One published FineGAN has four
published FIDs: numbers of another protocol are for orientation, not for ranking.
"""

from typing import NamedTuple

SOURCE = "Ding et al., ComGAN, NeurIPS 2022"
SIZE, THRESHOLD = 128, 0.5
_METHOD = "DS-ComGAN"


class Row(NamedTuple):
    """One published number, of one method on one data set.

    dataset: The data set's name in gin files.
    table: Of the paper.
    metric: 'fid', 'inception_score', 'iou' or 'dice'; the last two in percent.
    deviation: As printed after +-; None where none is.
    note: What the paper or its release says of the method's protocol; may be empty.
    """

    dataset: str
    table: int
    method: str
    metric: str
    value: float
    deviation: float | None = None
    note: str = ""


def rows(dataset: str) -> tuple[Row, ...]:
    """All published numbers of a data set, best IoU last, as printed; () for none."""
    return tuple(row for row in _ROWS if row.dataset == dataset)


def ours(dataset: str) -> dict[str, Row]:
    """DS-ComGAN's own numbers of a data set, by metric; {} for none."""
    return {row.metric: row for row in rows(dataset) if row.method == _METHOD}


def differences(
    dataset: str,
    *,
    split: str,
    crop: str,
    image_size: int,
    threshold: float | str,
    num_pictures: int | None = None,
    training_crop: str | None = None,
) -> list[str]:
    """In what a run's segmentation protocol is not that of Table 4, in words.

    The polarity is no part of it: a run has both, and only the best one compares.

    Args:
      dataset: The data set's name in gin files.
      split: Of the pictures scored; 'train' for all that were trained on.
      crop: Of the pictures scored, 'center' or 'box'.
      image_size: Their size in pixels.
      threshold: As in `segmentation.result_name`.
      num_pictures: How many were scored; None where not known.
      training_crop: Of the pictures trained on; None where not known.

    Returns:
      Sentences; [] where nothing known differs, or where nothing is published.
    """
    if "iou" not in ours(dataset):
        return []
    notes = []
    if split != "train":
        notes.append(f"Scored on the {split} split; the paper on training data.")
    elif dataset in _TRAINING_DATA and num_pictures != _REDO.get(dataset, -1):
        notes.append(_TRAINING_DATA[dataset])
    if image_size != SIZE:
        notes.append(f"Scored at {image_size} px; the paper at {SIZE} px.")
    if threshold != THRESHOLD:
        notes.append(f"Threshold {threshold}; the paper's is {THRESHOLD}.")
    if dataset != "caltech_birds2011":
        notes.append(
            f"Crop {crop!r} here; the paper's crop of this data set is not published."
        )
    elif crop != "center":
        notes.append(f"Crop {crop!r} here; the paper's release scores centre crops.")
    if dataset == "caltech_birds2011" and training_crop not in (None, "box"):
        notes.append(
            f"Trained on crops {training_crop!r}; the paper's release crops all 11,788 "
            "training pictures by the annotated box."
        )
    return notes


_REDO = {"caltech_birds2011": 10_000, "flowers": 6_149}  # Pictures of its train split.
_TRAINING_DATA = {
    "caltech_birds2011": "The paper scores the 10,000 training pictures of ReDO's split.",
    "flowers": "The paper does not say which pictures it scores; ReDO, whose protocol "
    "the field shares, trains on the 6,149 of the official test part.",
    "clevr6": "The paper does not say how many scenes it scores; Deep Region "
    "Competition, which it follows, scores the first 1,000.",
    "stanford_dogs": "The paper's masks are a Mask R-CNN's; neither its weights nor the "
    "list of accepted pictures is published.",
    "stanford_cars": "The paper's masks are a Mask R-CNN's; neither its weights nor the "
    "list of accepted pictures is published.",
}
_NOTES = {
    _METHOD: "best polarity per picture",
    "ReDO": "extra truth used, per the paper",
    "IODINE": "extra truth used, per the paper",
    "Slot Attention": "extra truth used, per the paper",
    "OneGAN": "weak supervision: clean backgrounds",
    "FineGAN": "weak supervision",
    "MixNMatch": "weak supervision",
    "SN-GAN": "no labels",
} | dict.fromkeys(
    ["Triple-GAN", "EnhancedTGAN", "Triangle-GAN", "R3-CGAN", "SSC-GAN"],
    "semi-supervised",
)
# As printed: FID, Inception Score and its deviation, data set by data set.
_GENERATION = {
    (1, ("caltech_birds2011", "fs100", "stanford_cars")): """
Triple-GAN    140.94 3.94 0.06   91.05 1.45 0.03   114.12 2.45 0.06
EnhancedTGAN  133.57 4.17 0.06   57.58 1.57 0.02   105.20 2.43 0.05
Triangle-GAN   96.42 4.36 0.05   35.49 1.71 0.04    61.44 2.77 0.10
R3-CGAN        88.62 4.43 0.06   25.28 1.73 0.02    44.57 3.05 0.04
SSC-GAN        20.03 4.68 0.04   20.65 1.82 0.03    39.02 3.10 0.03
FineGAN        46.68 4.62 0.03   24.63 1.76 0.02    45.72 2.85 0.04
MixNMatch      45.59 4.78 0.08   25.63 1.71 0.05    45.94 2.60 0.05
SN-GAN        160.09 4.21 0.05   41.26 1.66 0.05    53.20 2.80 0.05
DS-ComGAN      16.26 4.79 0.47   20.15 1.83 0.32    34.17 2.84 0.12""",
    (3, ("stanford_dogs", "flowers", "clevr6")): """
SSC-GAN        64.26 8.97 0.12   29.09 3.41 0.03    - - -
FineGAN        69.52 8.27 0.17   - - -              - - -
MixNMatch      68.31 8.32 0.06   - - -              - - -
DS-ComGAN      60.84 9.17 0.23   27.19 3.42 0.04    77.08 2.75 0.05""",
}
# IoU and Dice in percent, data set by data set.
_SEGMENTED = (
    "caltech_birds2011",
    "stanford_dogs",
    "stanford_cars",
    "flowers",
    "clevr6",
)
_SEGMENTATION = """
W-Net           24.8 38.9  47.7 62.1  52.8 67.6  - -        - -
GrabCut         30.2 42.7  58.3 70.9  61.3 73.1  69.2 79.1  19.0 30.5
ReDO            46.5 60.2  55.7 70.3  52.5 68.6  76.4 -     18.6 31.0
OneGAN          55.5 69.2  71.0 81.7  71.2 82.6  - -        - -
IODINE          30.9 44.6  54.4 67.0  51.7 67.3  - -        19.9 32.4
PerturbGAN      38.0 -     - -        - -        - -        - -
Slot_Attention  35.6 51.5  38.6 55.3  41.3 58.3  - -        83.6 90.7
IEM+SegNet      55.1 68.7  - -        - -        76.8 84.6  - -
DRC             56.4 70.9  71.7 83.2  72.4 83.7  - -        84.7 91.5
DS-ComGAN       60.7 71.3  74.5 84.6  76.7 86.6  76.9 83.1  90.0 94.6"""


def _read():
    tables = [(4, _SEGMENTED, ("iou", "dice"), _SEGMENTATION)]
    for (number, datasets), text in _GENERATION.items():
        tables.append((number, datasets, ("fid", "inception_score", None), text))
    for number, datasets, metrics, text in tables:
        for line in text.strip().splitlines():
            name, *numbers = line.split()
            method = name.replace("_", " ")
            for i, dataset in enumerate(datasets):
                cell = numbers[i * len(metrics) : (i + 1) * len(metrics)]
                for metric, value in zip(metrics, cell, strict=True):
                    if metric is None or value == "-":
                        continue
                    deviation = float(cell[2]) if metric == "inception_score" else None
                    note = _NOTES.get(method, "")
                    if metric in ("fid", "inception_score") and method == _METHOD:
                        note = ""
                    yield Row(
                        dataset, number, method, metric, float(value), deviation, note
                    )


_ROWS = tuple(_read())
