"""The trainings of the experiment on trivial solutions."""

import itertools
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
LAMBDAS = (0.0, 2.0, 10.0, 100.0)  # Of Eq. 12, beside an adversarial loss of weight 1.
PARTS = ("wirings", "ablation", "corollary", "lambda")
DATA = ("scenes", "clevr6")
_SEGMENTER_STEPS = 300  # An earlier demo's, as in gin/ablation/lambda.gin.


class Case(NamedTuple):
    """One training; `change` is 'field=value' of the generator, '' for none.

    In the part 'lambda' it is a segmenter's training, and `change` says its lambda; all
    share one generator, of one run folder.
    """

    part: str
    data: str
    model: str
    beta: float
    seed: int
    change: str = ""

    @property
    def name(self) -> str:
        """Of the folder of its result."""
        beta = "" if self.part == "lambda" else f"-beta{self.beta:g}"
        end = f"-{self.change}" if self.change else ""
        return f"{self.data}/{self.model}{beta}-seed{self.seed}{end}"

    @property
    def run_name(self) -> str:
        """Of its run folder."""
        return self.name.removesuffix(f"-{self.change}" * (self.part == "lambda"))

    @property
    def gin_file(self) -> str:
        """The file of its wiring."""
        if self.part == "lambda":
            return "gin/ablation/lambda.gin"
        folder = "ablation" if self.model in ROWS else "trivial"
        return f"gin/{folder}/{self.model}.gin"

    def params(self, steps: int) -> list[str]:
        """Its bindings beyond that file."""
        bindings = [f"STEPS={steps}", f"SEED={self.seed}", f"BETA={self.beta}"]
        shortest = steps
        if self.part == "lambda":
            shortest = min(steps, _SEGMENTER_STEPS)
            bindings += [f"SEGMENTER_STEPS={shortest}", self.change]
        elif self.change:
            bindings.append(f"generator.{self.change}")
        if shortest < 200:  # The monitor's window.
            bindings += [
                f"monitor.window={shortest}",
                f"monitor.every={min(shortest, 20)}",
            ]
        if self.data != "scenes":
            bindings.append(f"prepare.source=@{self.data}()")
        return bindings


def cases(
    seeds: Sequence[int], parts: Sequence[str], data: Sequence[str]
) -> list[Case]:
    """All trainings, those first that the most of the page needs."""
    wanted = []
    for name in data:
        for seed in seeds if name == "scenes" else seeds[:1]:
            wanted += [
                Case("wirings", name, model, beta, seed)
                for beta, model in itertools.product(BETAS, MODELS)
            ]
            wanted += [Case("ablation", name, model, 0.1, seed) for model in ROWS]
    if "scenes" in data:
        wanted += [
            Case("corollary", "scenes", "comgan", 0.1, seeds[0], f"{field}={value}")
            for field, values in SWEEPS.items()
            for value in values
            if value != DEFAULTS[field]  # That one is among the wirings.
        ]
        wanted += [
            Case("lambda", "scenes", "segmenter", 1.0, seeds[0], change)
            for change in map("LAMBDA={}".format, LAMBDAS)
        ]
    return [case for case in wanted if case.part in parts]
