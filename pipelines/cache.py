"""The cache of the pipeline: folders that stages make once and hand to each other.

An artifact is a folder with an `artifact.json`, written last; a folder without it does
not exist. Its fingerprint is the SHA-256 of (stage, version, fingerprints of the inputs,
parameters), so equal fingerprints mean equal content.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import time
from collections.abc import Iterator, Sequence

from tfcomgan import run_folder
from tfcomgan.errors import UserError
from tfcomgan.run_folder import ARTIFACT, UNFINISHED
from tfcomgan.system import files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """What `artifact.json` says.

    Attributes:
      folder: Where the artifact lies.
      fingerprint: Hex SHA-256 of what made it.
      parameters: The settings that made it, by the stage's parameter names.
      info: What the stage says of its result; plain JSON.
      inputs: Fingerprints of the artifacts it was made from, by stage.
      pictures_fingerprint: Of a data set, the one that trainings depend on, without what
        concerns masks alone; None of other stages.
      seconds: It took; None where it was interrupted and went on.
      environment: Fields of `environment.Environment`; None where not recorded.
    """

    folder: pathlib.Path
    fingerprint: str
    parameters: dict
    info: dict
    inputs: dict = dataclasses.field(default_factory=dict)
    pictures_fingerprint: str | None = None
    seconds: float | None = None
    environment: dict | None = None


def fingerprint(
    stage: str, version: int, inputs: Sequence[str], parameters: dict
) -> str:
    """Hex SHA-256 of the canonical JSON of what a stage depends on."""
    content = [stage, version, list(inputs), parameters]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def find(run_dir: pathlib.Path, stage: str) -> Record | None:
    """The finished artifact of a stage in a run folder, None where there is none.

    Raises:
      UserError: It is damaged: a file is missing or has changed since it was made.
    """
    folder = run_dir / stage
    try:
        record = run_folder.read_artifact(run_dir, stage)
        if record is None:
            return None
        digests = record.pop("files")
        artifact = Record(folder=folder, **record)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, f"{folder / ARTIFACT} cannot be read") from error
    for name, digest in digests.items():
        path = pathlib.Path(os.path.normpath(folder / name))
        if not path.is_file():
            raise _damaged(folder, f"{path} is missing")
        if _digest(path) != digest:
            raise _damaged(folder, f"{path} has changed since it was made")
    return artifact


def _damaged(folder: pathlib.Path, what: str) -> UserError:
    return UserError(
        f"The artifact {folder} is damaged: {what}. Delete the folder {folder} and give "
        "the same command again; the stage is then made anew."
    )


def _digest(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def produce(
    run_dir: pathlib.Path,
    stage: str,
    digest: str,
    parameters: dict,
    *,
    inputs: dict | None = None,
    pictures_fingerprint: str | None = None,
    environment: dict | None = None,
) -> Iterator[tuple[pathlib.Path, dict]]:
    """Makes an artifact: yields a work folder and a dict to fill with its info.

    The work folder `.partial-<stage>-<fingerprint>` stays where the body fails, so that
    the same stage goes on in it; work of another fingerprint is never touched. Leaving
    the body, the files get their digests, `artifact.json` is written, the folder
    replaces an older artifact of the stage, and its folder `unfinished` goes. Files in
    the run folder's `info["version_dirs"]`, if there are any, belong to it too.
    """
    work = run_folder.at_work(run_dir, stage, digest)
    is_resumed, start = work.exists(), time.monotonic()
    work.mkdir(parents=True, exist_ok=True)
    info = {}
    yield work, info
    published = [run_dir / name for name in info.get("version_dirs", ())]
    digests = {
        os.path.relpath(path, work): _digest(path)
        for folder in [work, *published]
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_relative_to(work / UNFINISHED)
    }
    digests.pop(ARTIFACT, None)  # Of a run that was killed before the last rename.
    record = {
        "fingerprint": digest,
        "parameters": parameters,
        "info": info,
        "inputs": inputs or {},
        "pictures_fingerprint": pictures_fingerprint,
        "seconds": None if is_resumed else time.monotonic() - start,
        "environment": environment,
        "files": digests,
    }
    (work / ARTIFACT).write_text(
        json.dumps(record, indent=2, default=str) + "\n", encoding="utf-8"
    )
    files.sync_all(work)
    final = run_dir / stage
    old = _older(final)
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    work.rename(final)
    files.sync(run_dir)
    # Last, so that a run killed on the way here need not train again.
    _clear(final)


def sweep(run_dir: pathlib.Path) -> None:
    """Ends the clearing of finished stages that a kill cut short.

    To be called by who holds the run folder, see `locks`.
    """
    for stage in run_folder.STAGES:
        if (run_dir / stage / ARTIFACT).exists():
            _clear(run_dir / stage)


def _clear(final: pathlib.Path) -> None:
    """Removes what a finished stage no longer needs."""
    for folder in (final / UNFINISHED, _older(final)):
        shutil.rmtree(folder, ignore_errors=True)


def _older(final: pathlib.Path) -> pathlib.Path:
    """Where the artifact lies that a new one is about to replace."""
    return final.with_name(f".old-{final.name}")
