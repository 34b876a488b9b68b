"""Shared by the tests of the page: a model, and the page as a client of it sees it."""

import exports
import pytest
import studio_client

from tfcomgan.serving.export_generator import ExportedGenerator
from tfcomgan.serving.export_segmenter import ExportedSegmenter
from tfcomgan.studio.cutouts import Scissors
from tfcomgan.studio.scenes import Painter


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a run, its segmenter and its painter."""
    run = tmp_path_factory.mktemp("run")
    segmenter = ExportedSegmenter(exports.make_segmenter(run))
    generator = ExportedGenerator(exports.make_generator(run))
    scissors = Scissors(segmenter, segmenter.image_size)
    return run, scissors, Painter(generator, generator.prior)


@pytest.fixture
def page(made, tmp_path):
    _, scissors, painter = made
    return studio_client.client(tmp_path, scissors, painter)
