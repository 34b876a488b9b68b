"""Labelled data sets of generated scenes, filtered by mask area and critic's score.

Each example has the picture, its mask and layers, and the latents that made it. Scenes
whose object is tiny or fills the picture are left out, and of the others the best by
D_z are kept (as ILSGAN and Melas-Kyriazi et al. choose their synthetic pairs).
"""

import contextlib
import io
import itertools
import pathlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow_datasets as tfds
import tqdm
from PIL import Image

from tfcomgan.annotations.example import Example
from tfcomgan.annotations.formats import FORMATS
from tfcomgan.errors import UserError
from tfcomgan.images import mask_to_uint8, to_uint8
from tfcomgan.serving.export_generator import ExportedGenerator
from tfcomgan.system import files

_BATCH = 32
_TRIED = 512  # Scenes from which the least score is found.
_FEWEST = 0.01  # Share of them that must be of fitting area.
_NAME, _VERSION = "synthetic", "1.0.0"


class Filter(NamedTuple):
    """Which scenes are kept.

    min_area, max_area: Of the mask at threshold 0.5, as a share of the picture.
    keep: Share of the scenes of such area, the best by score; 1 needs no critic.
    """

    min_area: float = 0.02
    max_area: float = 0.75
    keep: float = 0.8


class Drawn(NamedTuple):
    """A batch of examples with what the filter looks at, [B] each; scores may be 0."""

    examples: list[dict]
    areas: np.ndarray
    scores: np.ndarray


