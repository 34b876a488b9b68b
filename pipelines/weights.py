"""Weights of networks in an artifact: a file of arrays by name, checked when read."""

import io
import pathlib
import zipfile
import zlib

import keras
import numpy as np

from tfcomgan.errors import UserError

# What NumPy and its zip reader raise of files that are cut off, changed, or no archive.
_DAMAGE = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error)


def save(network: keras.Model, path: pathlib.Path) -> None:
    """Writes a network's variables by their paths in it, as 'trunk/first/kernel'.

    Not as Keras' HDF5: where the disk is full, that library can end the process by a
    segmentation fault.
    """
    content = io.BytesIO()
    np.savez(content, **{name: v.numpy() for name, v in _named(network).items()})
    path.write_bytes(content.getvalue())


def load(network: keras.Model, path: pathlib.Path) -> None:
    """Fills a built network from a file; leaves it as it is where that fails.

    Raises:
      UserError: The file is damaged, or is of another network.
    """
    variables = _named(network)
    try:
        with np.load(path) as file:
            stored = {name: file[name] for name in file.files}
    except _DAMAGE as error:
        text = str(error)[:200] or type(error).__name__
        raise _unusable(path, f"cannot be read ({text})") from error
    if "arr_0" in stored:  # Of runs from before names were kept: in their order.
        numbered = [f"arr_{i}" for i in range(len(variables))]
        variables = dict(zip(numbered, variables.values(), strict=True))
    shapes = {name: value.shape for name, value in stored.items()}
    expected = {name: tuple(v.shape) for name, v in variables.items()}
    for name in sorted(shapes.keys() | expected.keys()):
        if shapes.get(name) != expected.get(name):
            raise _unusable(
                path,
                f"does not fit {type(network).__name__}: `{name}` should be "
                f"{_said(expected.get(name))}, and is {_said(shapes.get(name))}",
            )
    for name, variable in variables.items():
        variable.assign(stored[name])


def _named(network: keras.Model) -> dict[str, keras.Variable]:
    """The variables of a network by their paths from it on."""
    return {v.path.removeprefix(f"{network.path}/"): v for v in network.variables}


def _said(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else f"of shape {shape}"


def _unusable(path: pathlib.Path, what: str) -> UserError:
    return UserError(
        f"The weights {path} cannot be used: the file {what}. Delete the folder "
        f"{path.parent} and give the same command again; the stage is then made anew."
    )
