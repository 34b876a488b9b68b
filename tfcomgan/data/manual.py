"""TFDS builders fed from its downloads, or from what was fetched by hand.

TFDS itself takes archives from --manual_dir if their check sums are known to it. Here
an archive may also lie there unpacked.
"""

import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import tensorflow_datasets as tfds

from tfcomgan.data import making
from tfcomgan.errors import UserError

_TIMEOUT = 10  # Seconds until a host counts as out of reach.


class Archive(NamedTuple):
    """A file of an official data set.

    url: Where it comes from.
    holds: The file or folder that stands for it when it lies unpacked in --manual_dir.
    extracted: What TFDS's builder gets as the extracted archive, relative to that folder.
    is_online: Whether `url` still answers.
    """

    url: str
    holds: str
    extracted: str = "."
    is_online: bool = True

    @property
    def name(self) -> str:
        """File name of the archive."""
        return self.url.rsplit("/", 1)[-1].removesuffix("?download=1")

    def find(self, manual_dir: pathlib.Path | None) -> pathlib.Path | None:
        """Where it lies in `manual_dir`, unpacked or not; None if it does not."""
        for name in (self.holds, self.name):
            if manual_dir and (path := pathlib.Path(manual_dir) / name).exists():
                return path
        return None


class FromArchives(making.Found):
    """To be inherited before a TFDS builder: takes unpacked folders for archives.

    Attributes:
      ARCHIVES: what the builder downloads.
      manual_dir: where some of it may lie already.
    """

    ARCHIVES: tuple[Archive, ...] = ()
    manual_dir: pathlib.Path | None = None

    def _split_generators(self, dl_manager):
        return super()._split_generators(Manager(dl_manager, self))


class Manager:
    """TFDS's download manager as far as the builders use it."""

    def __init__(self, dl_manager, builder: FromArchives):
        self._tfds, self._manual_dir = dl_manager, builder.manual_dir
        self._archives = {archive.name: archive for archive in builder.ARCHIVES}

    def download(self, urls):
        return self._each(urls, self._download)

    def download_and_extract(self, urls):
        return self._each(urls, self._download_and_extract)

    def iter_archive(self, path) -> Iterator:
        return _Files(path) if path.is_dir() else self._tfds.iter_archive(path)

    def _each(self, urls, function):
        if isinstance(urls, dict):
            return {key: function(url) for key, url in urls.items()}
        return [function(u) for u in urls] if isinstance(urls, list) else function(urls)

    def _by_hand(self, url: str):
        """(archive, path of its file or folder in manual_dir), or (archive, None)."""
        archive = self._archives[Archive(url, "").name]
        path = archive.find(self._manual_dir)
        is_archive = path is not None and path.name == archive.name != archive.holds
        # TFDS takes those itself, and checks them.
        is_known = is_archive and url in self._tfds._url_infos
        return archive, None if is_known else path

    def _download(self, url: str):
        _, path = self._by_hand(url)
        return path or self._tfds.download(url)

    def _download_and_extract(self, url: str):
        archive, path = self._by_hand(url)
        if path is None:
            return self._tfds.download_and_extract(url)
        if path.name == archive.holds:
            return self._manual_dir / archive.extracted
        return self._tfds.extract(path)


class _Files:
    """The files below a folder, named as in the archive it comes from."""

    def __init__(self, folder: pathlib.Path):
        self._folder = folder

    def __iter__(self):
        for path in sorted(p for p in self._folder.rglob("*") if p.is_file()):
            # Builders hand it on to TFDS, which takes paths where it takes files.
            yield path.relative_to(self._folder.parent).as_posix(), str(path)


def prepare(
    builder: FromArchives,
    data_dir: pathlib.Path,
    manual_dir: pathlib.Path | None,
    *,
    beam: Sequence[str] | None,
) -> tfds.core.DatasetBuilder:
    """Finds a data set under `data_dir`, or makes it there; returns its builder.

    Args:
      builder: Of the data set.
      data_dir: Holds the prepared data set, or gets it.
      manual_dir: May hold some of `builder.ARCHIVES`, which are then not downloaded.
      beam: See `making.make`.

    Raises:
      UserError: It has to be made and cannot be: files are missing, damaged, or not what
        they should be.
    """
    if making.is_made(builder):
        return builder
    # Imported here: they take a while, and only a download needs them.
    import requests
    from tensorflow_datasets.core.download import download_manager, extractor

    builder.manual_dir = manual_dir and pathlib.Path(manual_dir)
    downloads = pathlib.Path(data_dir) / "downloads"
    try:
        _check_reach(builder, downloads, requests)
        return making.make(
            builder, beam=beam, download_dir=downloads, manual_dir=manual_dir
        )
    except (
        tfds.download.DownloadError,
        download_manager.NonMatchingChecksumError,
        extractor.ExtractError,
        requests.RequestException,
        ConnectionError,
    ) as error:
        cause = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        raise UserError(_missing(builder, data_dir, cause)) from error


def _check_reach(builder, downloads: pathlib.Path, requests) -> None:
    """Raises at once what TFDS would raise after minutes of further tries."""
    missing = [a for a in builder.ARCHIVES if not a.find(builder.manual_dir)]
    # TFDS writes an .INFO beside each finished download.
    if len(list((downloads / builder.name).rglob("*.INFO"))) >= len(missing):
        return
    for archive in missing:
        if not archive.is_online:
            raise ConnectionError(f"{archive.name} is no longer offered")
        with requests.get(archive.url, stream=True, timeout=_TIMEOUT) as response:
            response.raise_for_status()


def _missing(builder, data_dir, cause: str) -> str:
    def line(archive):
        is_archive = archive.name != archive.holds
        unpacked = f", or unpacked as {archive.holds}" if is_archive else ""
        return f"  {archive.name}{unpacked}  ({archive.url})\n"

    return (
        f"`{builder.name}` is not in {data_dir} and cannot be made ({cause}).\n"
        "Put these files into a folder and give it as --manual_dir:\n"
        + "".join(map(line, builder.ARCHIVES))
        + "Or give the same command with --stages=prepare on a machine that has them, "
        f"and copy what it makes to {builder.data_dir}."
    )


class Source(making.Source):
    """Settings of a data set whose builder may be `FromArchives`."""

    def prepare(self, data_dir, manual_dir=None, *, beam=None):
        builder = self.builder(data_dir, manual_dir)
        if isinstance(builder, FromArchives):
            return prepare(builder, data_dir, manual_dir, beam=beam)
        return making.make(builder, beam=beam)
