"""What a round of self-training takes from its teacher: masks, refined and sifted.

No function here reads a true mask.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import keras
import numpy as np
import tqdm

from tfcomgan.data import parallel
from tfcomgan.evaluation.baselines import grabcut, iem
from tfcomgan.evaluation.baselines.grabcut import GrabCutSettings
from tfcomgan.evaluation.baselines.iem import IEMSettings
from tfcomgan.figures import grids
from tfcomgan.images import mask_to_uint8
from tfcomgan.metrics import segmentation
from tfcomgan.models import inference, orientation
from tfcomgan.models.self_training import SelfTrainingSettings
from tfcomgan.photos import refining

_TITLE = "Masks of the teacher, the same drawn to edges, and of the student"
# Pictures uint8 [N,S,S,3] to masks float32 [N,S,S,1] in [0, 1].
Teacher = Callable[[np.ndarray], np.ndarray]


class Refined(NamedTuple):
    """Masks [N,R,R,1] of pictures: the teacher's in [0, 1], and refined ones in {0, 1}."""

    masks: np.ndarray
    refined: np.ndarray

    @property
    def iou(self) -> np.ndarray:
        """Of the teacher's masks at 0.5 and the refined ones, [N]."""
        return segmentation.iou(self.masks > 0.5, self.refined)

    def is_kept(self, settings: SelfTrainingSettings) -> np.ndarray:
        """bool [N]: the two agree, and an allowed share of picture and border is covered."""
        return (self.iou > settings.least_iou) & self._is_allowed(settings)

    def fit(self, settings: SelfTrainingSettings) -> float:
        """How well masks fit the edges: mean IoU, a mask that covers no allowed share 0."""
        return float((self.iou * self._is_allowed(settings)).mean())

    def _is_allowed(self, settings: SelfTrainingSettings) -> np.ndarray:
        area = self.refined.mean(axis=(1, 2, 3))
        is_between = (settings.least_area < area) & (area < settings.most_area)
        border = orientation.border_share(self.refined)
        return is_between & (border <= settings.most_border)


def of_network(segmenter: keras.Model, low: int) -> Teacher:
    """A segmenter's masks, averaged over the picture and its mirror image."""
    predict = inference.predictor(segmenter, low)

    def masks(images):
        return (predict(images) + predict(images[:, :, ::-1])[:, :, ::-1]) / 2

    return masks


def of_iem(settings: IEMSettings) -> Teacher:
    """IEM's masks, whose outlines are not sure."""
    return lambda images: iem.softened(iem.iem_masks(images, settings))


def of_grabcut(settings: GrabCutSettings) -> Teacher:
    """GrabCut's masks from a box, with outlines that are not sure."""
    return lambda images: iem.softened(grabcut.grabcut_masks(images, settings))


def refine(
    images_uint8: np.ndarray,
    masks: np.ndarray,
    settings: SelfTrainingSettings,
    *,
    title: str = "refining",
) -> Refined:
    """Draws a teacher's masks to the edges of the pictures.

    Args:
      images_uint8: [N,R,R,3].
      masks: [N,S,S,1] in [0, 1]; resized to the pictures.
      settings: Which refinement, and its parameters.
      title: Of the progress bar.
    """
    size = images_uint8.shape[1]
    masks = resized(masks, size)

    def one(i):
        if settings.refinement == "grabcut":
            return refining.grabcut(
                images_uint8[i],
                masks[i],
                iterations=settings.iterations,
                sure_ground=settings.sure_ground,
                sure_object=settings.sure_object,
                least_side=settings.least_side,
            )
        radius = max(1, round(settings.radius * size))
        return refining.guided(images_uint8[i], masks[i], radius, settings.eps) > 0.5

    refined = tqdm.tqdm(
        parallel.in_parallel(one, range(len(masks))),
        desc=title,
        total=len(masks),
        delay=2,
        leave=False,
        disable=None,  # Not into a file.
    )
    return Refined(masks, np.stack(list(refined)).astype(np.uint8))


def sheet(
    images_uint8: np.ndarray, taught: Refined, student: Teacher | None
) -> np.ndarray:
    """Pictures [M,S,S,3], masks of the first M by teacher, refinement and student, a grid."""
    rows = {"teacher": taught.masks, "refined": taught.refined}
    if student is not None:
        rows["student"] = student(images_uint8)
    count, size = images_uint8.shape[:2]
    grid = grids.labelled_grid(
        {"picture": images_uint8}
        | {
            name: mask_to_uint8(resized(masks[:count], size))
            for name, masks in rows.items()
        }
    )
    return grids.titled(grid, _TITLE)


def agreement(masks: np.ndarray, others: np.ndarray) -> float:
    """Mean IoU of two masks of each picture, both at 0.5."""
    return float(segmentation.iou(masks > 0.5, others > 0.5).mean())


def resized(masks: np.ndarray, size: int) -> np.ndarray:
    """Masks [N,S,S,1] as float32 [N,size,size,1]: means of areas, or bilinear between."""
    masks = np.asarray(masks, np.float32)
    if masks.shape[1] == size:
        return masks
    way = cv2.INTER_AREA if size < masks.shape[1] else cv2.INTER_LINEAR
    resized = [cv2.resize(m, (size, size), interpolation=way) for m in masks]
    return np.clip(resized, 0, 1)[..., np.newaxis]
