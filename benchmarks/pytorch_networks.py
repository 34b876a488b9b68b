"""The networks of DS-ComGAN in PyTorch, as its users write them; for `pytorch_step` alone.

Plain `nn.Module`s on NCHW, with the layers, names and order of `tfcomgan.networks`, so that
`load` can copy the weights. As in the authors' release a code is tiled over the picture and
joined with the features, which `layers.CodeConv` spares.
"""

import re
from typing import NamedTuple

import keras
import torch
from torch import nn
from torch.nn import functional as F

from tfcomgan.networks.discriminators import CriticSettings
from tfcomgan.networks.generators import GeneratorSettings


class Scene(NamedTuple):
    """Images [B,3,S,S] in [-1, 1], mask [B,1,S,S] in [0, 1]."""

    composite: torch.Tensor
    foreground: torch.Tensor
    background: torch.Tensor
    mask: torch.Tensor
    global_image: torch.Tensor


def conv3(inputs: int, outputs: int) -> nn.Conv2d:
    """3x3 convolution that keeps the size, without bias."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


class Same(nn.Module):
    """3x3 convolution, BatchNorm, GLU; with codes, of features joined with a tiled code."""

    def __init__(self, inputs: int, outputs: int, num_codes: int = 0):
        super().__init__()
        self.conv = conv3(num_codes + inputs, 2 * outputs)
        self.norm = nn.BatchNorm2d(2 * outputs)

    def forward(self, x, code=None):
        if code is not None:
            tiled = code[:, :, None, None].expand(-1, -1, *x.shape[2:])
            x = torch.cat([tiled.to(x.dtype), x], dim=1)
        return F.glu(self.norm(self.conv(x)), dim=1)


class Residual(nn.Module):
    """Same, 3x3 convolution, BatchNorm, plus the input."""

    def __init__(self, channels: int):
        super().__init__()
        self.same = Same(channels, channels)
        self.conv = conv3(channels, channels)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        return x + self.norm(self.conv(self.same(x)))


class FeatureGenerator(nn.Module):
    """z to its last three activation maps, the smallest first."""

    def __init__(self, z_dim: int, image_size: int, width: int):
        super().__init__()
        self.channels = channels = width * image_size // 4
        self.dense = nn.Linear(z_dim, 2 * 16 * channels, bias=False)
        self.norm = nn.BatchNorm1d(2 * 16 * channels)
        self.blocks = nn.ModuleList()
        while channels > width:
            self.blocks.append(Same(channels, channels // 2))
            channels //= 2

    def forward(self, z):
        x = F.glu(self.norm(self.dense(z)), dim=1)
        maps = [x.view(-1, self.channels, 4, 4)]
        for block in self.blocks:
            maps.append(block(F.interpolate(maps[-1], scale_factor=2)))
        return maps[-3:]


class SharedFeatures(nn.Module):
    """Eq. 5: the three maps at full size, side by side."""

    def __init__(self, width: int, upsampling: str):
        super().__init__()
        learned = upsampling == "learned"
        self.channels = (4 if learned else 7) * width
        self.up_a2 = Same(2 * width, width) if learned else nn.Identity()
        self.up_a1 = Same(4 * width, 2 * width) if learned else nn.Identity()

    def forward(self, a1, a2, a3):
        u2 = self.up_a2(F.interpolate(a2, scale_factor=2))
        u1 = self.up_a1(F.interpolate(a1, scale_factor=4))
        return torch.cat([u2, u1, a3], dim=1)


class Subnetwork(nn.Module):
    """M, F or B: shared features, and a code, to logits of a mask or an image."""

    def __init__(
        self,
        inputs: int,
        hidden: int,
        *,
        tail: int,
        residuals: int,
        outputs: int,
        num_codes: int = 0,
    ):
        super().__init__()
        self.enter = Same(inputs, hidden, num_codes)
        self.residuals = nn.ModuleList(Residual(hidden) for _ in range(residuals))
        self.leave = Same(hidden, tail)
        self.head = conv3(tail, outputs)

    def forward(self, features, code=None):
        x = self.enter(features, code)
        for residual in self.residuals:
            x = residual(x)
        return self.head(self.leave(x))


class Generator(nn.Module):
    """DS-ComGAN with heads at full size and the paper's numbers of residual blocks.

    z [B,z_dim], f and b [B,num_codes] to a float32 `Scene`.
    """

    def __init__(self, settings: GeneratorSettings):
        super().__init__()
        width = settings.width
        hidden = settings.hidden_width or 8 * width
        self.features = FeatureGenerator(settings.z_dim, settings.image_size, width)
        self.global_head = conv3(width, 3)
        self.shared = SharedFeatures(width, settings.shared_upsampling)
        inputs, codes = self.shared.channels, settings.num_codes
        layer = dict(tail=width, residuals=2, outputs=3, num_codes=codes)
        self.mask = Subnetwork(inputs, hidden, tail=width, residuals=1, outputs=1)
        self.foreground = Subnetwork(inputs, hidden, **layer)
        self.background = Subnetwork(inputs, hidden, **layer)

    def forward(self, z, f, b):
        maps = self.features(z)
        features = self.shared(*maps)
        foreground = torch.tanh(self.foreground(features, f).float())
        background = torch.tanh(self.background(features, b).float())
        mask = torch.sigmoid(self.mask(features).float())
        composite = foreground * mask + background * (1 - mask)
        global_image = torch.tanh(self.global_head(maps[-1]).float())
        return Scene(composite, foreground, background, mask, global_image)


class ConvNormLeaky(nn.Module):
    """Convolution without bias, BatchNorm, LeakyReLU 0.2."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.leaky_relu(self.norm(self.conv(x)), 0.2)


