"""Looks at a data set before a training, and says what stands in its way.

  python -m tfcomgan.doctor --gin_file=gin/folder_64.gin --manual_dir=photos --out=doctor

Takes the flags of `tfcomgan.main` that say which data set. Prints counts, sizes, kinds of
files, masks and warnings, and writes contact_sheet.png: pictures as the GAN's training
crops them, but for random margins, from the whole set, their masks below. The files of
`folder` are looked at as they are; other data sets are prepared if they are not.

Exit codes: 0 done, warnings or not; 1 a defect, 2 something to put right (the message
says what), 130 interrupted.
"""

import collections
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
from absl import flags

# TensorFlow and gin are imported where they are used: --help must not wait.
from tfcomgan import command_line
from tfcomgan.data import inspection, parallel
from tfcomgan.data.inspection import Finding, look, spread
from tfcomgan.errors import UserError
from tfcomgan.figures import contact_sheet
from tfcomgan.images import save_png
from tfcomgan.system import marks

_SHEET_SIZE = 96  # Pixels of a picture on the contact sheet, at most.
_SHEET = "contact_sheet.png"


def examine_folder(
    source, files, sheet_size: int, *, crop: str = "center"
) -> list[Finding]:
    """Findings on the files that a `FolderSource` would take from a `Listing`.

    Args:
      source: The `FolderSource`.
      files: The `Listing`.
      sheet_size: Pixels of a picture on the contact sheet.
      crop: 'center' or 'full', see `InputSettings`.

    Raises:
      UserError: Crops are to be by boxes, which a folder does not have.
    """
    from tfcomgan.data import folder, pictures, walking

    if crop == "box":
        raise _no_box("folder")
    on_sheet = spread(len(files.pictures))

    def examine(index):
        name = files.pictures[index]
        try:
            image, mask = files.read(index, invert_masks=source.invert_masks)
        except pictures.BadPicture as error:
            return Finding(name, problem=error.reason)
        return look(
            name, image, mask, split="", kind=pictures.kind(files.root / name),
            part=_part(image, crop) if index in on_sheet else None,
            sheet_size=sheet_size,
        )  # fmt: skip

    findings = list(
        parallel.in_parallel(examine, range(len(files.pictures)), pixels=files.pixels)
    )
    good = [f.name for f in findings if not f.problem]
    test = set(folder.split(good, source.test_share)[1]) if len(good) > 1 else set()
    split_of = dict.fromkeys(good, "train") | dict.fromkeys(test, "test")
    return [
        f._replace(name=walking.shown(f.name), split=split_of.get(f.name))
        for f in findings
    ]


def examine_builder(
    builder, adapt, sheet_size: int, *, crop: str = "center"
) -> Iterator[Finding]:
    """Findings on the examples of a prepared builder.

    Args:
      builder: Of TFDS.
      adapt: Names its features as we do; a `Source`'s method.
      sheet_size: Pixels of a picture on the contact sheet.
      crop: See `InputSettings`.

    Raises:
      UserError: Crops are to be by boxes, and the examples have none.
    """
    for split, info in builder.info.splits.items():
        on_sheet = spread(info.num_examples)
        dataset = builder.as_dataset(split=split, shuffle_files=False).map(adapt)
        for i, example in enumerate(dataset.as_numpy_iterator()):
            if crop == "box" and "box" not in example:
                raise _no_box(builder.name)
            image = example["image"]
            mask = example.get("mask") if example.get("has_mask", True) else None
            yield look(
                example["file_name"].decode(),
                np.repeat(image, 4 - image.shape[-1], -1)[..., :3],
                None if mask is None else (mask > 0).astype(np.uint8),
                split=split,
                kind=f"{image.shape[-1]} channels",
                part=_part(image, crop, example.get("box")) if i in on_sheet else None,
                sheet_size=sheet_size,
            )


