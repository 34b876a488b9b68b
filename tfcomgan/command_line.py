"""What the package's commands share: absl flags, --help, messages and exit codes.

Exit codes: 0 done, 1 a defect (with traceback), 2 something to put right, 130 interrupted.
"""

import os
import pathlib
import sys
from collections.abc import Callable, Sequence

from absl import app, flags, logging

from tfcomgan import errors, marks
from tfcomgan.errors import UserError


def run(
    main: Callable[[Sequence[str]], None],
    *,
    doc: str,
    flag: str,
    check: Callable[[Sequence[str]], None],
    explain: Callable[[Exception], str | None] = errors.explain,
    interrupted: str = "interrupted",
) -> None:
    """Runs a command and exits.

    Args:
      main: Takes the arguments that are not flags.
      doc: The command's description, shown by --help.
      flag: Any flag of its module, whose flags --help lists.
      check: Raises UserError where flags or arguments do not fit together.
      explain: The message for an error that is the user's to put right, else None.
      interrupted: What to print on Ctrl-C.
    """

    def parse(argv):
        """absl's own parser, with exit code 0 for --help and 2 for a wrong flag."""
        if {"--help", "-help", "-h", "--h", "-?"} & set(argv[1:]):
            # absl's --help exits with 1, and from a console script it lists no flags.
            module = flags.FLAGS.find_module_defining_flag(flag)
            print(f"{doc}\nflags:\n{flags.FLAGS.module_help(module)}")
            sys.exit(0)
        try:
            argv = flags.FLAGS(argv)
            check(argv[1:])
        except (flags.Error, UserError) as error:
            print(f"error: {error}\nAll flags: --help", file=sys.stderr)
            sys.exit(2)
        return argv

    def guarded(argv):
        # Read when TensorFlow is imported, which `main` does.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        os.environ["KERAS_BACKEND"] = "tensorflow"
        # TFDS and SavedModel tell much that is of no use here.
        logging.set_verbosity(logging.ERROR)
        try:
            main(argv[1:])
        except KeyboardInterrupt:
            print(interrupted, file=sys.stderr)
            return 130
        except Exception as error:
            text = explain(error)
            if text is None:
                raise
            print(f"error: {text}", file=sys.stderr)
            return 2
        return 0

    app.run(guarded, flags_parser=parse)


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
