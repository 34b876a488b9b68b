"""As few pictures as a folder may have, by the command line."""

import sys

import command
import numpy as np
import pytest
from PIL import Image


def run(tmp_path, count, *more):
    for i in range(count):
        path = tmp_path / f"photos/{i}.png"
        path.parent.mkdir(exist_ok=True)
        noise = np.random.default_rng(i).integers(0, 256, [40, 40, 3], np.uint8)
        Image.fromarray(noise).save(path)
    return command.run(
        "--gin_file=gin/folder_64.gin",
        "--gin_file=gin/smoke.gin",
        f"--manual_dir={tmp_path / 'photos'}",
        f"--run_dir={tmp_path / 'run'}",
        f"--data_dir={tmp_path / 'data'}",
        *more,
    )


def test_one_picture_is_refused_in_seconds(tmp_path):
    message = run(tmp_path, 1).message
    assert "has 1 picture that can be used. It takes at least 2" in message
    assert command.artifacts(tmp_path / "run") == set()


@pytest.mark.slow
def test_two_pictures_run_to_the_end_and_the_reader_is_warned(tmp_path):
    done = run(tmp_path, 2).check()
    assert "No self-training: of so few training pictures (1) none is left" in done.out
    assert "2 pictures are few: expect masks that mean nothing" in done.out
    assert "Not all is measured of 1 training pictures" in done.out
    assert command.artifacts(tmp_path / "run") >= {"evaluate", "export"}
    numbers = command.artifact(tmp_path / "run", "evaluate")["info"]["metrics"]
    assert numbers["Generation"]["training pictures"] == 1
    assert not any(name.startswith(("fd", "kd")) for name in numbers["Generation"])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
