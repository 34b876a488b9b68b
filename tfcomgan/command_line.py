"""What the package's commands share: absl flags, --help, messages and exit codes.

Exit codes: 0 done, 1 a defect (with traceback), 2 something to put right, 130 interrupted
by Ctrl-C, 143 and 129 stopped by SIGTERM and SIGHUP.
"""

import contextlib
import os
import pathlib
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from absl import app, flags, logging

from tfcomgan import errors
from tfcomgan.errors import UserError
from tfcomgan.system import files, locks, marks, quiet, stopping, streams

_VERBOSITY = """
  --verbosity: 0 shows what TensorFlow and other libraries log.
    (an integer)"""


def run(
    main: Callable[[Sequence[str]], None],
    check: Callable[[Sequence[str]], None],
    *,
    explain: Callable[[Exception], str | None] = errors.explain,
    interrupted: str = "interrupted",
    groups: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Runs a command and exits.

    Args:
      main: Takes the arguments that are not flags. What its module says of itself, and
        the flags defined there, are shown by --help.
      check: Raises UserError where flags or arguments do not fit together.
      explain: The message for an error that is the user's to put right, else None.
      interrupted: What to print on Ctrl-C.
      groups: Names of its flags by what they are about, for --help; None is one list.
    """

    def parse(argv):
        """absl's own parser, with exit code 0 for --help and 2 for a wrong flag."""
        if {"--help", "-help", "-h", "--h", "-?"} & set(argv[1:]):
            # absl's --help exits with 1, and from a console script it lists no flags.
            doc = sys.modules[main.__module__].__doc__
            print(f"{doc}\n{_listed(main.__module__, groups)}{_VERBOSITY}")
            sys.exit(0)
        try:
            argv = flags.FLAGS(argv)
            _expand_home()
            check(argv[1:])
        except (flags.Error, UserError) as error:
            print(f"error: {error}\nAll flags: --help", file=sys.stderr)
            sys.exit(2)
        return argv

    def guarded(argv):
        # Read when Keras is imported, which `main` does.
        os.environ["KERAS_BACKEND"] = "tensorflow"
        if not any(flags.FLAGS[name].present for name in ("verbosity", "v")):
            quiet.keep_import_quiet()
            # TFDS and SavedModel tell much that is of no use here.
            logging.set_verbosity(logging.ERROR)
        stopping.listen()
        try:
            main(argv[1:])
        except KeyboardInterrupt:
            print(interrupted, file=sys.stderr)
            return 130
        except stopping.Stopped as stop:
            told = interrupted.replace("interrupted", f"stopped by {stop}", 1)
            print(told, file=sys.stderr)
            return 128 + stop.number
        except stopping.AskedElsewhere:
            told = interrupted.replace("interrupted", "stopped with another host", 1)
            print(told, file=sys.stderr)
            return 143
        except Exception as error:
            text = explain(error)
            if text is None:
                raise
            print(f"error: {text}", file=sys.stderr)
            return 2
        return 0

    streams.make_lasting()
    app.run(guarded, flags_parser=parse)


def _listed(module: str, groups: Mapping[str, Sequence[str]] | None) -> str:
    """The flags of a command's module as --help lists them; groups as of `run`."""
    if groups is None:
        if module == "__main__":
            module = sys.argv[0]  # As absl names it.
        return f"flags:\n{flags.FLAGS.module_help(module)}"
    texts = []
    for title, names in groups.items():
        some = flags.FlagValues()
        for name in names:
            some[name] = flags.FLAGS[name]
        texts.append(f"flags, {title}:\n{some.get_help('  ', False)}")
    return "\n\n".join(texts)


def _expand_home() -> None:
    """Puts the home folder for `~` in flags: a shell does so only where a word begins."""
    for name in flags.FLAGS:
        flag = flags.FLAGS[name]
        values = flag.value if isinstance(flag.value, list) else [flag.value]
        if any(isinstance(value, str) and value.startswith("~") for value in values):
            expanded = [os.path.expanduser(value) for value in values]
            flag.value = expanded if isinstance(flag.value, list) else expanded[0]


def typed(script: str, *arguments: str) -> str:
    """A command as it can be typed in any folder, whatever environment is active.

    Args:
      script: A console script, ours or of another package, as 'tfcomgan-segment'.
      *arguments: They are quoted where a shell asks for it.
    """
    beside = pathlib.Path(sys.executable).with_name(script)
    on_path = shutil.which(script)
    if on_path and pathlib.Path(on_path).absolute() == beside.absolute():
        start = [script]  # The environment is active.
    elif beside.is_file():
        start = [str(beside)]
    else:  # Not installed: the sources, from wherever they lie.
        package, _, command = script.partition("-")
        root = pathlib.Path(__file__).absolute().parents[1]
        module = f"{package}.{command or 'main'}"
        start = ["env", f"PYTHONPATH={root}", sys.executable, "-m", module]
    return shlex.join([*start, *arguments])


def explain(error: Exception) -> str | None:
    """The message of an error that is the user's, or of files, as of a full disk."""
    return str(error) if isinstance(error, UserError | OSError) else None


def make_folder(out: str | os.PathLike, *results: str) -> pathlib.Path:
    """The folder named by --out, made if missing, and marked as one of results.

    Args:
      out: The folder.
      results: What is written there; see `marks.make`.

    Raises:
      UserError: It cannot be made: it is a file, or the disk says no.
    """
    try:
        return marks.make(out, *results)
    except OSError as error:
        raise UserError(f"--out={out} cannot be made a folder: {error}") from error


def refuse_to_overwrite(out: str | os.PathLike, *names: str) -> None:
    """Raises UserError where results of these names would take the place of others' files."""
    if foreign := marks.foreign(out, *names):
        raise UserError(
            f"--out would overwrite {foreign}, which is not of this command. Name another "
            "folder."
        )


@contextlib.contextmanager
def results(out: str | os.PathLike, *names: str) -> Iterator[pathlib.Path]:
    """The folder named by --out, for one process at a time; see `make_folder`.

    Raises:
      UserError: Another process writes there.
    """
    folder = make_folder(out, *names)
    with locks.hold(folder, "--out"):
        files.sweep(folder, [*names, *marks.files_of(names)])
        yield folder