class Trunk(nn.Module):
    """Image to features [B,c,4,4]: strided 4x4 convolutions, then one 3x3."""

    def __init__(self, image_size: int, width: int):
        super().__init__()
        stages = image_size.bit_length() - 3
        widths = [width * min(2**i, 8) for i in range(stages)]
        self.channels = widths[-1]
        self.first = nn.Conv2d(3, width, 4, 2, padding=1, bias=False)
        self.stages = nn.ModuleList(
            ConvNormLeaky(inputs, outputs, 4, 2)
            for inputs, outputs in zip(widths, widths[1:], strict=False)
        )
        self.last = ConvNormLeaky(self.channels, self.channels, 3)

    def forward(self, images):
        x = F.leaky_relu(self.first(images), 0.2)
        for stage in self.stages:
            x = stage(x)
        return self.last(x)


class Critic(nn.Module):
    """D_z: images [B,3,S,S] in [-1, 1] to float32 logits [B,1]."""

    def __init__(self, image_size: int, settings: CriticSettings):
        super().__init__()
        self.trunk = Trunk(image_size, settings.width)
        self.head = nn.Conv2d(self.trunk.channels, 1, 4)

    def forward(self, images):
        return self.head(self.trunk(images)).flatten(1).float()


class CodePredictor(nn.Module):
    """D_f or D_b: images [B,3,S,S] in [-1, 1] to float32 logits [B,num_codes]."""

    def __init__(self, image_size: int, settings: CriticSettings, num_codes: int):
        super().__init__()
        self.trunk = Trunk(image_size, settings.code_width)
        channels = self.trunk.channels
        self.joint = ConvNormLeaky(channels, channels, 3)
        self.head = nn.Conv2d(channels, num_codes, 4)

    def forward(self, images):
        return self.head(self.joint(self.trunk(images))).flatten(1).float()


_NAMES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def load(net: nn.Module, ours: keras.Model) -> None:
    """Copies every variable of one of our networks to the place of the same name.

    Raises:
      ValueError: The two have not the same variables.
    """
    found = dict(renamed(variable) for variable in ours.variables)
    state = net.state_dict()
    counters = {name for name in state if name.endswith("num_batches_tracked")}
    shapes = {name: tuple(value.shape) for name, value in found.items()}
    expected = {name: tuple(state[name].shape) for name in state.keys() - counters}
    if shapes != expected:
        wrong = sorted(set(shapes.items()) ^ set(expected.items()))
        raise ValueError(
            f"`net` and `ours` must have the same variables. Received: {type(net)} and "
            f"{type(ours)}, which differ in {wrong}."
        )
    net.load_state_dict(state | found)


def renamed(variable: keras.Variable) -> tuple[str, torch.Tensor]:
    """'net/stages_0/conv/kernel' [H,W,I,O] as 'stages.0.conv.weight' [O,I,H,W]."""
    *path, name = variable.path.split("/")[1:]
    parts = [re.sub(r"_(\d+)$", r".\1", part) for part in path]
    value = torch.tensor(variable.numpy())
    if name == "kernel":
        value = value.permute(3, 2, 0, 1) if value.ndim == 4 else value.T
    return ".".join([*parts, _NAMES.get(name, name)]), value
