"""`segment` once more in the same folder: what is done is kept, what is not is made."""

import os
import pathlib
import shutil
import sys

import command
import numpy as np
import pytest
from bright_photos import MODULE, expected_mask, noise, read_areas, read_mask
from PIL import Image

from tfcomgan.data import pictures
from tfcomgan.photos import edges, segmenting
from tfcomgan.photos.edges import Choices
from tfcomgan.photos.segmenting import Wanted
from tfcomgan.serving import versions

# Pictures of SHORT pixels at the short side and 4 n at the long are not resampled.
SHORT, LONG = 32, 48


def test_finished_pictures_are_not_done_again(run_dir, tmp_path, capsys):
    for name in "abc":
        Image.fromarray(noise(SHORT, LONG, 3)).save(tmp_path / f"{name}.png")
    out = tmp_path / "out"
    served = Wanted(choices=Choices("none"))
    first = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    segmenting.segment(first, run_dir, out, served)
    changed = 255 - noise(SHORT, LONG, 3)
    Image.fromarray(changed).save(tmp_path / "b.png")
    before = {p: p.stat().st_mtime_ns for p in (out / "masks").glob("*.png")}
    capsys.readouterr()
    segmenting.segment([str(tmp_path)], run_dir, out, served)
    assert "2 pictures segmented, 1 done before, 0 skipped" in capsys.readouterr().out
    kept = {p for p in before if p.stat().st_mtime_ns == before[p]}
    assert kept == {out / "masks/a.png"}
    expected = expected_mask(changed.mean(-1))
    np.testing.assert_allclose(read_mask(out / "masks/b.png"), expected, atol=1)
    # Another model: all of them.
    other = shutil.copytree(run_dir, tmp_path / "run")
    (versions.serving_dir(other, versions.SEGMENTER) / "1" / "note").write_text(
        "another file"
    )
    segmenting.segment([str(tmp_path)], other, out, served)
    assert "3 pictures segmented, 0 done before" in capsys.readouterr().out
    assert len(read_areas(out)) == 3


@pytest.mark.parametrize(("refine", "again"), [("grabcut", 1), ("none", 0)])
def test_masks_drawn_by_an_older_version_are_done_anew(
    run_dir, tmp_path, capsys, monkeypatch, refine, again
):
    Image.fromarray(noise(SHORT, LONG, 3)).save(tmp_path / "a.png")
    wanted, out = Wanted(choices=Choices(refine)), tmp_path / "out"
    segmenting.segment([str(tmp_path)], run_dir, out, wanted)
    monkeypatch.setattr(edges, "VERSION", edges.VERSION + 1)
    capsys.readouterr()
    segmenting.segment([str(tmp_path)], run_dir, out, wanted)
    assert f"{1 - again} done before" in capsys.readouterr().out


def test_photo_that_was_changed_and_kept_its_time_is_done_anew(
    run_dir, tmp_path, capsys
):
    """As by `rsync -t`, `cp -p`, or `exiftool -P`, even of the same size."""
    photo, out = tmp_path / "a.bmp", tmp_path / "out"
    Image.fromarray(noise(SHORT, LONG, 3)).save(photo)
    segmenting.segment([str(photo)], run_dir, out, Wanted(choices=Choices("none")))
    before, changed = photo.stat(), 255 - noise(SHORT, LONG, 3)
    Image.fromarray(changed).save(photo)
    os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert photo.stat().st_size == before.st_size
    capsys.readouterr()
    segmenting.segment([str(photo)], run_dir, out, Wanted(choices=Choices("none")))
    assert "1 picture segmented, 0 done before" in capsys.readouterr().out
    expected = expected_mask(changed.mean(-1))
    np.testing.assert_allclose(read_mask(out / "masks/a.png"), expected, atol=1)


def test_masks_of_pictures_that_were_read_otherwise_are_done_anew(
    run_dir, tmp_path, capsys, monkeypatch
):
    Image.fromarray(noise(SHORT, LONG, 3)).save(tmp_path / "a.png")
    segmenting.segment([str(tmp_path / "a.png")], run_dir, tmp_path / "out")
    monkeypatch.setattr(pictures, "VERSION", pictures.VERSION + 1)
    capsys.readouterr()
    segmenting.segment([str(tmp_path / "a.png")], run_dir, tmp_path / "out")
    assert "0 done before" in capsys.readouterr().out


@pytest.mark.parametrize("left", [0, 5, 0.5])
def test_result_cut_off_by_a_power_cut_is_made_again(run_dir, tmp_path, capsys, left):
    """Row and name may be on the disk before the content: nobody waits for it."""
    for name in "ab":
        Image.fromarray(noise(SHORT, LONG, 3)).save(tmp_path / f"{name}.png")
    out = tmp_path / "out"
    segmenting.segment([str(tmp_path)], run_dir, out)
    mask = out / "masks/a.png"
    whole = mask.read_bytes()
    mask.write_bytes(whole[: left if isinstance(left, int) else len(whole) // 2])
    capsys.readouterr()
    segmenting.segment([str(tmp_path)], run_dir, out)
    assert "1 picture segmented, 1 done before" in capsys.readouterr().out
    assert mask.read_bytes() == whole


def test_killed_command_goes_on_where_it_stopped(run_dir, tmp_path):
    count = 300
    (tmp_path / "photos").mkdir()
    Image.fromarray(noise(60, 80, 3)).save(tmp_path / "photo.png")
    for i in range(count):
        (tmp_path / f"photos/{i:03}.png").symlink_to(tmp_path / "photo.png")
    areas = tmp_path / "out/areas.csv"
    flags = [tmp_path / "photos", f"--model={run_dir}", f"--out={tmp_path / 'out'}"]
    running = command.start(*flags, module=MODULE)
    running.kill_when(lambda: areas.exists() and areas.stat().st_size > 2000)
    first = read_areas(tmp_path / "out")
    assert 0 < len(first) < count
    with areas.open("a") as file:
        file.write("photos/299")  # A line cut off by the kill.
    before = {row["name"]: _time(tmp_path, row["name"]) for row in first[:-1]}
    done = command.run(*flags, module=MODULE).check()
    assert f"{len(first)} done before, 0 skipped" in done.out
    assert before == {name: _time(tmp_path, name) for name in before}
    rows = read_areas(tmp_path / "out")
    assert sorted(row["name"] for row in rows) == [f"{i:03}" for i in range(count)]
    masks = [p.read_bytes() for p in (tmp_path / "out/masks").glob("*.png")]
    assert len(masks) == count and len(set(masks)) == 1


def _time(tmp_path: pathlib.Path, name: str) -> int:
    return (tmp_path / f"out/masks/{name}.png").stat().st_mtime_ns


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