def _part(image: np.ndarray, crop: str, box=None) -> inspection.Part:
    """What the training uses of a picture."""
    from tfcomgan.data import reading

    top, left, height, width = map(int, reading.square(image.shape, box, crop))
    return top, left, height, width


def _no_box(name: str) -> UserError:
    return UserError(
        f"`{name}` has no boxes to crop by. Set `input_pipeline.crop` to 'center' or 'full'."
    )


def report(findings: Sequence[Finding], *, pictures, notes=()) -> list[str]:
    """Lines for the user: what there is, then the warnings.

    Args:
      findings: Of all pictures.
      pictures: The training's `InputSettings`.
      notes: Lines on what was not looked at.
    """
    good = [f for f in findings if not f.problem]
    bad = [f for f in findings if f.problem]
    lines = [f"Pictures: {_counts(f.split for f in good)}"]
    lines.append(f"Unreadable: {len(bad)} of {len(findings)}")
    lines += [f"  {f.name}: {f.problem}" for f in bad]
    lines += notes
    if not good:
        return lines
    sizes = np.array([f.size for f in good])
    heights, widths = (_range(side, "{:.0f}") for side in sizes.T)
    lines.append(f"Height: {heights}; width: {widths} (min, median, max, in pixels)")
    lines.append(f"Kinds: {_counts(f.kind for f in good)}")
    areas = np.array([f.mask_area for f in good if f.mask_area is not None])
    if len(areas):
        lines.append(
            f"Masks: {len(areas)}; object {areas.mean():.1%} of the picture on average, "
            f"{areas.min():.1%} to {areas.max():.1%}; "
            f"{np.sum(areas == 0)} empty, {np.sum(areas == 1)} full"
        )
    else:
        lines.append("Masks: none. Training needs none; there will be no scores.")
    names, splits, thumbnails = zip(
        *((f.name, f.split, f.thumbnail) for f in good), strict=True
    )
    if len(good) > 1:
        likeness = max(inspection.likeness(thumbnails), 0)
        lines.append(f"Likeness of two: {likeness:.2f} on average")
    warnings = [*_warn(good, bad, sizes, pictures)]
    warnings += inspection.warn_of_kind(thumbnails)
    warnings += inspection.warn_of_alike(names, splits, thumbnails)
    lines.append(f"Warnings: {len(warnings) or 'none'}")
    return lines + [f"- {warning}" for warning in warnings]


def _warn(good, bad, sizes, pictures) -> Iterator[str]:
    if bad:
        yield (
            f"{len(bad)} pictures cannot be used. Repair or remove them; of `folder`, "
            "--gin_param=\"folder.on_bad_image='skip'\" leaves them out."
        )
    if len(good) < 2:
        yield "A training takes at least 2 pictures, one of them to test on."
    num_train = sum(f.split == "train" for f in good)
    off = {
        "input_pipeline.flip=True": not pictures.flip,
        "input_pipeline.margin=1.1875": pictures.margin == 1,
    }
    advice = " ".join(f"--gin_param={name}" for name, is_off in off.items() if is_off)
    yield from inspection.warn_of_few(
        num_train, f"Switch on flips and random crops: {advice}." if advice else ""
    )
    kept = pictures.kept_size
    shorts = sizes.min(axis=1)
    is_small = shorts < pictures.image_size
    if np.any(is_small):
        yield (
            f"{_names(good, is_small)} smaller than the {pictures.image_size} pixels of "
            "training: enlarged, and blurred. Lower IMAGE_SIZE, or leave them out."
        )
    if np.any(is_tight := ~is_small & (shorts < kept)):
        yield (
            f"{_names(good, is_tight)} smaller than the {kept} pixels that random crops "
            "are taken from: enlarged, which blurs them a little."
        )
    ratio = sizes.max(axis=1) / shorts
    if pictures.crop == "center" and np.any(ratio > 2):
        yield (
            f"{_names(good, ratio > 2)} more than twice as long as wide: the centred "
            "square that is used shows less than half of them."
        )
    masked = [f for f in good if f.mask_area is not None]
    areas = np.array([f.mask_area for f in masked])
    is_blank = (areas == 0) | (areas == 1)
    if np.any(is_blank):
        yield f"The masks of {_names(masked, is_blank)} empty or full."
    if masked and np.mean([f.mask_border for f in masked]) > 0.5:
        yield (
            "Masks cover more than half of the border on average, as the ground does. "
            "Are they inverted? For `folder`: --gin_param=folder.invert_masks=True."
        )


