"""The typed artifacts of the pipeline: what each stage makes, and how to load it."""

import dataclasses
import functools
import importlib
import pathlib

import keras
import numpy as np

from pipelines import weights
from pipelines.cache import Record
from tfcomgan import run_folder
from tfcomgan.data import decoded, input_pipeline, making, overlap, reading
from tfcomgan.data.reading import View
from tfcomgan.errors import UserError
from tfcomgan.models import comgan
from tfcomgan.models.orientation import Oriented, Side
from tfcomgan.networks import discriminators, generators, unet


@dataclasses.dataclass(frozen=True)
class Examples:
    """Prepared pictures: made by `prepare`, stored by TFDS under the data folder."""

    record: Record
    data_dir: pathlib.Path
    manual_dir: pathlib.Path | None

    @staticmethod
    def describe(source) -> dict:
        """Plain JSON that `source` is made from again."""
        cls = type(source)
        return {
            "module": cls.__module__,
            "name": cls.__qualname__,
            "settings": dataclasses.asdict(source),
        }

    def source(self):
        """The data set's settings; its `prepare` finds or remakes the TFDS folder.

        Raises:
          UserError: The run folder names a class that is no data set of ours.
        """
        made = self.record.info["source"]
        if not made["module"].startswith("tfcomgan.data."):
            # The folder may be a stranger's, and importing a module runs it.
            where = f"of the module {made['module']!r}, not of tfcomgan.data"
            raise self._strange(where)
        cls = getattr(importlib.import_module(made["module"]), made["name"], None)
        # Nor is every function of ours harmless: some delete folders.
        if not (isinstance(cls, type) and issubclass(cls, making.Source)):
            raise self._strange(f"made by {made['name']!r}, which is no data set")
        return cls(**made["settings"])

    def _strange(self, what: str) -> UserError:
        return UserError(
            f"{self.record.folder}: its data set is {what}. Delete that folder and give "
            "the same command again."
        )

    @functools.cached_property
    def _prepared(self):
        """The settings and the builder, of files that are as they were."""
        source = self.source()
        self._check_same(source, self.record.parameters.get("manual_dir", {}))
        return source, source.prepare(self.data_dir, self.manual_dir)

    def _check_same(self, source, known: dict) -> None:
        """Raises UserError where files have changed since the fingerprint was taken."""
        if "content" not in known:
            return
        if known["content"] != source.fingerprint(self.manual_dir, self.data_dir):
            raise self._changed("pictures or masks")

    def _changed(self, what: str) -> UserError:
        return UserError(
            f"{self.manual_dir or self.data_dir}: {what} have changed since this run has "
            "looked at them. Give the same command again; what depends on them is made "
            "anew."
        )

    def has(self, what: str) -> bool:
        """Whether `load` can give masks ('mask') or labels ('label')."""
        source, builder = self._prepared
        raw = builder.as_dataset(split=next(iter(builder.info.splits)))
        return what in raw.map(source.adapt).element_spec

    def has_masks_in(self, split: str) -> bool:
        """Whether some pictures of a split have a mask, in a data set of which some do."""
        return self.record.info.get("num_masks", {}).get(split, 1) > 0

    def have_common(self, split: str, other: str) -> bool:
        """Whether a picture lies in both splits."""
        return overlap.have_common(
            split, other, self.record.info.get("num_examples", {})
        )

    def load(self, view: View) -> reading.Examples:
        """A split as memory maps in the data folder; see `decoded.load`."""
        source, builder = self._prepared
        return decoded.load(
            builder,
            source.adapt,
            view,
            identity=self.record.info["source"],
            # A data folder may be for reading alone.
            homes=(self.data_dir, self.record.folder.parent),
        )

    def identity(self, view: View) -> str:
        """What tells these pictures from all others, where something of them is kept."""
        return f"{self.record.fingerprint} {view.split} {view.crop} {view.size}"

    def first(self, view: View, count: int) -> np.ndarray:
        """A few pictures from the beginning of a split, uint8 [N,size,size,3]."""
        source, builder = self._prepared
        return reading.load(builder, source.adapt, view, most=count).images


