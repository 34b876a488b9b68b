"""Exports under older TensorFlow, as the newest released TensorFlow Serving is older.

The interpreter of an environment with such a TensorFlow is named by TFCOMGAN_TENSORFLOW_2_20
and so on; without it the test makes one by pip, and is skipped where pip cannot.
"""

import json
import os
import pathlib
import subprocess
import sys

import exports
import numpy as np
import pytest
import tensorflow as tf
from picture_bytes import encode

VERSIONS = ("2.20", "2.19")

# Runs every signature on the inputs in a file; writes what they answer.
OTHER = (
    exports.ALONE
    + """
import json, pathlib
import numpy as np
import tensorflow as tf

folder, out = map(pathlib.Path, sys.argv[1:])
answers = {}
for model in sorted(folder.glob("*/1")):
    name = model.parent.name
    for signature, run in tf.saved_model.load(str(model)).signatures.items():
        given = np.load(folder / f"{name}-{signature}.npz", allow_pickle=False)
        inputs = {
            k: tf.constant(v.tolist() if v.dtype.kind == "S" else v)
            for k, v in given.items()
        }
        for key, value in run(**inputs).items():
            answers[f"{name} {signature} {key}"] = value.numpy()
texts = {k: v for k, v in answers.items() if v.dtype.kind not in "fiub"}
np.savez(out / "answers.npz", **{k: v for k, v in answers.items() if k not in texts})
texts = {k: [t.hex() for t in np.ravel(v)] for k, v in texts.items()}
(out / "texts.json").write_text(json.dumps(texts | {"version": tf.__version__}))
"""
)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> pathlib.Path:
    """The served models, and inputs for each signature beside them."""
    run_dir = tmp_path_factory.mktemp("run")
    folder = exports.make_generator(run_dir).parents[1]
    exports.make_segmenter(run_dir)
    rng = np.random.default_rng(0)
    for model in sorted(folder.glob("*/1")):
        for name, signature in tf.saved_model.load(str(model)).signatures.items():
            specs = signature.structured_input_signature[1]
            inputs = {key: _input(spec, rng) for key, spec in specs.items()}
            np.savez(folder / f"{model.parent.name}-{name}.npz", **inputs)
    return folder


def _input(spec: tf.TensorSpec, rng) -> np.ndarray:
    """Two examples that fit a signature."""
    if spec.dtype == tf.string:
        photo = rng.integers(0, 256, [40, 50, 3], np.uint8)
        return np.array([encode(photo, "PNG"), encode(photo, "JPEG")])
    shape = [2, *(side or exports.SIZE for side in spec.shape[1:])]
    if spec.dtype.is_floating:
        return rng.uniform(0, 1, shape).astype(spec.dtype.as_numpy_dtype)
    return rng.integers(0, exports.CODES, shape).astype(spec.dtype.as_numpy_dtype)


def _python(version: str, folder: pathlib.Path) -> str:
    """Of an environment with this TensorFlow."""
    known = os.environ.get(f"TFCOMGAN_TENSORFLOW_{version.replace('.', '_')}")
    if known:
        return known
    python = str(folder / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = (python, "-m", "pip", "install", "--quiet", f"tensorflow-cpu=={version}.*")
    if subprocess.run(pip, capture_output=True).returncode:
        pytest.skip(f"pip finds no TensorFlow {version} for this Python")
    return python


def _answers(python: str, models: pathlib.Path, out: pathlib.Path):
    out.mkdir()
    command = [python, "-I", "-c", OTHER, str(models), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    with np.load(out / "answers.npz") as file:
        return dict(file), json.loads((out / "texts.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_each_signature_answers_the_same_under_older_tensorflow(
    version, models, tmp_path
):
    python = _python(version, tmp_path / "environment")
    here, texts = _answers(sys.executable, models, tmp_path / "here")
    there, other_texts = _answers(python, models, tmp_path / "there")
    assert other_texts.pop("version").startswith(f"{version}.")
    assert texts.pop("version") == tf.__version__
    assert here.keys() == there.keys() and texts.keys() == other_texts.keys()
    assert len(here) + len(texts) >= 8
    for name, value in here.items():
        np.testing.assert_allclose(there[name], value, atol=1e-5, err_msg=name)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
