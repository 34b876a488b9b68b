"""Our builders by TFDS's own test of builders, and what they say of themselves."""

import pathlib
import sys

import layouts
import pytest
import tensorflow_datasets as tfds

from tfcomgan.data import (
    clevr6,
    flowers,
    folder,
    fs100,
    making,
    predicted_masks,
    scenes,
)
from tfcomgan.data.stanford_cars import StanfordCarsSource

# Lists, not sets: the workers of a parallel run must collect in one order.
PUBLISHED = [
    clevr6.Clevr6,
    flowers.Flowers,
    fs100.Fs100,
    predicted_masks.PredictedMasks,
]
OURS = [*PUBLISHED, folder.Folder, scenes.Scenes]


class _Made(tfds.testing.DatasetBuilderTestCase):
    """A builder that a settings class makes, from files of a small copy."""

    __test__ = False
    SOURCE: making.Source
    EXAMPLE_DIR = str(
        pathlib.Path(__file__).parents[1] / "testdata"
    )  # There must be one.
    # These read the user's own files, by the means of pathlib.
    MOCK_OUT_FORBIDDEN_OS_FUNCTIONS = False

    def files(self, root: pathlib.Path) -> pathlib.Path | None:
        """Writes them; None where there are none."""

    def _make_builder(self, config=None):
        root = pathlib.Path(self.tmp_dir)
        if not self._given:  # A second builder is to find what the first has made.
            self._given = [self.files(root / "by_hand")]
        return self.SOURCE.builder(root / "data", *self._given)

    def setUp(self):
        self._given = []
        super().setUp()


class ScenesTest(_Made):
    __test__ = True
    DATASET_CLASS = scenes.Scenes
    SOURCE = scenes.ScenesSource(image_size=8, num_train=3, num_test=2)
    SPLITS = {"train": 3, "test": 2}


class Clevr6Test(_Made):
    __test__ = True
    DATASET_CLASS = clevr6.Clevr6
    SOURCE = clevr6.Clevr6Source()
    SPLITS = {"train": 18, "test": 2}

    def files(self, root):
        return layouts.make_zip(root.with_suffix(".zip"), 20)


class Fs100Test(_Made):
    __test__ = True
    DATASET_CLASS = fs100.Fs100
    SOURCE = fs100.Fs100Source(num_classes=3)
    SPLITS = {"train": 6}

    def files(self, root):
        return layouts.faces(root)


class FolderTest(Fs100Test):
    DATASET_CLASS = folder.Folder
    SOURCE = folder.FolderSource(test_share=0.25)
    SPLITS = {"train": 6, "test": 2}


class PredictedMasksTest(_Made):
    __test__ = True
    DATASET_CLASS = predicted_masks.PredictedMasks
    SOURCE = StanfordCarsSource(pictures="drc")
    SPLITS = {"train": 2, "test": 1}

    def files(self, root):
        return layouts.predicted(root, "cars", {"train": [7, 11], "test": [3]})


@pytest.mark.parametrize("builder", OURS, ids=lambda builder: builder.name)
def test_each_builder_has_a_description_tags_and_of_published_sets_a_citation(builder):
    about = builder.get_metadata()
    assert about.description and "content.data-type.image" in about.tags
    assert set(about.tags) <= set(tfds.core.dataset_metadata.valid_tags())
    assert bool(about.citation) == (builder in PUBLISHED)
    # And no other builder's.
    assert builder.pkg_dir_path.name == builder.name


def test_every_builder_of_ours_is_looked_at():
    assert {b for b in OURS if issubclass(b, making.PictureBuilder)} == set(
        making.PictureBuilder.__subclasses__()
    )


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
