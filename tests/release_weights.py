"""The authors' PyTorch parameters by name, and the reference computed with them.

Every parameter is drawn from its name, so that no weights need to be shipped. As a
program, cuts the full reference down to the probe that the tests carry:

    PYTHONPATH=. python tests/release_weights.py release_reference.npz release_parameters.json \
        tests/testdata/parity_probe.npz
"""

import dataclasses
import json
import pathlib
import sys
import zlib
from collections.abc import Iterator

import keras
import numpy as np

from tfcomgan.networks import layers

PROBE = pathlib.Path(__file__).parent / "testdata" / "parity_probe.npz"
PROBE_VALUES = 64  # Of each array.
INPUTS = ("z", "f", "b", "real", "seed")

# Heads that the release defines and never calls: a code head on the real/fake critics,
# a real/fake head on the code predictors. (Network, prefix of the names.)
UNUSED = (
    ("image_discriminator", "code_logits."),
    ("mask_discriminator", "code_logits."),
    ("foreground_discriminator", "rf_logits."),
    ("background_discriminator", "rf_logits."),
)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One PyTorch parameter or buffer, and the variable of ours that holds it."""

    name: str
    variable: keras.Variable
    transpose: tuple[int, ...]  # Of the PyTorch array, to our layout.

    @property
    def shape(self) -> tuple[int, ...]:
        """In PyTorch layout."""
        order = np.argsort(self.transpose)
        return tuple(self.variable.shape[i] for i in order)

    def value(self, seed: int, network: str) -> np.ndarray:
        """float32 in our layout, by the fill rule of the reference."""
        key = f"{network}.{self.name}"
        rng = np.random.default_rng([seed, zlib.crc32(key.encode())])
        n, kind = rng.standard_normal(self.shape), self.name.split(".")[-1]
        if kind == "running_var":
            n = 1.0 + 0.2 * np.abs(n)
        elif kind in ("running_mean", "bias"):
            n *= 0.1
        elif n.ndim == 1:
            n = 1.0 + 0.1 * n
        else:
            n *= np.sqrt(2.0 / np.prod(self.shape[1:]))
        return n.astype(np.float32).transpose(self.transpose)


def entries(network: str, net: keras.Model) -> list[Entry]:
    """The parameters of one network under the release's names."""
    found = []
    for prefix, layer in _LAYERS[network](net):
        if isinstance(layer, layers.BatchNorm):
            vectors = {
                "weight": layer.gamma,
                "bias": layer.beta,
                "running_mean": layer.moving_mean,
                "running_var": layer.moving_variance,
            }
        else:
            # [out, in] to [in, out], OIHW to HWIO.
            order = (1, 0) if isinstance(layer, keras.layers.Dense) else (2, 3, 1, 0)
            found.append(Entry(f"{prefix}.weight", layer.kernel, order))
            bias = getattr(layer, "bias", None)
            vectors = {} if bias is None else {"bias": bias}
        found += [Entry(f"{prefix}.{key}", v, (0,)) for key, v in vectors.items()]
    return found


def fill(network: str, net: keras.Model, seed: int) -> None:
    """Assigns every variable of the network by the fill rule."""
    for entry in entries(network, net):
        entry.variable.assign(entry.value(seed, network))


def is_unused(network: str, name: str) -> bool:
    """Whether the release defines this parameter without ever using it."""
    return any(network == n and name.startswith(prefix) for n, prefix in UNUSED)


# Below: (prefix of the PyTorch names, our layer that has a kernel or is a BatchNorm).
# Activations, upsampling and pooling take a number in the release's Sequential too.
Layers = Iterator[tuple[str, keras.layers.Layer]]


def _numbered(prefix: str, block, first: int = 0) -> Layers:
    """A convolution and its BatchNorm at places `first` and `first` + 1."""
    yield f"{prefix}.{first}", block.conv
    yield f"{prefix}.{first + 1}", block.norm


def _features(net) -> Layers:
    yield "parent_stage.fc.0", net.dense
    yield "parent_stage.fc.1", net.norm
    for i, block in enumerate(net.blocks, start=1):
        yield from _numbered(f"parent_stage.upsample{i}", block, 1)


def _subnetwork(stage: str, image: str, net, leave: str) -> Layers:
    yield from _numbered(f"{stage}.jointConv", net.enter)
    for i, residual in enumerate(net.residuals):
        prefix = f"{stage}.residual.{i}.block"
        yield from _numbered(prefix, residual.same)
        yield from _numbered(prefix, residual, 3)
    yield from _numbered(f"{stage}.{leave}", net.leave)
    yield f"{image}.img.0", net.head


def _image_layers(net, leave: str) -> Layers:
    yield from _subnetwork("colour_stage", "colour_image", net.foreground, leave)
    yield from _subnetwork(
        "colour_stag_inverse", "colour_image_inverse", net.background, leave
    )


def _generator(net) -> Layers:
    yield from _features(net.features)
    yield "parent_image.img.0", net.global_head
    # Named after the channels that go in; a1 has 64, a2 has 32.
    yield from _numbered("up64", net.shared.up_a1, 1)
    yield from _numbered("up32", net.shared.up_a2, 1)
    yield from _subnetwork("second_stage", "second_mask", net.mask, "downsample_1")
    yield from _image_layers(net, "downsample_1")


def _comgan_generator(net) -> Layers:
    yield from _features(net.features)
    yield from _subnetwork("first_stage", "first_mask", net.mask, "samesample")
    yield from _image_layers(net, "samesample")


def _trunk(prefix: str, net) -> Layers:
    yield f"{prefix}.0", net.first
    for i, stage in enumerate([*net.stages, net.last]):
        yield from _numbered(prefix, stage, 3 * i + 2)