def _names(findings, is_meant) -> str:
    names = [f.name for f, meant in zip(findings, is_meant, strict=True) if meant]
    verb = "is" if len(names) == 1 else "are"
    return f"{len(names)} of {len(findings)} pictures ({_some(names)}) {verb}"


def _some(names) -> str:
    return ", ".join(names[: inspection.LISTED]) + (
        ", ..." if len(names) > inspection.LISTED else ""
    )


def _counts(values) -> str:
    counts = collections.Counter(values).most_common()
    return ", ".join(f"{count} {value}" for value, count in counts) or "none"


def _range(values, form: str) -> str:
    return ", ".join(form.format(f(values)) for f in (np.min, np.median, np.max))


def _check(arguments: Sequence[str]) -> None:
    if arguments:
        raise UserError(
            f"Unexpected argument {arguments[0]!r}. A folder of pictures is given as "
            "--manual_dir=FOLDER, and a value follows its flag after '='."
        )
    if not flags.FLAGS.gin_file:
        raise UserError("No --gin_file. Try --gin_file=gin/folder_64.gin.")
    if not flags.FLAGS.out:
        raise UserError("No --out. Try --out=doctor.")


def _main(arguments: Sequence[str]) -> None:
    del arguments
    from tfcomgan import config

    given = flags.FLAGS
    config.resolve(given.gin_file)  # A misspelt file need not wait for TensorFlow.
    from pipelines import run as pipeline
    from pipelines.preparing import PrepareSettings
    from tfcomgan.data import listing
    from tfcomgan.data.folder import FolderSource
    from tfcomgan.data.input_pipeline import InputSettings

    config.parse(given.gin_file, given.gin_param)
    pipeline.settings()
    source = config.build(PrepareSettings, "prepare").source
    pictures = config.build(InputSettings, "train_generator")
    manual_dir = pathlib.Path(given.manual_dir) if given.manual_dir else None
    command_line.refuse_to_overwrite(given.out, _SHEET)
    out, size = pathlib.Path(given.out), min(pictures.image_size, _SHEET_SIZE)
    crop = pictures.crop
    notes = ()
    if isinstance(source, FolderSource):
        files = listing.scan(manual_dir)
        findings, notes = examine_folder(source, files, size, crop=crop), files.notes()
    else:
        data_dir = pathlib.Path(given.data_dir)
        marks.make(data_dir)  # What is fetched is nobody's photos.
        builder = source.prepare(data_dir, manual_dir)
        findings = list(examine_builder(builder, source.adapt, size, crop=crop))
    for line in report(findings, pictures=pictures, notes=notes):
        print(line)
    sheet = contact_sheet.contact_sheet(findings, scale=max(1, _SHEET_SIZE // size))
    with command_line.results(out, _SHEET):
        save_png(out / _SHEET, sheet)
    print(f"\nLook: {out / _SHEET}")


def run() -> None:
    """The command line."""
    # Not at import: flags of these names belong to other commands too.
    flags.DEFINE_multi_string("gin_file", [], "Required. As for tfcomgan.main.")
    flags.DEFINE_multi_string("gin_param", [], "As for tfcomgan.main.")
    flags.DEFINE_string("data_dir", "data", "Folder of the prepared data sets.")
    flags.DEFINE_string("manual_dir", None, "Folder of your pictures, or of downloads.")
    flags.DEFINE_string("out", None, "Required. Folder of the contact sheet.")
    command_line.run(_main, _check)


if __name__ == "__main__":
    run()
