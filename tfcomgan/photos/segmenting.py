"""Pictures to masks and the files made of them, those already done left as they are."""

import contextlib
import functools
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tqdm

# TensorFlow is imported by export.load: a mistake must not wait for it.
from tfcomgan import command_line
from tfcomgan.annotations.coco import box
from tfcomgan.annotations.formats import FORMATS
from tfcomgan.data import pictures as picture_files
from tfcomgan.data.parallel import in_parallel
from tfcomgan.errors import UserError
from tfcomgan.photos import (
    edges,
    finding,
    finishing,
    labelled,
    ledger,
    reading,
    results,
)
from tfcomgan.photos.edges import Choices
from tfcomgan.photos.finding import Photo
from tfcomgan.photos.finishing import Finish
from tfcomgan.photos.ledger import Row
from tfcomgan.serving import export_segmenter, versions
from tfcomgan.system import marks

AREAS, AREAS_JSON = "areas.csv", "areas.json"


class Wanted(NamedTuple):
    """What is made of each photo.

    kinds: Of results.KINDS.
    formats: Of annotations' FORMATS; they are made of the masks, which then are, too.
    choices: How masks are made.
    finish: How cut-outs are.
    with_json: Whether areas.json is written.
    """

    kinds: Sequence[str] = ("masks",)
    formats: Sequence[str] = ()
    choices: Choices = Choices()
    finish: Finish = Finish()
    with_json: bool = False

    def words(self) -> set[str]:
        """The results as they stand in the ledger."""
        finish = finishing.word(self.finish) if "cutouts" in self.kinds else ""
        return {f"cutouts:{finish}" if k == "cutouts" else k for k in self.kinds}


class Made(NamedTuple):
    """A photo that is done, and what was odd about it, or ''."""

    row: Row
    note: str


class Skipped(NamedTuple):
    """A photo that is not done, and why."""

    photo: Photo
    reason: str


def segment(
    arguments: Sequence[str],
    model_dir: pathlib.Path,
    out: pathlib.Path,
    wanted: Wanted = Wanted(),  # noqa: B008 - A NamedTuple.
) -> None:
    """Writes the results of pictures; skips what is done, or cannot be read.

    Args:
      arguments: Files, folders and patterns; see `finding.find`.
      model_dir: See `versions.find`.
      out: Folder of the results, made if missing.
      wanted: See there.

    Raises:
      UserError: There is no model, a picture is missing or cannot be read, or `out`
        cannot be written or holds the pictures.
    """
    photos = find(arguments, out)
    with started(model_dir, out, wanted) as segmentation:
        skipped = segmentation.round(photos)
    if skipped:
        raise UserError(f"{len(skipped)} of {len(photos)} pictures could not be read.")


def find(arguments: Sequence[str], out: pathlib.Path) -> list[Photo]:
    """The pictures meant, but those of results; see `finding.find`."""
    return finding.find(
        arguments, folders(out), tell=lambda line: print(line, file=sys.stderr)
    )


def folders(out: pathlib.Path) -> list[pathlib.Path]:
    """Where results may lie."""
    return [out / kind for kind in (*results.KINDS, *FORMATS)]


@contextlib.contextmanager
def started(
    model_dir: pathlib.Path, out: pathlib.Path, wanted: Wanted
) -> Iterator["Segmentation"]:
    """Holds a folder of results while the block lasts; args and errors as of `segment`."""
    if wanted.formats and "masks" not in wanted.kinds:
        wanted = wanted._replace(kinds=("masks", *wanted.kinds))
    version = versions.find(model_dir, versions.SEGMENTER)
    finishing.check(wanted.finish)
    _refuse_masks_of_others(out, wanted.kinds)
    labelled.refuse_others(out, wanted.formats)
    names = (AREAS, AREAS_JSON, *wanted.kinds, *wanted.formats)
    with command_line.results(out, *names):
        for kind in wanted.kinds:
            # Each with a mark of its own, as it may be moved from there.
            command_line.make_folder(out / kind)
        yield Segmentation(version, out, wanted)


