"""New scenes from an exported generator: figures, swapped grounds, labelled data sets.

  python -m tfcomgan.generate --model=runs/scenes --out=generated
  python -m tfcomgan.generate --model=runs/scenes --out=generated --f=3 --seed=1
  python -m tfcomgan.generate --model=runs/scenes --out=generated --swap
  python -m tfcomgan.generate photo.jpg --model=runs/scenes --out=generated --swap
  python -m tfcomgan.generate --model=runs/scenes --out=synthetic --dataset=5000

By default it writes layers.png (scenes and their layers), control.png (f, b and z varied
one at a time), disentanglement.png and interpolation.png. --swap writes swap.png instead,
a row an object, a column a generated ground. The objects are generated ones; or those of
PICTUREs, files, folders or patterns: then their edges are drawn and the grounds smoothed at
the photo's size, and each is written as OUT/swap/1/NAME.jpg and so on, too.

--dataset writes labelled scenes to OUT/tfds, for

  tfds.builder_from_directory("OUT/tfds/synthetic/1.0.0").as_dataset(split="train")

with image, mask (0 and 1), opacity, foreground, background, z, f, b, mask_area and score;
and again for other programs, as --formats says:

  OUT/coco         images/, annotations.json (run-length masks), polygons.json (outlines)
  OUT/yolo         data.yaml, images/, labels/ for Ultralytics' segmentation
  OUT/imagefolder  for Hugging Face: load_dataset("imagefolder", data_dir="OUT/imagefolder")

Scenes with a mask area outside of --min_area and --max_area are left out, and of the
others the best are kept by the score of the critic. Scenes are painted at the network's
size; --size enlarges those of --formats, which adds no detail.

Exit codes: 0 done, 1 a defect, 2 something to put right (the message says what), 130
interrupted.
"""

import pathlib
from collections.abc import Sequence

from absl import flags

# TensorFlow, Matplotlib and TFDS are imported where they are used: a mistake must not wait.
from tfcomgan import command_line
from tfcomgan.annotations.formats import FORMATS
from tfcomgan.errors import UserError
from tfcomgan.images import save_png
from tfcomgan.photos import swapping
from tfcomgan.photos.finding import Photo
from tfcomgan.serving import export_generator, versions

_PLATES = ("layers", "control", "disentanglement", "interpolation", "swap")
_WRITTEN = (*(f"{name}.png" for name in _PLATES), "swap", "tfds", *FORMATS)


def _check(arguments: Sequence[str]) -> None:
    given = flags.FLAGS
    if not given.model:
        raise UserError("No --model. Try --model=runs/scenes.")
    if not given.out:
        raise UserError("No --out. Try --out=generated.")
    if arguments and not given.swap:
        raise UserError(f"Pictures are for --swap alone. Received: {arguments[0]}.")
    if given.swap and given.dataset:
        raise UserError("--swap and --dataset exclude each other.")
    if unknown := [name for name in given.formats if name not in FORMATS]:
        raise UserError(
            f"--formats must be some of {','.join(FORMATS)}. Received: {unknown[0]}."
        )
    if not given.min_area < given.max_area:
        raise UserError(
            "--min_area must be less than --max_area. "
            f"Received: {given.min_area}, {given.max_area}."
        )


def _main(arguments: Sequence[str]) -> None:
    given = flags.FLAGS
    version = versions.find(given.model, versions.GENERATOR)
    prior = export_generator.load_prior(version)
    # What is wrong with them is told before TensorFlow starts.
    codes = {
        name: prior.one_hot(name, getattr(given, name), 1)
        for name in ("f", "b")
        if getattr(given, name) is not None
    }
    photos = []
    if arguments:
        photos = swapping.find(arguments, pathlib.Path(given.out))
        versions.find(given.model, versions.SEGMENTER)
    command_line.refuse_to_overwrite(given.out, *_WRITTEN)
    with command_line.results(given.out, *_WRITTEN) as out:
        if given.dataset:
            _write_dataset(version, out, codes)
        else:
            _write_figures(photos, version, out, codes)


def _write_figures(photos: Sequence[Photo], version, out, codes) -> None:
    from tfcomgan.figures import paper, sheets
    from tfcomgan.synthesis import swap

    given = flags.FLAGS
    paint = export_generator.ExportedGenerator(version)
    prior, count = export_generator.load_prior(version), 4 * given.columns
    latents = prior.sampler(seed=given.seed, batch_size=count)(0)
    latents = latents._replace(**{k: x.repeat(count, 0) for k, x in codes.items()})
    if given.swap:
        scenes = paint(latents)
        if photos:
            painted = scenes.background[-given.columns :]
            swapping.write(photos, pathlib.Path(given.model), painted, out)
            print(f"{out / swapping.FOLDER}: at the size of the photos.")
        else:
            sheets.save(out / swapping.SHEET, swap.figure(scenes, given.columns))
        print(f"{out / swapping.SHEET}: kept objects on generated grounds.")
        return
    for plate in paper.of_generator(paint, latents, given.columns):
        path = out / f"{plate.name}.png"
        if plate.image is not None:
            save_png(path, plate.image)
        print(f"{path}: {plate.reason or plate.caption}")


def _write_dataset(version, out, codes) -> None:
    from tfcomgan.synthesis import dataset

    given = flags.FLAGS
    folder = dataset.write(
        export_generator.ExportedGenerator(version),
        given.dataset,
        out,
        wanted=dataset.Filter(given.min_area, given.max_area, given.keep),
        formats=given.formats,
        size=given.size,
        seed=given.seed,
        **codes,
    )
    print("\n".join(map(str, [folder, *(out / name for name in given.formats)])))
    if given.size:
        own = export_generator.load_prior(version).image_size
        print(f"Painted at {own} px and enlarged to {given.size} px.")


def run() -> None:
    """The command line."""
    # Not at import: flags of these names belong to other commands too.
    flags.DEFINE_string("model", None, "Required. A run folder, or its folder serving.")
    flags.DEFINE_string(
        "out", None, "Required. Folder of the results; made if missing."
    )
    flags.DEFINE_integer(
        "f", None, "Look of the object, a code from 0. Default: drawn."
    )
    flags.DEFINE_integer(
        "b", None, "Look of the surroundings, a code from 0. Default: drawn."
    )
    flags.DEFINE_integer(
        "seed", 0, "Of what is drawn.", lower_bound=0, upper_bound=2**63 - 1
    )
    flags.DEFINE_integer("columns", 8, "Of a figure.", lower_bound=2, upper_bound=100)
    flags.DEFINE_bool("swap", False, "Put generated grounds behind kept objects.")
    flags.DEFINE_integer("dataset", None, "Number of labelled scenes.", lower_bound=1)
    flags.DEFINE_list(
        "formats",
        list(FORMATS),
        f"Of {','.join(FORMATS)}, beside TFDS; empty for none.",
    )
    flags.DEFINE_integer(
        "size", None, "Pixels of their pictures.", lower_bound=8, upper_bound=4096
    )
    share = {"lower_bound": 0.0, "upper_bound": 1.0}
    flags.DEFINE_float("min_area", 0.02, "Least share of the object.", **share)
    flags.DEFINE_float("max_area", 0.75, "Greatest share of the object.", **share)
    flags.DEFINE_float(
        "keep",
        0.8,
        "Share kept of the scenes of such area, the best by the critic; 1 asks no critic.",
        lower_bound=0.01,
        upper_bound=1.0,
    )
    command_line.run(_main, _check, explain=command_line.explain)


if __name__ == "__main__":
    run()
