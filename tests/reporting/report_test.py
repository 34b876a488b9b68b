"""Tests of `tfcomgan.reporting.page` and what it is made of, by what a browser would see."""

import base64
import html.parser
import io
import math
import re
import sys

import jinja2
import numpy as np
import pytest
import reports
from PIL import Image

from tfcomgan.figures.paper import Plate
from tfcomgan.reporting import facts
from tfcomgan.reporting import page as page_module
from tfcomgan.reporting.curves import Curve

_VOID = {"meta", "img", "br", "hr", "link", "input"}


class _Page(html.parser.HTMLParser):
    """Texts, tables, elements by tag; fails where tags do not nest."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.rows, self._open = [], [], [], []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] not in ("style", "title"):
            self.texts.append(data)
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] = " ".join((self.rows[-1][-1] + " " + data).split())

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def row(self, *first):
        """Rows whose first cell is one of these."""
        return [row for row in self.rows if row[0] in first]


def _page(**changes):
    return _Page(page_module.page(reports.make(**changes)))


def test_every_number_is_on_the_page():
    page = _page()
    for number in ("4,321", "567", "1,200", "32 × 32 px", "1 h 6 min", "5 s"):
        assert number in page.text
    segmenter = page.row("segmenter")  # Held-out pictures first.
    assert segmenter[0][1:] == ["53.4 52.4 to 55.4", "58.4 57.4 to 60.4"]
    # Plain, then best polarity: +1.1 and +6.2 points.
    assert segmenter[2:] == [
        ["segmenter", "71.2", "76.2"],
        ["segmenter", "72.3", "77.4"],
    ]
    assert page.row("mean mask")[0][1:] == ["31.3", "36.3"]
    assert page.row("FID") == [["FID", "43.22"]]
    assert "SEED = 11" in page.text and "comgan.z_std = 1.0" in page.text
    assert (
        "train_generator, evaluate: Abacus 9, 6 cores; Loom H1; Keras 3.15.1."
        in page.text
    )


def test_the_page_loads_nothing_from_outside_and_runs_nothing():
    page = _page(data=reports.DATA._replace(name="caltech_birds2011"))
    assert not page.all("script") and not page.all("link")
    for link in page.all("a"):  # Within the page.
        assert link.pop("href").startswith("#") and not link
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "data", "action", "srcset", "style"):
            value = attributes.get(name, "data:")
            assert value.startswith("data:"), (tag, name, value)
    text = page_module.page(reports.make())
    assert not re.search(r"@import|url\(|https?:", text)


def test_contents_name_every_part_and_lead_there():
    page = _page()
    parts = [heading["id"] for heading in page.all("h2")]
    assert [link["href"] for link in page.all("a")] == [f"#{part}" for part in parts]
    assert len(set(parts)) == len(parts) >= 8
    assert parts[:4] == ["trained-on", "figures", "scores", "use-this-model"]


def test_settings_are_folded():
    page = _page(settings="SEED = 11\n" * 1000)
    (details,) = page.all("details")
    assert "open" not in details
    kept = [tag for tag, _ in page.elements]
    assert kept.index("details") < len(kept) - 1 - kept[::-1].index("pre")


def test_what_is_wide_scrolls_in_a_frame_of_its_own():
    page = page_module.page(reports.make(metrics=_MOVEMENT))
    framed = re.findall(r'<div class="wide">\s*<(table|img)', page)
    assert len(framed) == page.count("<table") + page.count("<img")
    assert re.search(r"\.wide { overflow-x: auto", page)


def test_the_dark_scheme_gives_every_colour_another_value():
    page = page_module.page(reports.make())
    light, dark, *_ = re.findall(r":root { ([^}]*) }", page)
    colours = [dict(re.findall(r"--(\w+): (#\w+)", scheme)) for scheme in (light, dark)]
    assert set(colours[0]) == set(colours[1]) >= {"page", "ink", "accent"}
    for name, colour in colours[0].items():
        assert colours[1][name] != colour
    used = set(re.findall(r"var\(--(\w+)\)", page))
    assert used <= set(colours[0])
    # No colour but these, except the paper of print.
    rest = page.partition("@media print")[0].replace(light, "").replace(dark, "")
    assert not re.search(r"#[0-9a-f]{3,6}\b[^-\"]", rest.partition("</style>")[0])


def test_the_commands_to_use_the_model_are_there_once_it_is_exported():
    assert "tfcomgan-segment photo.jpg --model . --out segmented" in _page().text
    unfinished = _page(stages=[facts.Stage("export", False)])
    assert "tfcomgan-segment" not in unfinished.text
    assert "not exported yet" in unfinished.text


_MOVEMENT = {
    "Movement of a layer by one variable": {
        f"{v} on {layer}": 0.25
        for v in "zfb"
        for layer in ("mask", "foreground", "background")
    }
}


def test_movement_is_a_square_with_what_is_good():
    page = _page(metrics=_MOVEMENT)
    assert ["", "mask", "foreground", "background"] in page.rows
    assert page.row("z, shape") == [["z, shape", "0.25", "0.25", "0.25"]]
    assert "Good: z moves the mask" in page.text


def test_pictures_travel_in_the_page_and_absent_ones_say_why():
    page = _page()
    (image,) = page.all("img")
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/png;base64" and image["alt"] == "Layers of scenes."
    found = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    np.testing.assert_array_equal(found, reports.image())
    assert "One at a time. Left out: no codes." in page.text


def test_everything_is_escaped():
    evil = "<script>alert('x')</script>&\"\u2028"
    scores = {evil: {evil: {"iou_plain": 0.5, "iou_best_polarity": 0.5}}}
    page = _page(
        name=evil,
        data=reports.DATA._replace(name=evil, notes=[evil]),
        stages=[
            facts.Stage(
                evil, True, {evil: evil}, 1.0, reports.MACHINE._replace(cpu=evil)
            )
        ],
        scores=scores,
        metrics={evil: {evil: 1.0}},
        plates=[Plate(evil, evil, reports.image()), Plate(evil, evil, None, evil)],
        curves=[Curve(evil, evil, [1, 2], [0.0, 1.0])],
        settings=evil,
        object_side=evil,
    )
    assert not page.all("script")
    assert page.text.count("alert('x')") > 10


def test_the_papers_row_stands_beside_with_its_other_protocol():
    page = _page(data=reports.DATA._replace(name="caltech_birds2011"))
    # Table 4; once a protocol, and only under the best polarity.
    rows = page.row("DS-ComGAN, paper other protocol")
    assert [row[1:] for row in rows] == [["60.7", "71.3"]] * 2
    assert (
        "the paper on training data. Scored at 32 px; the paper at 128 px." in page.text
    )
    assert page.row("FID") == [["FID", "43.22", "16.26 other protocol"]]
    assert page.row("DS-ComGAN") == [
        [
            "DS-ComGAN",
            "60.7",
            "71.3",
            "16.26",
            "4.79 ± 0.47",
            "best polarity per picture",
        ]
    ]
    assert ["SSC-GAN", "–", "–", "20.03", "4.68 ± 0.04", "semi-supervised"] in page.rows
    assert "no numbers for scenes" in _page().text


def test_a_run_without_masks_says_why_it_has_no_scores():
    why = "No scores: the data set has no masks."
    page = _page(scores={}, why_no_scores=why)
    assert page.text.count(why) == 2  # As the verdict, and in the place of the table.


def test_an_unfinished_run_says_what_is_missing():
    page = _page(
        stages=[
            facts.Stage("train_generator", False),
            facts.Stage("evaluate", False),
        ],
        scores={},
        metrics={},
        object_side=None,
        orientation=None,
        mask_area=None,
        plates=[],
        curves=[],
        settings="",
    )
    for words in (
        "not finished: train_generator, evaluate is missing",
        "the run has not been evaluated",
        "the networks are not trained yet",
        "no training has written any",
        "The machine was not recorded",
        "the generator is not trained",
        "not recorded",
    ):
        assert words in page.text


def test_rounds_of_self_training_stand_in_a_table_with_the_one_in_use():
    of_none = {"teacher": "", "pictures": 0, "kept": 0, "agreement": None}
    rounds = [
        of_none | {"number": 0, "fit": 0.612},
        dict(number=1, teacher="segmenter", pictures=2500, kept=1750, agreement=0.8,
             fit=0.71),
        dict(number=2, teacher="round 1", pictures=2500, kept=1, agreement=None,
             fit=None),
    ]  # fmt: skip
    page = _page(rounds=rounds, kept_round=1, rounds_notes=["Kept: <that>."])
    assert page.row("0") == [["0", "stage two", "–", "–", "61.2"]]
    assert page.row("1 used") == [
        ["1 used", "segmenter", "1,750 of 2,500 (70.0 %)", "80.0", "71.0"]
    ]
    assert page.row("2")[0][2:] == ["1 of 2,500 (0.0 %)", "–", "–"]
    assert "Kept: <that>." in page.text
    assert "Self-training" not in _page().text


def test_numbers_that_are_not_finite_are_said_in_words():
    page = _page(
        scores={"x": {"segmenter": {"iou_plain": math.nan}}},
        metrics={"Generation": {"fid": math.inf}},
        curves=[Curve("s", "loss", [1, 2, 3], [1.0, math.nan, 2.0])],
    )
    assert page.row("FID") == [["FID", "not finite"]]
    assert "not finite at 2" in page.text
    assert (
        _page(curves=[Curve("s", "loss", [1], [math.nan])]).text.count("no finite") == 1
    )


def test_the_file_is_whole_or_not_there(tmp_path):
    path = tmp_path / "new" / "report.html"
    page_module.write(path, reports.make())
    assert path.read_text(encoding="utf-8") == page_module.page(reports.make())
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    before = path.read_bytes()
    with pytest.raises(jinja2.UndefinedError):
        page_module.write(path, reports.make(plates=[None]))
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
