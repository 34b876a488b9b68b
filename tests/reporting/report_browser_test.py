"""The report in headless Chromium, on a phone and on a desk."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import reports
from PIL import Image

from tfcomgan.figures.paper import Plate
from tfcomgan.reporting import page

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def _chromium(profile, *arguments):
    flags = "headless no-sandbox disable-gpu no-first-run disable-sync hide-scrollbars"
    return subprocess.run(
        [_CHROMIUM, *(f"--{flag}" for flag in flags.split()),
         "--disable-background-networking", f"--user-data-dir={profile}", *arguments],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(_CHROMIUM is None, reason="needs chromium, which is not installed")
@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_shows_the_page_without_scrolling_sideways(tmp_path, width):
    wide = np.random.default_rng(0).integers(0, 256, [300, 900, 3], dtype=np.uint8)
    made = reports.make(
        name="a_long_name_" * 10,
        plates=[Plate("layers", "Layers", wide)],
        settings="x" * 500,
        data=reports.DATA._replace(name="caltech_birds2011"),
    )
    path = tmp_path / "report.html"
    page.write(path, made)
    shot = tmp_path / "shot.png"
    _chromium(
        tmp_path / "a", f"--window-size={width},3000", f"--screenshot={shot}",
        path.as_uri(),
    )  # fmt: skip
    image = np.asarray(Image.open(shot).convert("RGB"))
    assert image.shape[1] == width
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 1000  # The picture is there.
    # Asked of the browser itself, by a script the page's own policy would forbid.
    text = re.sub(r"<meta http-equiv[^>]*>", "", path.read_text())
    script = (
        "<script>onload = () => { document.title = [document.documentElement.scrollWidth,"
        " innerWidth, [...document.images].every(i => i.naturalWidth)].join(' ') }</script>"
    )
    probe = tmp_path / "probe.html"
    probe.write_text(text.replace("</body>", f"{script}</body>"))
    done = _chromium(
        tmp_path / "b", f"--window-size={width},3000", "--dump-dom", probe.as_uri()
    )
    content, window, pictures = re.search("<title>(.*)</title>", done.stdout)[1].split()
    # Some builds make no window narrower than 500 pixels, which is a phone's page still.
    assert int(window) in (width, 500)
    assert int(content) <= int(window) and pictures == "true"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