def write(
    generator: ExportedGenerator,
    count: int,
    out: pathlib.Path,
    *,
    wanted: Filter,
    formats: Sequence[str] = tuple(FORMATS),
    size: int | None = None,
    **drawing,
) -> pathlib.Path:
    """Writes OUT/tfds, then a folder for each other format; prints what was left out.

    Args:
      generator: An exported one.
      count: Number of examples.
      out: Folder without a data set.
      wanted: Which scenes are kept.
      formats: Of FORMATS, beside TFDS.
      size: Pixels of their pictures, enlarged from the network's; None keeps its size,
        as OUT/tfds does always.
      **drawing: `seed`, and `f` and `b` where they are chosen, as in `draw`.

    Returns:
      The folder for `tfds.builder_from_directory`.

    Raises:
      UserError: There is a data set, a score is wanted and the export has none, or
        hardly a scene is of fitting area.
    """
    folder = out / "tfds" / _NAME / _VERSION
    if folder.exists():
        raise UserError(f"{folder} exists. Remove it, or name another folder by --out.")
    if wanted.keep < 1 and not generator.has_score:
        raise UserError(
            "This export has no critic to score scenes by: its run was trained before "
            "critics were kept, and has no train_generator/critic.npz. Delete the run's "
            "folder train_generator and give its training command again, or leave the "
            "score out of account: --keep=1."
        )
    batches = draw(generator, **drawing)
    tried = list(itertools.islice(batches, _TRIED // _BATCH))
    least = least_score(tried, wanted)
    left_out = Counter()
    chosen = _chosen(itertools.chain(tried, batches), wanted, least, left_out)
    bar = tqdm.tqdm(total=count, unit="scene", disable=None)
    tfds.disable_progress_bar()
    with files.unfinished_folder(folder) as made:
        with bar:
            examples = _numbered(chosen, count, bar)
            text = f"Scenes of an exported generator. {wanted}"
            builder = _stored(made, examples, _features(generator.prior), text)
        for name in formats:
            with files.replacing_folder(out / name) as labelled:
                FORMATS[name](labelled, _labelled(builder, size))
        # Last: what a full disk cut short is made again by the same command.
        files.publish(builder.data_dir, folder)
    reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(left_out.items()))
    print(f"{count} scenes kept; left out: {reasons or 'none'}.")
    return folder


def _stored(data_dir: pathlib.Path, examples, features, description: str):
    """Writes DATA_DIR/synthetic/1.0.0; returns its builder."""
    with contextlib.redirect_stdout(io.StringIO()):  # TFDS prints that it downloads.
        return tfds.dataset_builders.store_as_tfds_dataset(
            name=_NAME,
            version=_VERSION,
            features=features,
            split_datasets={"train": examples},
            data_dir=data_dir,
            description=description,
            disable_shuffling=True,
            download_config=tfds.download.DownloadConfig(try_download_gcs=False),
        )


def draw(generator: ExportedGenerator, *, seed: int, f=None, b=None) -> Iterator[Drawn]:
    """Scenes without end.

    Args:
      generator: An exported one.
      seed: Of the latents.
      f, b: One-hot float32 [1, num_codes] where a code is chosen, else None.
    """
    sample = generator.prior.sampler(seed=seed, batch_size=_BATCH)
    chosen = {"f": f, "b": b}
    chosen = {k: x.repeat(_BATCH, 0) for k, x in chosen.items() if x is not None}
    for step in itertools.count():
        latents = sample(step)._replace(**chosen)
        scenes = generator(latents)
        masks = (scenes.mask >= 0.5).astype(np.uint8)
        areas = masks.mean(axis=(1, 2, 3))
        has_score = generator.has_score
        scores = generator.score(scenes.composite) if has_score else np.zeros(_BATCH)
        columns = {
            "image": to_uint8(scenes.composite),
            "mask": masks,
            "opacity": mask_to_uint8(scenes.mask)[..., :1],
            "foreground": to_uint8(scenes.foreground),
            "background": to_uint8(scenes.background),
            "z": np.asarray(latents.z),
            "mask_area": areas.astype(np.float32),
            "score": scores.astype(np.float32),
        }
        if generator.prior.num_codes:
            columns |= {k: np.argmax(getattr(latents, k), axis=-1) for k in "fb"}
        rows = [{k: v[i] for k, v in columns.items()} for i in range(_BATCH)]
        yield Drawn(rows, areas, scores)


def least_score(tried: list[Drawn], wanted: Filter) -> float:
    """The score from which scenes are kept: the quantile among those of fitting area.

    All are where `wanted.keep` is 1: also those below the worst of these few.

    Raises:
      UserError: Hardly one is of fitting area.
    """
    areas, scores = (
        np.concatenate([getattr(batch, name) for batch in tried])
        for name in ("areas", "scores")
    )
    fits = (areas >= wanted.min_area) & (areas <= wanted.max_area)
    if fits.mean() < _FEWEST:
        raise UserError(
            f"Of {len(fits)} scenes {fits.sum()} have an object that covers between "
            f"{wanted.min_area:.1%} and {wanted.max_area:.1%} of the picture; they cover "
            f"{areas.min():.1%} to {areas.max():.1%}. Change --min_area and --max_area."
        )
    if wanted.keep == 1:
        return -np.inf
    return float(np.quantile(scores[fits], 1 - wanted.keep))


def _chosen(batches, wanted: Filter, least: float, left_out: Counter) -> Iterator[dict]:
    """The examples that are kept; counts the others by reason."""
    for batch in batches:
        for example in batch.examples:
            if not wanted.min_area <= example["mask_area"] <= wanted.max_area:
                left_out["by area"] += 1
            elif example["score"] < np.float32(least):
                left_out["by score"] += 1
            else:
                yield example


def _numbered(examples, count, bar) -> Iterator[tuple[int, dict]]:
    for i, example in enumerate(itertools.islice(examples, count)):
        bar.update()
        yield i, example


def _features(prior) -> tfds.features.FeaturesDict:
    size = prior.image_size

    def image(channels):
        return tfds.features.Image(shape=(size, size, channels), encoding_format="png")

    codes = {name: np.int64 for name in "fb"} if prior.num_codes else {}
    return tfds.features.FeaturesDict(
        {
            "image": image(3),
            "mask": image(1),  # 0 and 1.
            "opacity": image(1),  # 255 times the mask's probability.
            "foreground": image(3),
            "background": image(3),
            "z": tfds.features.Tensor(shape=(prior.z_dim,), dtype=np.float32),
            "mask_area": np.float32,
            "score": np.float32,  # 0 where there is no critic.
            **codes,
        }
    )


def _labelled(builder, size: int | None) -> Iterator[Example]:
    """The examples as other formats take them, enlarged to `size` where it is given."""
    for i, example in enumerate(tfds.as_numpy(builder.as_dataset(split="train"))):
        image, mask = example["image"], example["mask"][..., 0]
        if size:
            # Bicubic for pixels; for the mask its probability, linear, then its half.
            image = _resized(image, size, Image.Resampling.BICUBIC)
            opacity = example["opacity"][..., 0]
            mask = _resized(opacity, size, Image.Resampling.BILINEAR) >= 128
        more = {k: example[k].item() for k in ("f", "b", "score") if k in example}
        yield Example(f"{i:06}", image, mask.astype(np.uint8), more)


def _resized(pixels: np.ndarray, size: int, how: Image.Resampling) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((size, size), how))
