"""The doctor's contact sheet: pictures as the training crops them, over their masks."""

from collections.abc import Sequence

import numpy as np

from tfcomgan.data.inspection import SHEET_COLUMNS, Finding, spread
from tfcomgan.errors import UserError
from tfcomgan.figures import grids
from tfcomgan.images import mask_to_uint8


def contact_sheet(findings: Sequence[Finding], *, scale: int = 1) -> np.ndarray:
    """Pictures in rows, each over its mask where there are masks; uint8 [H,W,3].

    Raises:
      UserError: There is no picture to show.
    """
    shown = [f for f in findings if f.sheet is not None]
    if not shown:
        raise UserError("No picture can be read; there is nothing to show.")
    shown = [shown[i] for i in sorted(spread(len(shown)))]
    rows = []
    for start in range(0, len(shown), SHEET_COLUMNS):
        part = shown[start : start + SHEET_COLUMNS]
        strips = [[f.sheet for f in part]]
        white = np.full_like(part[0].sheet, 255)
        if any(f.sheet_mask is not None for f in part):
            strips.append([_mask(f) for f in part])
        for strip in strips:
            missing = min(SHEET_COLUMNS, len(shown)) - len(strip)
            rows.append(np.stack(strip + [white] * missing))
    return grids.grid(rows, scale=scale)


def _mask(finding: Finding) -> np.ndarray:
    """The mask of a picture, or a cross where it has none."""
    if finding.sheet_mask is not None:
        return mask_to_uint8(finding.sheet_mask)
    diagonal = np.eye(len(finding.sheet), dtype=bool)
    crossed = np.full_like(finding.sheet, 255)
    crossed[diagonal | diagonal[::-1]] = 0
    return crossed
