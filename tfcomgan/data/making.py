"""Makes data sets with TFDS: in this process, or as an Apache Beam pipeline.

Both write the same examples in the same order: TFDS sorts by a hash of the keys. As a
pipeline the reading of pictures is spread over Beam's workers, which must see the data
folder and the pictures under the same paths, and have this package installed.
"""

import contextlib
import importlib.util
import json
import logging
import pathlib
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import tensorflow_datasets as tfds
import tqdm
from google.protobuf import json_format

from tfcomgan.data import parallel
from tfcomgan.errors import UserError
from tfcomgan.system import files, locks

_UNFINISHED = "incomplete."  # Begins the names of folders that TFDS writes in.


# A file beside the examples that is cut off or altered.
_DAMAGE = (json_format.ParseError, json.JSONDecodeError, UnicodeDecodeError)


def damaged(name: str, folder: str, problem: str) -> UserError:
    """What to say of a prepared data set that cannot be read."""
    return UserError(
        f"The prepared data of `{name}` are damaged ({problem}). Delete the folder "
        f"{folder} and give the same command again; it prepares them anew."
    )


class Found:
    """To be inherited before a TFDS builder: names the folder where what it finds is damaged."""

    def __init__(self, **kwargs):
        try:
            super().__init__(**kwargs)
            _ = self.info.metadata  # Else read when somebody asks for it.
        except _DAMAGE as error:
            problem = f"{type(error).__name__} beside the examples"
            raise damaged(self.name, self.data_dir, problem) from error


class Spread(Found):
    """To be inherited before a TFDS builder: threads or Beam make its examples.

    What is given to `each` and `chain` must be such that it can be pickled.

    Attributes:
      is_beam: Beam makes them; set by `make`.
    """

    is_beam = False

    def each(self, read: Callable, items: Iterable, *, pixels: Callable | None = None):
        """read(item), a (key, example), of every item; for `_split_generators`.

        Where threads read, `pixels` is as in `parallel.in_parallel`.
        """
        if self.is_beam:
            return _beam().Create(list(items)) | _beam().Map(read)
        return parallel.in_parallel(read, items, pixels=pixels)

    def chain(self, read_all: Callable, items: Iterable):
        """The same where read_all(item) gives several: one worker an item."""
        if self.is_beam:
            return _beam().Create(list(items)) | _beam().FlatMap(read_all)
        return (pair for item in items for pair in read_all(item))


class Source:
    """The settings of a data set, which find or make it; to be inherited."""

    def builder(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None
    ) -> tfds.core.DatasetBuilder:
        """What finds the data set under `data_dir`, or can make it there.

        Raises:
          UserError: It is not there, and what it would be made from is not good.
        """
        raise NotImplementedError  # Each data set has its own.

    def prepare(
        self,
        data_dir: pathlib.Path,
        manual_dir: pathlib.Path | None = None,
        *,
        beam: Sequence[str] | None = None,
    ) -> tfds.core.DatasetBuilder:
        """Finds the data set under `data_dir`, or makes it there; returns its builder.

        Args:
          data_dir: Folder of prepared data sets.
          manual_dir: Folder of files fetched by hand, or of the user's own.
          beam: See `make`.

        Raises:
          UserError: It has to be made and cannot be, for the reason told.
        """
        return make(self.builder(data_dir, manual_dir), beam=beam)

    def adapt(self, example: dict) -> dict:
        """A builder's example with our keys: `image`, `file_name`, perhaps `mask`, ..."""
        return example


def about(name: str) -> pathlib.Path:
    """Where README, tags and citations of a data set lie, for a builder's `pkg_dir_path`."""
    return pathlib.Path(__file__).parent / "about" / name


