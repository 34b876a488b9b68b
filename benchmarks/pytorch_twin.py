"""The train step of stage one in PyTorch, as its users write it; for `pytorch_step` alone.

Does what `ComGAN.train_step` does where its settings ask for no guards and no augmentation,
in the same order; but for the readings of `models.mask_monitors`, which PyTorch is spared.
"""

import copy
from typing import Literal

import numpy as np
import torch
from torch.nn import functional as F

from benchmarks import pytorch_networks as networks
from tfcomgan.latents import Latents
from tfcomgan.models import comgan, update
from tfcomgan.networks import discriminators, generators

Way = Literal["eager", "channels_last", "compile"]


class Twin:
    """Networks and optimizers of DS-ComGAN, and their train step.

    Args:
      generator, critics, settings, adam, batch_size: As of `comgan.ComGAN`.
      way: 'eager'; 'channels_last', eager with weights and images in that memory format;
        or 'compile', each network by `torch.compile`.
      bfloat16: Run the networks under autocast.
    """

    def __init__(
        self,
        *,
        generator: generators.GeneratorSettings,
        critics: discriminators.CriticSettings,
        settings: comgan.ComGANSettings,
        adam: update.AdamSettings,
        batch_size: int,
        way: Way = "eager",
        bfloat16: bool = False,
    ):
        self._sizes, self._settings = generator, settings
        self._batch_size, self._bfloat16 = batch_size, bfloat16
        size, num_codes = generator.image_size, generator.num_codes
        self.generator = networks.Generator(generator)
        self.critic = networks.Critic(size, critics)
        self.predictors = [
            networks.CodePredictor(size, critics, num_codes) for _ in range(2)
        ]
        trained = [self.generator, self.critic, *self.predictors]
        is_last = way == "channels_last"
        self._format = torch.channels_last if is_last else torch.contiguous_format
        for net in trained:
            net.to(memory_format=self._format)
        self.generator_ema = copy.deepcopy(self.generator).requires_grad_(False)
        if way == "compile":
            for net in trained:
                net.compile()
        self.g_optimizer, self.d_optimizer = (
            torch.optim.Adam(
                [p for net in nets for p in net.parameters()],
                lr=adam.learning_rate,
                betas=(adam.beta_1, adam.beta_2),
                eps=adam.epsilon,
                fused=True,
            )
            for nets in ([self.generator, *self.predictors], [self.critic])
        )

    def load(self, model: comgan.ComGAN) -> None:
        """Takes the weights of our model, not the state of its optimizers."""
        networks.load(self.generator, model.generator)
        networks.load(self.generator_ema, model.generator_ema)
        networks.load(self.critic, model.critic)
        for net, ours in zip(self.predictors, model.predictors, strict=True):
            networks.load(net, ours)

    def sample(self) -> Latents:
        """Latents of a batch from PyTorch's own generator of numbers."""
        sizes, settings = self._sizes, self._settings
        z = settings.z_std * torch.randn(self._batch_size, sizes.z_dim)
        f, b = (
            F.one_hot(codes, sizes.num_codes).float()
            for codes in torch.randint(sizes.num_codes, (2, self._batch_size))
        )
        return Latents(z, f, f if settings.tie_codes else b)

    def images(self, nhwc: np.ndarray) -> torch.Tensor:
        """Pictures [B,S,S,3] as [B,3,S,S], in the memory format of the networks."""
        nchw = torch.tensor(nhwc).permute(0, 3, 1, 2)
        return nchw.contiguous(memory_format=self._format)

    def train_step(
        self, images: torch.Tensor, latents: Latents, step: int
    ) -> dict[str, torch.Tensor]:
        """Both updates and the average's; the unweighted losses by our names."""
        with self._precision():
            scene = self.generator(*latents)
        detached = scene._replace(
            composite=scene.composite.detach(), global_image=scene.global_image.detach()
        )
        d_loss = self._discriminator_loss(images, detached)
        self.d_optimizer.zero_grad()
        d_loss.backward()
        self.d_optimizer.step()
        # Or its weights would get gradients that nobody uses.
        self.critic.requires_grad_(False)
        terms = self._generator_losses(scene, latents)
        self.g_optimizer.zero_grad()
        self._weighted(terms).backward()
        self.g_optimizer.step()
        self.critic.requires_grad_(True)
        self._average(step)
        return {"d_adversarial": d_loss} | terms

    def _precision(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16)

    def _logits(self, scene):
        with self._precision():
            return [self.critic(scene.composite), self.critic(scene.global_image)]

    def _discriminator_loss(self, images, scene):
        with self._precision():
            real = self.critic(images)
        cross_entropy = F.binary_cross_entropy_with_logits
        loss = self._settings.real_weight * cross_entropy(real, torch.ones_like(real))
        for fake in self._logits(scene):
            loss = loss + cross_entropy(fake, torch.zeros_like(fake))
        return loss

    def _generator_losses(self, scene, latents):
        terms = {
            "g_adversarial": sum(
                F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
                for fake in self._logits(scene)
            )
        }
        of_foreground, of_background = self.predictors
        with self._precision():
            f_logits = of_foreground(scene.foreground)
            b_logits = of_background(scene.background)
        terms["info_foreground"] = F.cross_entropy(f_logits, latents.f)
        terms["info_background"] = F.cross_entropy(b_logits, latents.b)
        m = scene.mask.clamp(1e-6, 1 - 1e-6)
        bits = -m * torch.log2(m) - (1 - m) * torch.log2(1 - m)
        terms["mask_entropy"] = bits.mean()
        if self._settings.area_weight:
            area, margin = scene.mask.mean(dim=(1, 2, 3)), self._settings.area_margin
            terms["area"] = (F.relu(margin - area) + F.relu(area - 1 + margin)).mean()
        return terms

    def _weighted(self, terms):
        settings = self._settings
        total = terms["g_adversarial"]
        total = total + settings.info_weight * terms["info_foreground"]
        total = total + settings.info_weight * terms["info_background"]
        total = total + settings.binary_weight * terms["mask_entropy"]
        if settings.area_weight:
            total = total + settings.area_weight * terms["area"]
        return total

    @torch.no_grad()
    def _average(self, step):
        """Moves the averaged generator, BatchNorm's statistics included."""
        decay = min(self._settings.ema_decay, (1 + step) / (10 + step))
        values = self.generator.state_dict()
        for name, mean in self.generator_ema.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(values[name], 1 - decay)