def _critic(net) -> Layers:
    yield from _trunk("encode_mask", net.trunk)
    yield "rf_logits.0", net.head


def _code_predictor(net) -> Layers:
    yield from _trunk("encode_img", net.trunk)
    yield from _numbered("code_logits", net.joint)
    yield "code_logits.3", net.head


def _double_conv(prefix: str, net) -> Layers:
    yield from _numbered(f"{prefix}.conv", net.first)
    yield from _numbered(f"{prefix}.conv", net.second, 3)


def _segmenter(net) -> Layers:
    for i, level in enumerate(net.down, start=1):
        yield from _double_conv(f"Conv{i}", level)
    for i, (up, merge) in enumerate(zip(net.up, net.merge, strict=True)):
        level = len(net.down) - i
        yield from _numbered(f"Up{level}.up", up, 1)
        yield from _double_conv(f"Up_conv{level}", merge)
    yield "Conv", net.head


_LAYERS = {
    "generator": _generator,
    "comgan_generator": _comgan_generator,
    "image_discriminator": _critic,
    "mask_discriminator": _critic,
    "foreground_discriminator": _code_predictor,
    "background_discriminator": _code_predictor,
    "segmenter": _segmenter,
}
NETWORKS = tuple(_LAYERS)


@dataclasses.dataclass(frozen=True)
class Reference:
    """What the release computes: whole arrays, or `PROBE_VALUES` of each of them.

    Attributes:
      inputs: The arrays `INPUTS`.
      arrays: By name, 'eval/...' or 'train/...'.
      is_probe: Whether large arrays are cut down to `sample` of them.
    """

    inputs: dict[str, np.ndarray]
    arrays: dict[str, np.ndarray]
    is_probe: bool

    @property
    def seed(self) -> int:
        return int(self.inputs["seed"])

    def cut(self, name: str, computed: np.ndarray) -> np.ndarray:
        """What is to be compared with `arrays[name]`."""
        computed = np.asarray(computed)
        return sample(name, computed, self.seed) if self.is_probe else computed


def load(path: str | pathlib.Path) -> Reference:
    """Reads a full reference or a probe."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    is_probe = "real_knots" in arrays
    if is_probe:
        del arrays["release_parameters"]
        arrays["real"] = _enlarge(arrays.pop("real_knots"), arrays.pop("image_size"))
    inputs = {name: arrays.pop(name) for name in INPUTS}
    return Reference(inputs, arrays, is_probe)


def release_parameters() -> tuple[dict[str, dict[str, list[int]]], int]:
    """Shapes of all PyTorch parameters by network and name, and N there."""
    with np.load(PROBE) as file:
        return json.loads(str(file["release_parameters"])), file["f"].shape[1]


def sample(name: str, array: np.ndarray, seed: int) -> np.ndarray:
    """Values at places drawn from the array's name; small arrays whole."""
    if array.size <= PROBE_VALUES:
        return array
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    places = rng.choice(array.size, PROBE_VALUES, replace=False)
    return array.reshape(-1)[np.sort(places)]


# The pictures in `real` are small grids of colours, bilinearly enlarged and clipped: the
# grid gives them back to rounding, in 3 KB instead of 290.
_GRID = 8


def _interpolation(size: int) -> np.ndarray:
    """[size, _GRID]: bilinear weights of pixel centres, constant outside the knots."""
    place = (np.arange(size) + 0.5) * _GRID / size - 0.5
    return np.stack([np.interp(place, np.arange(_GRID), e) for e in np.eye(_GRID)], 1)


def _enlarge(knots: np.ndarray, size: int) -> np.ndarray:
    w = _interpolation(int(size))
    pictures = np.einsum("yi,xj,bijc->byxc", w, w, knots)
    return np.clip(pictures, -1.0, 1.0).astype(np.float32)


def _knots(pictures: np.ndarray) -> np.ndarray:
    """The grids [batch, _GRID, _GRID, 3] of the pictures, by least squares."""
    size, w = pictures.shape[1], _interpolation(pictures.shape[1])
    w = np.kron(w, w)
    planes = pictures.transpose(0, 3, 1, 2).reshape([-1, size * size])
    fits = [np.abs(p) < 1.0 for p in planes]  # Clipped pixels tell nothing.
    knots = [
        np.linalg.lstsq(w[fit], plane[fit].astype(np.float64), rcond=None)[0]
        for plane, fit in zip(planes, fits, strict=True)
    ]
    knots = np.reshape(knots, [-1, 3, _GRID, _GRID]).transpose(0, 2, 3, 1)
    error = np.abs(_enlarge(knots, size) - pictures).max()
    if error > 1e-6:
        raise ValueError(
            f"`real` must be {_GRID}x{_GRID} colours, bilinearly enlarged, to fit into a "
            f"probe. It differs from such a picture by up to {error:.1e}."
        )
    return knots


def make_probe(reference_path: str, parameters_path: str, probe_path: str) -> None:
    """Writes the probe of a full reference."""
    reference = load(reference_path)
    arrays = {
        name: sample(name, array, reference.seed)
        for name, array in reference.arrays.items()
    }
    real = reference.inputs["real"]
    inputs = reference.inputs | {"real_knots": _knots(real), "image_size": len(real[0])}
    del inputs["real"]
    parameters = json.loads(pathlib.Path(parameters_path).read_text())
    np.savez_compressed(
        probe_path, **inputs, **arrays, release_parameters=json.dumps(parameters)
    )


if __name__ == "__main__":
    make_probe(*sys.argv[1:])