class Pictures(Examples):
    """The same for who reads no mask: what is made of it outlasts changed masks."""

    def _check_same(self, source, known: dict) -> None:
        if "pictures" not in known:
            return super()._check_same(source, known)
        _, pictures = source.fingerprints(self.manual_dir, self.data_dir)
        if pictures != known["pictures"]:
            raise self._changed("pictures")

    def load(self, view: View) -> reading.Examples:
        """As of `Examples`; of pictures alone."""
        assert not view.with_masks
        return super().load(view)


@dataclasses.dataclass(frozen=True)
class TrainedGenerator:
    """A trained, averaged and oriented generator: made by `train_generator`."""

    record: Record

    @property
    def settings(self) -> generators.GeneratorSettings:
        """Its architecture and size."""
        return generators.GeneratorSettings(**self.record.parameters["generator"])

    @property
    def side(self) -> Side:
        """The object's side of the mask."""
        return self.record.info["object_side"]

    @property
    def seed(self) -> int:
        """That its training was given; where it began anew, that of the first attempt."""
        return self.record.parameters["training"]["seed"]

    def load(self) -> keras.Model:
        """The averaged generator as trained, not oriented."""
        network = generators.build(self.settings)
        weights.load(network, self.record.folder / run_folder.NETWORK)
        return network

    @property
    def low(self) -> int:
        """Value of black in the pictures it was trained on."""
        return self.record.parameters["input_pipeline"]["low"]

    @property
    def training_split(self) -> str:
        """The split whose pictures it was trained on."""
        return self.record.parameters["input_pipeline"]["training_split"]

    def load_oriented(self, *, as_trained: bool = False):
        """Latents to a scene, inference mode, with mask 1 on the object.

        Args:
          as_trained: Pictures are in [`low`, 1], not in [-1, 1].
        """
        return Oriented(self.load(), self.side, -1 if as_trained else self.low)

    @property
    def objective(self) -> comgan.ComGANSettings:
        """What it was trained for."""
        return comgan.ComGANSettings(**self.record.parameters["comgan"])

    def load_critic(self) -> keras.Model | None:
        """D_z as trained; None in runs from before it was kept."""
        path = self.record.folder / run_folder.CRITIC
        if not path.exists():
            return None
        settings = discriminators.CriticSettings(**self.record.parameters["critics"])
        critic = discriminators.build_critic(self.settings.image_size, settings)
        weights.load(critic, path)
        return critic

    def sampler(self, *, seed: int, batch_size: int, purpose: int):
        """The prior over latents it was trained with."""
        return comgan.sampler(
            self.settings,
            self.objective,
            seed=seed,
            batch_size=batch_size,
            purpose=purpose,
        )


@dataclasses.dataclass(frozen=True)
class TrainedSegmenter:
    """A trained segmenter: made by `train_segmenter`."""

    record: Record

    @property
    def settings(self) -> unet.SegmenterSettings:
        """Its size."""
        return unet.SegmenterSettings(**self.record.parameters["segmenter"])

    @property
    def inputs(self) -> input_pipeline.InputSettings:
        """How its training pictures were made."""
        return input_pipeline.InputSettings(**self.record.parameters["input_pipeline"])

    def load(self) -> keras.Model:
        """The averaged segmenter."""
        network = unet.build(self.settings, self.inputs.image_size)
        weights.load(network, self.record.folder / run_folder.NETWORK)
        return network


@dataclasses.dataclass(frozen=True)
class SelfTrained(TrainedSegmenter):
    """The segmenter to be used: made by `self_train`, of its best round or as it came."""

    @property
    def settings(self) -> unet.SegmenterSettings:
        """Its size."""
        return unet.SegmenterSettings(**self.record.info["segmenter"])

    @property
    def inputs(self) -> input_pipeline.InputSettings:
        """How its training pictures were made."""
        return input_pipeline.InputSettings(**self.record.info["input_pipeline"])


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Scores and figures: made by `evaluate`."""

    record: Record

    @property
    def scores(self) -> dict:
        """Scores by protocol, then by method."""
        return self.record.info["scores"]

    @property
    def metrics(self) -> dict:
        """Numbers of the generator, by heading and name."""
        return self.record.info["metrics"]


@dataclasses.dataclass(frozen=True)
class ServingModel:
    """The exported segmenter and generator: made by `export`."""

    record: Record

    @property
    def version_dirs(self) -> list[pathlib.Path]:
        """Folders of the SavedModels."""
        run_dir = self.record.folder.parent
        return [run_dir / name for name in self.record.info["version_dirs"]]
