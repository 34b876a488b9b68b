"""Masks of one's own photos as `segment` writes them for others, read by their libraries."""

import shutil
import sys

import command
import exports
import numpy as np
import pytest
from bright_photos import MODULE
from PIL import Image
from pycocotools.coco import COCO
from yolo_rule import read as read_yolo

COUNT = 11
# Folders that mean something to a reader, and what they are written as for it.
FOLDERS = {4: "images", 6: "my_test"}
YOLO = {"images/04": "imagesx/04"}
SPLITS = {"my_testx/06": "my_test/06"}


@pytest.fixture(scope="module")
def segmented(tmp_path_factory):
    """A run folder, a folder of photos, the results, and name to picture and mask."""
    base = tmp_path_factory.mktemp("formats")
    photos, out = base / "photos", base / "out"
    exports.make_segmenter(base / "run")
    for folder in ("x", *FOLDERS.values()):
        (photos / folder).mkdir(parents=True)
    for i in range(COUNT):
        pixels = np.full([48, 64, 3], 10, np.uint8)
        pixels[10 + i : 30, 5:40] = 240
        pixels[35:40, 50:60] = 230 * (i % 2)  # Two parts, or one.
        if i == 3:
            pixels[:] = 10  # No object.
        if i == 5:
            pixels[18:24, 12:30] = 10  # A hole.
        folder = FOLDERS.get(i, "x" if i % 2 else ".")
        Image.fromarray(pixels).save(photos / folder / f"{i:02}.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.open(photos / "00.png").transpose(Image.Transpose.ROTATE_90)
    lying.save(photos / "00.png", exif=exif)
    shutil.copyfile(photos / "02.png", photos / "same.png")
    (photos / "broken.jpg").write_text("no picture")
    done = _segment(base / "run", photos, out)
    assert f"1 of {COUNT + 2} pictures could not be read" in done.message
    truth = {}
    for path in sorted((out / "masks").rglob("*.png")):
        name = path.relative_to(out / "masks").with_suffix("").as_posix()
        with Image.open(path) as mask, Image.open(photos / f"{name}.png") as photo:
            upright = photo.rotate(-90, expand=True) if name == "00" else photo
            truth[name] = (np.asarray(upright), np.asarray(mask) >= 128)
    assert len(truth) == COUNT + 1
    return base / "run", photos, out, truth


def _segment(run, photos, out, *more):
    flags = (f"--model={run}", f"--out={out}", "--write=coco,yolo,imagefolder")
    return command.run(photos, *flags, *more, module=MODULE)


def test_pycocotools_finds_photos_and_masks(segmented):
    *_, out, truth = segmented
    for name in ("annotations", "polygons"):
        coco = COCO(str(out / "coco" / f"{name}.json"))
        entries = {
            entry["file_name"]: entry for entry in coco.loadImgs(coco.getImgIds())
        }
        assert set(entries) == {f"{name}.png" for name in truth}
        for file, entry in entries.items():
            image, mask = truth[file.removesuffix(".png")]
            with Image.open(out / "coco/images" / file) as copy:
                assert copy.getexif().get(0x0112, 1) == 1
                np.testing.assert_array_equal(np.asarray(copy), image)
            found = coco.loadAnns(coco.getAnnIds(imgIds=[entry["id"]]))
            assert len(found) == mask.any()
            for annotation in found:
                np.testing.assert_array_equal(coco.annToMask(annotation), mask)
                assert annotation["iscrowd"] == 0


def test_labels_follow_the_rule_of_ultralytics(segmented):
    *_, out, truth = segmented
    found = {
        name: mask
        for split in ("train", "val")
        for name, mask in read_yolo(out / "yolo", split).items()
    }
    assert found.keys() == {YOLO.get(name, name) for name in truth}
    for name, (_, mask) in truth.items():
        np.testing.assert_array_equal(found[YOLO.get(name, name)], mask, err_msg=name)


def test_datasets_reads_photos_masks_and_areas(segmented, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="an extra of the tests")
    *_, out, truth = segmented
    read = datasets.load_dataset(
        "imagefolder", data_dir=str(out / "imagefolder"), cache_dir=str(tmp_path)
    )["train"]
    assert len(read) == len(truth)
    for row, (image, mask) in zip(
        read, (truth[name] for name in _order(out)), strict=True
    ):
        np.testing.assert_array_equal(np.asarray(row["image"]), image)
        np.testing.assert_array_equal(np.asarray(row["mask"]), mask * 255)
        assert row["object_share"] == pytest.approx(mask.mean(), abs=1e-6)


def _order(out):
    """Names in the order of metadata.jsonl."""
    lines = (out / "imagefolder/train/metadata.jsonl").read_text().splitlines()
    names = [
        line.split('"mask_file_name": "masks/')[1].split('.png"')[0] for line in lines
    ]
    return [SPLITS.get(name, name) for name in names]


def test_a_later_command_leaves_no_photo_of_the_former(segmented, tmp_path):
    run, photos, out, _ = segmented
    shutil.copytree(out, tmp_path / "out")
    done = _segment(run, photos / "x", tmp_path / "out", "--write=yolo").check()
    assert "0 done before" in done.out  # Named otherwise: x/01 is 01 now.
    left = {path.stem for path in (tmp_path / "out/yolo/images").rglob("*.png")}
    assert left == {f"{i:02}" for i in range(1, COUNT, 2)}
    labels = {path.stem for path in (tmp_path / "out/yolo/labels").rglob("*.txt")}
    assert labels == left
    assert (
        tmp_path / "out/coco/annotations.json"
    ).exists()  # Not asked for: as it was.
    assert not list((tmp_path / "out").glob(".unfinished*"))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