class PictureBuilder(Spread, tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """What our own builders share; they make their examples by `each` or `chain`.

    Attributes:
      HOMEPAGE: Of the data set, where it has one.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}
    HOMEPAGE: str | None = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.pkg_dir_path = about(cls.name)

    def _generate_examples(self):
        raise NotImplementedError  # TFDS wants it; `_split_generators` has them.

    def _log_download_bytes(self):
        """Says nothing: TFDS would speak of a download, and there is none."""

    _log_download_done = _log_download_bytes

    def _describe(
        self, *, has_masks: bool, size: int | None = None, **more
    ) -> tfds.core.DatasetInfo:
        """For `_info`: pictures [size, size, 3], their file names, masks, `more` features."""

        def image(channels):
            shape = (size, size, channels)
            return tfds.features.Image(shape=shape, encoding_format="png")

        features = {"image": image(3), "file_name": tfds.features.Text(), **more}
        return self.dataset_info_from_configs(
            homepage=self.HOMEPAGE,
            features=tfds.features.FeaturesDict(
                features | ({"mask": image(1)} if has_masks else {})
            ),
            metadata=tfds.core.MetadataDict(),
        )


def make(
    builder: tfds.core.DatasetBuilder,
    *,
    beam: Sequence[str] | None = None,
    download_dir: pathlib.Path | None = None,
    manual_dir: pathlib.Path | None = None,
) -> tfds.core.DatasetBuilder:
    """Writes a data set into its builder's folder unless it is there; returns the builder.

    Args:
      builder: Of the data set.
      beam: Options of an Apache Beam pipeline, as in ("runner=FlinkRunner",
        "flink_master=host:8081"); without a runner it runs in this process. None for
        no pipeline.
      download_dir: TFDS's folder of downloads.
      manual_dir: Where TFDS looks for files fetched by hand.

    Raises:
      UserError: Beam is missing, its options are wrong, or the builder cannot use it.
    """
    folder = pathlib.Path(builder.data_dir)
    if is_made(builder):
        return builder

    def tell(line):
        tqdm.tqdm.write(line, file=sys.stderr)

    with locks.hold(folder.parent, "--data_dir", wait=tell):
        if is_made(builder):  # Meanwhile, by who was waited for.
            builder.info.read_from_directory(folder)
        else:
            for torn in folder.parent.glob(f"{_UNFINISHED}*"):  # Of a killed process.
                shutil.rmtree(torn, ignore_errors=True)
            with _synced():
                _make(builder, beam, download_dir, manual_dir)
            files.sync(folder.parent)
    return builder


def is_made(builder: tfds.core.DatasetBuilder) -> bool:
    """Whether a data set is there, also in a folder whose name TFDS takes for a pattern."""
    return (pathlib.Path(builder.data_dir) / "dataset_info.json").is_file()


@contextlib.contextmanager
def _synced() -> Iterator[None]:
    """Has TFDS wait for the disk before it gives a data set's folder its name.

    What it writes last into the folder is the data set's info.
    """
    write = tfds.core.DatasetInfo.write_to_directory

    def write_and_wait(info, folder, *args, **kwargs):
        write(info, folder, *args, **kwargs)
        files.sync_all(folder)

    tfds.core.DatasetInfo.write_to_directory = write_and_wait
    try:
        yield
    finally:
        tfds.core.DatasetInfo.write_to_directory = write


def _make(builder, beam, download_dir, manual_dir) -> None:
    tfds.disable_progress_bar()
    config = tfds.download.DownloadConfig(
        manual_dir=manual_dir and str(manual_dir), try_download_gcs=False
    )
    is_beam = beam is not None
    if is_beam:
        _check_beam(builder)
        config.beam_options, config.beam_runner = _pipeline(beam)
        builder.is_beam = True
        # It prints tracebacks of what is raised anyway.
        logging.getLogger("apache_beam.runners.common").setLevel(logging.CRITICAL)
    try:
        builder.download_and_prepare(
            download_dir=download_dir and str(download_dir), download_config=config
        )
    except Exception as error:
        if is_beam and (text := _from_worker(error)):
            raise UserError(text) from error
        raise


def _beam():
    import apache_beam  # Optional, and slow to import.

    return apache_beam


def _check_beam(builder) -> None:
    if importlib.util.find_spec("apache_beam") is None:
        raise UserError(
            "--beam needs Apache Beam, which is not installed. Install it: "
            "pip install 'apache-beam>=2.77,<3'; for Dataflow: 'apache-beam[gcp]>=2.77,<3'."
        )
    if not isinstance(builder, Spread):
        raise UserError(
            f"--beam cannot make `{builder.name}`: TFDS copies it out of its archives, one "
            "file after the other. Leave --beam out."
        )


def _pipeline(options: Sequence[str]):
    """Beam's options and runner, or a UserError."""
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from apache_beam.runners.runner import create_runner

    parsed = PipelineOptions([f"--{option.lstrip('-')}" for option in options])
    name = parsed.view_as(StandardOptions).runner
    is_direct = name in (None, "direct", "DirectRunner")
    known = parsed.get_all_options()
    unknown = parsed.get_all_options(retain_unknown_options=True).keys() - known
    if is_direct and unknown:  # Other runners may know more than Python does.
        raise UserError(
            f"--beam_options has unknown ones: {', '.join(sorted(unknown))}."
        )
    try:
        # Beam's "DirectRunner" would first fetch Prism, a program in Go.
        return parsed, FnApiRunner() if is_direct else create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise UserError(f"--beam_options has a wrong runner: {error}") from error


def _from_worker(error: Exception) -> str:
    """The text of a UserError that a worker raised, less what Beam adds; or empty."""
    text = str(error)
    if not isinstance(error, UserError):  # Another process: it comes as a traceback.
        raised = r"^tfcomgan\.\S*(?:UserError|BadPicture): (.*)"
        match = re.search(raised, text, re.MULTILINE | re.DOTALL)
        text = match[1] if match else ""
    return re.split(r" \[while running|\n\nDuring handling", text)[0]
