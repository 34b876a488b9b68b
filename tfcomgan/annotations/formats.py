"""The formats by the names that commands take."""

from tfcomgan.annotations import coco, imagefolder, yolo

FORMATS = {
    "coco": coco.write,
    "yolo": yolo.write,
    "imagefolder": imagefolder.write,
}
