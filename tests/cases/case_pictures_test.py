"""Pictures as people have them, by the command line."""

import sys

import command
import numpy as np
import odd_pictures
import pytest
from PIL import Image


def test_pictures_with_odd_metadata_are_all_used_and_nothing_leaks(tmp_path):
    files = odd_pictures.UPRIGHT | odd_pictures.TURNED
    (tmp_path / "photos").mkdir()
    for name, content in files.items():
        (tmp_path / "photos" / name).write_bytes(content)
    done = command.prepare(tmp_path / "photos", tmp_path).check()
    made = command.artifact(tmp_path / "run", "prepare")["info"]["num_examples"]
    assert sum(made.values()) == len(files)
    assert "Warning" not in done.err and "PIL" not in done.err


# Prints how much memory the command took beyond what its process had when it began.
MEMORY = """
import atexit, resource, sys
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # The highest so far is that of now.
before = peak()
atexit.register(lambda: print("MEMORY", peak() - before, file=sys.stderr))
"""


@pytest.mark.slow
def test_photos_of_108_megapixels_do_not_fill_the_memory(tmp_path):
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (12_000, 9_000), "red").save(tmp_path / "photos/0.jpg")
    for i in range(1, 6):
        (tmp_path / f"photos/{i}.jpg").symlink_to("0.jpg")
    done = command.prepare(tmp_path / "photos", tmp_path, first=MEMORY).check()
    kilobytes = int(done.err.rpartition("MEMORY")[2])
    # One decoded whole is 430 MB in Pillow and 320 MB as an array.
    assert kilobytes < 400_000


def test_400_megapixels_are_left_out_with_a_way_out(tmp_path):
    (tmp_path / "photos").mkdir()
    for i in range(3):
        Image.fromarray(np.full([9, 9, 3], i, np.uint8)).save(
            tmp_path / f"photos/{i}.png"
        )
    sky = odd_pictures.png_of_size(20_000, 20_000)
    (tmp_path / "photos/sky.png").write_bytes(sky)
    message = command.prepare(tmp_path / "photos", tmp_path).message
    assert "sky.png: it has 400 megapixels" in message and "magick" in message
    skip = "--gin_param=folder.on_bad_image='skip'"
    command.prepare(tmp_path / "photos", tmp_path, skip).check()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
