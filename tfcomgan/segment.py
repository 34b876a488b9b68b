"""Writes object masks of pictures, by an exported segmenter.

  python -m tfcomgan.segment photo.jpg --model=runs/scenes --out=segmented
  python -m tfcomgan.segment photos 'more/**/*.jpg' --model=runs/scenes --out=segmented
      --write=masks,cutouts,overlays
  python -m tfcomgan.segment photos --model=runs/scenes --out=segmented --write=coco,yolo
  python -m tfcomgan.segment - --model=runs/scenes < photo.jpg > cut.png

PICTURE is a file, a folder (searched to the bottom) or a pattern. Each gets

  OUT/masks/NAME.png     8-bit grey, 255 on the object, 0 on the ground, between at edges
  OUT/cutouts/NAME.png   the object in its own colours, with that mask as its opacity
  OUT/overlays/NAME.png  the picture with the object tinted red
  OUT/areas.csv          a row: size, pixels, share and box of object (mask >= one half)

all as large as the picture, turned as its EXIF data say; transparent pictures are laid
over white. --write chooses among the first three, and among

  OUT/coco         images/, annotations.json (run-length masks), polygons.json (outlines)
  OUT/yolo         data.yaml, images/, labels/ for Ultralytics' segmentation
  OUT/imagefolder  for Hugging Face: load_dataset("imagefolder", data_dir="OUT/imagefolder")

which have the pictures named and their masks, and take an earlier one's place when they
are whole. NAME of a.jpg is a, that of photos/x/a.jpg in the folder photos is x/a. Pictures
that share a name keep their extension, as in a.jpg.png and a.gif.png; those that share the
whole name are numbered.

PICTURE - is standard input; its cut-out, or what --write says, goes to standard output.

The network sees few pixels. --refine draws its mask to the edges of the picture itself:
grabcut (default), guided, or none for 255 times the probability that the network gives.
Cut-outs keep colour profile and EXIF data, less what is true of the old file alone, and
stand upright. Grey pictures of 16 or 32 bits are scaled by their content, which is told.

A stopped command goes on where it stopped: what areas.csv lists is not done again,
unless the picture, its name, the model or a choice has changed. What cannot be read is
listed.

Exit codes: 0 done, 1 a defect, 2 something to put right (the message says what; pictures
that can be read are done all the same), 130 interrupted.
"""

import pathlib
from collections.abc import Sequence

from absl import flags

# TensorFlow is imported by export.load: --help and a misspelt name must not wait.
from tfcomgan import command_line
from tfcomgan.annotations.formats import FORMATS
from tfcomgan.errors import UserError
from tfcomgan.photos import edges, finishing, piped, results, segmenting, watching
from tfcomgan.photos.edges import Choices
from tfcomgan.photos.finishing import Finish
from tfcomgan.photos.segmenting import Wanted

_DEFAULT = Choices()
_WRITTEN = (*results.KINDS, *FORMATS)
_OF_CUTOUTS = ("format", "background", "crop")
_GROUPS = {
    "what to write": ("model", "out", "write", "json", "watch"),
    "how masks are made": ("refine", "average", "threshold", "invert"),
    "how cut-outs are finished": _OF_CUTOUTS,
}


def _check(arguments: Sequence[str]) -> None:
    given = flags.FLAGS
    if not arguments:
        raise UserError("No PICTURE. Name picture files or folders, as in photos.")
    if not given.model:
        raise UserError("No --model. Try --model=runs/scenes.")
    if unknown := [kind for kind in given.write if kind not in _WRITTEN]:
        raise UserError(
            f"--write must be some of {','.join(_WRITTEN)}. Received: {unknown[0]}."
        )
    if piped.NAME in arguments:
        _check_piped(arguments)
    elif not given.out:
        raise UserError("No --out. Try --out=segmented.")
    elif given.watch:
        watching.check(arguments)
        if _wanted(arguments).formats:
            raise UserError(
                f"--watch does not go with {', '.join(FORMATS)}, which are made of all "
                "pictures at the end. Write them by a command of their own."
            )
    changed = [name for name in _OF_CUTOUTS if flags.FLAGS[name].present]
    if changed and "cutouts" not in _wanted(arguments).kinds:
        raise UserError(f"--{changed[0]} is of cut-outs: add --write=cutouts.")
    finishing.check(_wanted(arguments).finish)


