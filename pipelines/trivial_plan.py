"""The trainings of the experiment on trivial solutions."""

from collections.abc import Sequence
from typing import NamedTuple

BETAS = (0.0, 0.1, 1.0)
MODELS = ("comgan", "pi1", "pi2")
ROWS = ("simplegan", "subnetworks", "info", "global")  # Of Table 2.
# Corollary 1; what the model has without being told is the value in the middle or first.
SWEEPS = {
    "mask_residuals": (0, 2, 4),
    "layer_residuals": (1, 3, 6),
    "width": (4, 8, 16),
}
DEFAULTS = {"mask_residuals": 0, "layer_residuals": 3, "width": 8}
PARTS = ("wirings", "ablation", "corollary")
DATA = ("scenes", "clevr6")


class Case(NamedTuple):
    """One training; `change` is 'field=value' of the generator, '' for none."""

    part: str
    data: str
    model: str
    beta: float
    seed: int
    change: str = ""

    @property
    def name(self) -> str:
        """Of its folder."""
        end = f"-{self.change}" if self.change else ""
        return f"{self.data}/{self.model}-beta{self.beta:g}-seed{self.seed}{end}"

    @property
    def gin_file(self) -> str:
        """The file of its wiring."""
        folder = "ablation" if self.model in ROWS else "trivial"
        return f"gin/{folder}/{self.model}.gin"

    def params(self, steps: int) -> list[str]:
        """Its bindings beyond that file."""
        found = [f"STEPS={steps}", f"SEED={self.seed}", f"BETA={self.beta}"]
        found += [f"monitor.window={steps}"] * (steps < 200)
        found += [f"monitor.every={min(steps, 20)}"] * (steps < 200)
        if self.data != "scenes":
            found.append(f"prepare.source=@{self.data}()")
        return found + ([f"generator.{self.change}"] if self.change else [])


def cases(
    seeds: Sequence[int], parts: Sequence[str], data: Sequence[str]
) -> list[Case]:
    """All trainings, those first that the most of the page needs."""
    found = []
    for name in data:
        for seed in seeds if name == "scenes" else seeds[:1]:
            found += [
                Case("wirings", name, model, beta, seed)
                for beta in BETAS
                for model in MODELS
            ]
            found += [Case("ablation", name, model, 0.1, seed) for model in ROWS]
    if "scenes" in data:
        found += [
            Case("corollary", "scenes", "comgan", 0.1, seeds[0], f"{field}={value}")
            for field, values in SWEEPS.items()
            for value in values
            if value != DEFAULTS[field]  # That one is among the wirings.
        ]
    return [case for case in found if case.part in parts]
