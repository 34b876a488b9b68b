"""A page to try a trained model: cut photos out, move scenes by hand.

  python -m tfcomgan.play --model=runs/scenes --open

and the browser shows, at http://127.0.0.1:7860,

  your photos     dropped, pasted or chosen: mask, cut-out, and the object on a painted
                  ground or on a colour; edges and threshold to choose; results are saved
                  as large as the photo
  painted scenes  sliders for z (the two directions that move the object most), f and b;
                  another ground behind the same object, another object on the same ground

A model without a generator shows the first half only, one without a segmenter the second.

The page is for this machine alone: nobody else can reach it, it fetches nothing, and works
without a network. Photos are kept in memory while the command runs.

Exit codes: 1 a defect, 2 something to put right (the message says what), 130 interrupted,
143 stopped.
"""

import pathlib
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

# TensorFlow is imported where models are read: --help and a mistake must not wait.
from tfcomgan import command_line
from tfcomgan.errors import UserError
from tfcomgan.serving import export_generator, versions

if TYPE_CHECKING:
    from tfcomgan.studio.cutouts import Scissors
    from tfcomgan.studio.scenes import Painter

_PORT, _MEGAPIXELS = 7860, 50


def _check(arguments: Sequence[str]) -> None:
    if not flags.FLAGS.model:
        raise UserError("No --model. Try --model=runs/scenes.")
    if arguments:
        raise UserError(
            f"Pictures are given to the page. Received: {arguments[0]}. For files there is "
            "tfcomgan-segment."
        )


def find(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """The exports of a model by their names, one or both.

    Raises:
      UserError: There is neither.
    """
    parts = {}
    for name in (versions.SEGMENTER, versions.GENERATOR):
        try:
            parts[name] = versions.find(folder, name)
        except UserError:  # One of the two will do.
            continue
    if not parts:
        versions.find(folder, versions.SEGMENTER)  # Says what is wrong.
    if len(parts) > len(set(parts.values())):  # The folder of one export, by itself.
        (version,) = set(parts.values())
        return {_kind(version): version}
    return parts


def _kind(version: pathlib.Path) -> str:
    try:
        export_generator.load_prior(version)
    except UserError:
        return versions.SEGMENTER
    return versions.GENERATOR


def _main(arguments: Sequence[str]) -> None:
    del arguments
    given = flags.FLAGS
    halves = _read(find(pathlib.Path(given.model)))
    from tfcomgan.studio import app, guard, server
    from tfcomgan.studio.album import Album

    name = pathlib.Path(given.model).absolute().name
    with tempfile.TemporaryDirectory(prefix="tfcomgan-play-") as session:
        album = Album(pathlib.Path(session), given.max_megapixels * 10**6)
        page = guard.Guard(app.App(name, album, *halves), app.MOST_BYTES)
        with server.listening(page, given.port) as listener:
            address = f"http://{server.ADDRESS}:{listener.port}"
            print(f"{address}  (Ctrl-C ends it)", flush=True)
            if given.open:
                # Beside the server: a browser of the terminal takes this one's place.
                opening = threading.Thread(target=webbrowser.open, args=[address])
                opening.daemon = True
                opening.start()
            server.serve(listener)


def _read(parts: dict[str, pathlib.Path]) -> tuple["Scissors | None", "Painter | None"]:
    """What cuts photos out, and what paints scenes."""
    from tfcomgan.serving.export_generator import ExportedGenerator
    from tfcomgan.serving.export_segmenter import ExportedSegmenter
    from tfcomgan.studio.cutouts import Scissors
    from tfcomgan.studio.scenes import Painter

    print("Reading the model ...", file=sys.stderr)
    scissors = painter = None
    if version := parts.get(versions.SEGMENTER):
        segmenter = ExportedSegmenter(version)
        scissors = Scissors(segmenter, segmenter.image_size)
    if version := parts.get(versions.GENERATOR):
        generator = ExportedGenerator(version)
        print("Looking for what z moves ...", file=sys.stderr)
        painter = Painter(generator, generator.prior)
    return scissors, painter


def run() -> None:
    """The command line."""
    # Not at import: flags of these names belong to other commands too.
    flags.DEFINE_string(
        "model", None, "Required. A run folder, its folder serving, or a copy of that."
    )
    flags.DEFINE_integer(
        "port",
        _PORT,
        "Of this machine; 0 for any that is free.",
        lower_bound=0,
        upper_bound=65535,
    )
    flags.DEFINE_integer(
        "max_megapixels",
        _MEGAPIXELS,
        "Of a photo; larger ones are refused.",
        lower_bound=1,
        upper_bound=178,
    )
    flags.DEFINE_bool("open", False, "Open the page in the browser.")
    command_line.run(_main, _check, explain=command_line.explain)


if __name__ == "__main__":
    run()
