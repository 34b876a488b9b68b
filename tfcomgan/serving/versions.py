"""Folders of SavedModels as TensorFlow Serving wants them: NAME/1, NAME/2, ...

A run has them in RUN_DIR/serving, which may be copied elsewhere and used from there.
"""

import hashlib
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING

from tfcomgan import run_folder
from tfcomgan.errors import UserError
from tfcomgan.system import files
from tfcomgan.system.plain_paths import plain

if TYPE_CHECKING:
    import keras

SEGMENTER, GENERATOR = "segmenter", "generator"


def find(folder: str | os.PathLike, name: str) -> pathlib.Path:
    """The version folder of an export, the newest there is.

    Args:
      folder: A run folder, its `serving` or a copy of it, a folder of versions, as in
        serving/segmenter, or one version, as in serving/segmenter/1; `~` is the home
        folder.
      name: SEGMENTER or GENERATOR.

    Raises:
      UserError: There is no such folder or no export in it.
    """
    folder = pathlib.Path(folder).expanduser()
    if not folder.is_dir():
        raise UserError(f"The model must be a folder. Received: {folder}.")
    if (folder / "saved_model.pb").is_file():
        return folder
    for base in (folder, folder / name, serving_dir(folder, name)):
        if numbers := versions(base):
            return base / str(numbers[-1])
    raise UserError(
        f"{folder} holds no exported {name}. Run the export stage: "
        "python -m tfcomgan.main ... --stages=export"
    )


def serving_dir(run_dir: pathlib.Path, name: str) -> pathlib.Path:
    """Where a run's exports of `name` lie, one folder for each version."""
    return pathlib.Path(run_dir) / run_folder.SERVING / name


def versions(base: pathlib.Path) -> list[int]:
    """The versions below `base`, oldest first; none if there is no such folder."""
    base = pathlib.Path(base)
    names = [path.name for path in base.iterdir()] if base.is_dir() else []
    return sorted(int(name) for name in names if re.fullmatch("0|[1-9][0-9]*", name))


def next_dir(base: pathlib.Path) -> pathlib.Path:
    """The version folder below `base` that comes after the newest; base/1 if none is."""
    return pathlib.Path(base) / str(max(versions(base), default=0) + 1)


def digest(version: pathlib.Path) -> str:
    """SHA-256 of the names and contents of a version's files; its first 16 digits."""
    content = hashlib.sha256()
    for path in sorted(path for path in version.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            inside = hashlib.file_digest(file, "sha256").hexdigest()
        content.update(f"{path.relative_to(version)}\0{inside}\0".encode())
    return content.hexdigest()[:16]


def publish(
    archive: "keras.export.ExportArchive",
    version: pathlib.Path,
    complete: Callable[[pathlib.Path], None],
    note: Callable[[pathlib.Path], None] | None = None,
) -> pathlib.Path:
    """Writes an archive as a version folder, which appears complete or not at all.

    Args:
      archive: With its endpoints.
      version: The folder to make, as in serving/generator/1.
      complete: Adds what lies beside the SavedModel, to the folder it is given.
      note: Is shown the folder as it will be, before it has its name.

    Raises:
      UserError: The folder exists.
    """
    version = pathlib.Path(version)
    if version.exists():
        raise UserError(
            f"The version folder {version} exists. A published version is never "
            "overwritten: remove the folder, or export the next number."
        )
    version.parent.mkdir(parents=True, exist_ok=True)
    # Servers look at folders named by numbers only, and a rename is atomic.
    prefix = files.unfinished(version, "").name
    unfinished = tempfile.mkdtemp(prefix=prefix, dir=version.parent)
    try:
        # Below, since mkdtemp's own folder is closed to a server of another user.
        written = pathlib.Path(unfinished, version.name)
        archive.write_out(str(plain(unfinished) / written.name), verbose=False)
        complete(written)
        if note:
            note(written)
        files.publish(written, version)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return version
