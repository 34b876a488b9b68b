"""Outlines of a mask as polygons, for the formats that know no run-length codes."""

import cv2
import numpy as np

_FINER = 2  # On a finer grid a line one pixel wide has two sides.


def polygons(mask: np.ndarray) -> list[np.ndarray]:
    """The outline of each connected part of a mask.

    A hole is joined to the outline around it by a slit of no width, as COCO's polygons
    know no holes. The outlines run a quarter of a pixel inside of the object's edge, so
    that every object pixel has its centre inside, and no other has.

    Args:
      mask: [H,W] in {0, 1}. Pixels that touch by a corner are connected.

    Returns:
      float64 [N,2] each, N >= 4, (x, y) in pixels; pixel (0, 0) covers [0, 1] x [0, 1].
    """
    fine = np.kron(np.asarray(mask, np.uint8), np.ones([_FINER, _FINER], np.uint8))
    contours, hierarchy = cv2.findContours(
        fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
    )
    if not contours:
        return []
    outlines = {}
    # Outer contours have no parent; they come with any hole's contour pointing to them.
    for i, (_, _, _, parent) in enumerate(hierarchy[0]):
        if parent < 0:
            outlines[i] = contours[i][:, 0]
    for i, (_, _, _, parent) in enumerate(hierarchy[0]):
        if parent >= 0:
            outlines[parent] = _joined(outlines[parent], contours[i][:, 0])
    return [(outline + 0.5) / _FINER for outline in outlines.values()]


def _joined(outline: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """One closed line around both, there and back by the shortest way between them."""
    from scipy import spatial  # Here, as --help must not wait for it.

    # A table of all distances would not fit into memory for a photo of 12 megapixels.
    distances, nearest = spatial.cKDTree(hole).query(outline)
    i = int(np.argmin(distances))
    j = int(nearest[i])
    around = np.concatenate([hole[j:], hole[: j + 1]])
    return np.concatenate([outline[: i + 1], around, outline[i:]])