def _check_piped(arguments: Sequence[str]) -> None:
    given, wanted = flags.FLAGS, _wanted(arguments)
    if len(arguments) > 1:
        raise UserError("- is standard input, and goes alone, without other pictures.")
    for name in ("out", "json", "watch"):
        if getattr(given, name):
            raise UserError(
                f"--{name} does not go with -: the result goes to standard output."
            )
    if wanted.formats or len(wanted.kinds) != 1:
        raise UserError(
            f"With - there is one result, of {','.join(results.KINDS)}. "
            f"Received: --write={','.join(given.write)}."
        )


def _wanted(arguments: Sequence[str]) -> Wanted:
    given = flags.FLAGS
    written = given.write
    if piped.NAME in arguments and not flags.FLAGS["write"].present:
        written = ["cutouts"]
    return Wanted(
        [kind for kind in results.KINDS if kind in written],
        [name for name in FORMATS if name in written],
        Choices(given.refine, given.average, given.threshold, given.invert),
        Finish(given.format, given.background, given.crop),
        given.json,
    )


def _main(arguments: Sequence[str]) -> None:
    given, wanted = flags.FLAGS, _wanted(arguments)
    model = pathlib.Path(given.model)
    if piped.NAME in arguments:
        piped.segment(model, wanted)
    elif given.watch:
        watching.watch(arguments, model, pathlib.Path(given.out), wanted)
    else:
        segmenting.segment(arguments, model, pathlib.Path(given.out), wanted)


def run() -> None:
    """The command line."""
    # Not at import: flags of these names belong to other commands too.
    flags.DEFINE_string(
        "model",
        None,
        "Required. A run folder (its newest export is used), its folder serving or a copy of "
        "it, a folder of versions, as in runs/scenes/serving/segmenter, or one version, as in "
        "runs/scenes/serving/segmenter/1.",
    )
    flags.DEFINE_string(
        "out", None, "Required, but for -. Folder of the results; made if missing."
    )
    flags.DEFINE_list(
        "write", ["masks"], f"Of {','.join(_WRITTEN)}; areas.csv is always written."
    )
    flags.DEFINE_bool("json", False, "Write areas.json: area and box of each picture.")
    flags.DEFINE_bool(
        "watch", False, "Go on: segment what comes into the folders, until Ctrl-C."
    )
    flags.DEFINE_enum(
        "refine",
        _DEFAULT.refine,
        edges.METHODS,
        "How masks are drawn to the picture's edges.",
    )
    flags.DEFINE_bool("average", False, "See each picture mirrored too; takes longer.")
    flags.DEFINE_float(
        "threshold",
        None,
        "Masks of 0 and 255 alone: object from this probability on; below 0.5 larger ones.",
        lower_bound=0.01,
        upper_bound=0.99,
    )
    flags.DEFINE_bool(
        "invert", False, "For a model that has learned the ground for the object."
    )
    flags.DEFINE_enum(
        "format", "png", list(finishing.FORMATS), "JPEG needs a --background."
    )
    flags.DEFINE_string(
        "background",
        None,
        "Put behind the object: white, black, #rrggbb, or a picture file, which is made to "
        "cover. Default: none, the cut-out is clear there.",
    )
    flags.DEFINE_bool(
        "crop",
        False,
        "Keep the object's box alone; masks stay as large as the picture.",
    )
    command_line.run(
        _main,
        _check,
        groups=_GROUPS,
        explain=command_line.explain,
        interrupted="interrupted; the same command goes on from there",
    )


if __name__ == "__main__":
    run()