class Segmentation:
    """Rounds of pictures by one network; see `started`."""

    def __init__(self, version: pathlib.Path, out: pathlib.Path, wanted: Wanted):
        self._version, self._out, self._wanted = version, out, wanted
        self._words = wanted.words()
        self._digest = "-".join([versions.digest(version), *_told(wanted.choices)])

    @functools.cached_property
    def _model(self):
        # Later than all that can be wrong without it.
        return export_segmenter.ExportedSegmenter(self._version)

    def round(self, photos: Sequence[Photo]) -> list[Skipped]:
        """Does what is not done of the photos; returns those that cannot be."""
        done: dict[str, Row] = {}
        before: dict[str, str] = {}
        file = ledger.begin(self._out / AREAS, self._kept(photos, done, before))
        todo = [photo for photo in photos if photo.path not in done]
        already, skipped = len(done), []
        bar = tqdm.tqdm(total=len(photos), initial=already, unit="photo", disable=None)

        def tell(line):
            bar.write(line, file=sys.stderr)

        with file, bar:
            if todo:
                self._model  # noqa: B018 - Read by one thread.
            for result in in_parallel(self._worker(before), todo, pixels=_pixels):
                if isinstance(result, Made):
                    ledger.add(file, result.row)
                    done[result.row.picture] = result.row
                    if result.note:
                        tell(f"{result.row.picture}: {result.note}")
                else:
                    tell(f"skipped: {result.reason}")
                    skipped.append(result)
                bar.update()
        rows = [done[photo.path] for photo in photos if photo.path in done]
        if self._wanted.with_json:
            ledger.write_json(self._out / AREAS_JSON, rows)
        labelled.write(self._out, self._wanted.formats, rows)
        count = len(todo) - len(skipped)
        print(
            f"{count} picture{'s' * (count != 1)} segmented, {already} done before, "
            f"{len(skipped)} skipped: {self._out}"
        )
        return skipped

    def _kept(self, photos, done: dict, before: dict) -> Iterator[Row]:
        """Rows of an earlier run that stay.

        Fills `done` with those of `photos`, and `before` with what else was written of the
        others by the same model.
        """
        given = {photo.path: photo for photo in photos}
        names = {photo.name for photo in photos}
        for row in ledger.read(self._out / AREAS):
            photo = given.get(row.picture)
            if photo is None:
                if row.name not in names:
                    yield row  # Of other pictures.
            elif photo.path not in done and ledger.is_current(row, photo, self._digest):
                written = set(row.results.split())
                if self._words <= written and all(
                    finishing.is_whole(self._file(kind, photo))
                    for kind in self._wanted.kinds
                ):
                    done[photo.path] = row
                    yield row
                else:
                    before[photo.path] = row.results

    def _worker(self, before: dict[str, str]) -> Callable[[Photo], Made | Skipped]:
        """Segments one picture and writes its results; `before` as of `_kept`."""
        kinds = {word.partition(":")[0] for word in self._words}

        def work(photo):
            stamp = ledger.stamp(photo)
            try:
                picture = reading.read(photo.path)
            except picture_files.BadPicture as error:
                return Skipped(photo, str(error))
            alpha = edges.opacity(
                self._model, self._model.image_size, picture.image, self._wanted.choices
            )
            try:
                for kind in self._wanted.kinds:
                    path = self._file(kind, photo)
                    results.write(kind, path, picture, alpha, self._wanted.finish)
            except finishing.TooLarge as error:
                return Skipped(photo, f"{photo.path}: {error}")
            others = before.get(photo.path, "").split()
            written = self._words | {
                x for x in others if x.partition(":")[0] not in kinds
            }
            return Made(_row(photo, alpha, stamp, self._digest, written), picture.note)

        return work

    def _file(self, kind: str, photo: Photo) -> pathlib.Path:
        return results.file(self._out, kind, photo.name, self._wanted.finish)


def _row(photo: Photo, alpha: np.ndarray, stamp, digest, written) -> Row:
    height, width = alpha.shape[:2]
    is_object = alpha[..., 0] >= 0.5
    area = int(np.count_nonzero(is_object))
    share = area / (width * height)
    words = " ".join(sorted(written))
    return Row(
        *photo, width, height, area, share, *box(is_object), stamp, digest, words
    )


def _refuse_masks_of_others(out: pathlib.Path, kinds: Sequence[str]) -> None:
    """Raises UserError where files that are not ours lie in the folders of results."""
    for kind in kinds:
        folder = out / kind
        is_ours = (out / AREAS).exists() or marks.ALL in marks.read(folder)
        if not is_ours and folder.is_dir() and any(folder.iterdir()):
            raise UserError(
                f"--out={out} has a folder {kind} with files that are not of this "
                "command, and masks of yours could be overwritten. Name another folder."
            )


def _told(choices: Choices) -> Iterator[str]:
    """The choices, in words for the ledger, and the versions of what is ours."""
    yield f"read{picture_files.VERSION}"
    yield choices.refine
    if choices.refine != "none":
        yield f"edges{edges.VERSION}"
    for name in ("average", "invert"):
        if getattr(choices, name):
            yield name
    if choices.threshold is not None:
        yield f"{choices.threshold:g}"


def _pixels(photo: Photo) -> int:
    return picture_files.pixels(photo.path)
