"""Section 3.1 and Table 2 as an experiment: ComGAN, its rivals, its parts.

  python -m pipelines.trivial --out=docs/experiments/trivial --manual_dir=FOLDER

Trains stage one of every model at 32 px, on painted scenes over all seeds and on CLEVR6
(which needs --manual_dir, see tfcomgan/data/clevr6.py) with the first, and writes Fig. 2,
Fig. 4, Table 2 and Corollary 1 as PNG and CSV, with a page that says what was found.
Finished runs are kept in --run_dir and not made again; a stopped one goes on from its
last checkpoint. The page is written anew after each run, and says what is missing.

Exit codes: 0 done, 1 a defect, 2 something to put right (the message says what), 130
interrupted.
"""

import pathlib
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from absl import flags

# TensorFlow and gin are imported where they are used: --help must not wait.
from tfcomgan import command_line
from tfcomgan.errors import UserError, explain

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
_PARTS = ("wirings", "ablation", "corollary")
_DATA = ("scenes", "clevr6")

_OUT = flags.DEFINE_string("out", "docs/experiments/trivial", "Folder of the page.")
_RUN_DIR = flags.DEFINE_string("run_dir", "runs/trivial", "Folder of the runs.")
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the prepared data sets.")
_MANUAL_DIR = flags.DEFINE_string("manual_dir", None, "Folder with CLEVR6.")
_STEPS = flags.DEFINE_integer("steps", 1000, "Of each training.", lower_bound=1)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds; CLEVR6 takes the first.")
_ONLY = flags.DEFINE_list("only", list(_PARTS), f"Parts of {','.join(_PARTS)}.")
_SETS = flags.DEFINE_list("data", list(_DATA), f"Data sets of {','.join(_DATA)}.")
_OVERLAY = flags.DEFINE_multi_string("overlay", [], "Gin files to follow each model's.")
_GIN_PARAM = flags.DEFINE_multi_string("gin_param", [], "Bindings for all runs.")


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


def _check(arguments: Sequence[str]) -> None:
    if arguments:
        raise UserError(f"Unexpected argument {arguments[0]!r}. See --help.")
    for flag, known in ((_ONLY, _PARTS), (_SETS, _DATA)):
        for word in flag.value or [""]:
            if word not in known:
                raise UserError(
                    f"--{flag.name} has no {word!r}. Choose of {', '.join(known)}."
                )
    if not _SEEDS.value or not all(seed.isdigit() for seed in _SEEDS.value):
        raise UserError(f"--seeds must be whole numbers. Received: {_SEEDS.value}.")
    if "clevr6" in _SETS.value and not _MANUAL_DIR.value:
        raise UserError("CLEVR6 needs --manual_dir. Give it, or --data=scenes.")


def _main(arguments: Sequence[str]) -> None:
    del arguments
    from pipelines import trivial_page

    seeds = [int(seed) for seed in _SEEDS.value]
    wanted = cases(seeds, _ONLY.value, _SETS.value)
    out = pathlib.Path(_OUT.value)
    done = {}
    for number, (case, result) in enumerate(_results(wanted), start=1):
        done[case] = result
        trivial_page.write(out, wanted, done, _STEPS.value)
        print(f"{number}/{len(wanted)} {case.name}", flush=True)
    print(f"\nLook:     {out / 'README.md'}")


def _results(wanted: Sequence[Case]) -> Iterator[tuple[Case, dict]]:
    """Each case with its result: those there are at once, then the others, made now."""
    from pipelines import trivial_run

    runs = pathlib.Path(_RUN_DIR.value)
    missing = []
    for case in wanted:
        _configure(case)
        found = trivial_run.finished(runs / case.name)
        if found is None:
            missing.append(case)
        else:
            yield case, found
    for case in missing:
        _configure(case)
        start = time.monotonic()
        result = trivial_run.make(
            runs / case.name,
            gin_file=case.gin_file,
            data_dir=pathlib.Path(_DATA_DIR.value),
            manual_dir=pathlib.Path(_MANUAL_DIR.value) if _MANUAL_DIR.value else None,
        )
        print(f"{time.monotonic() - start:.0f} s", end=" ")
        yield case, result


def _configure(case: Case) -> None:
    from tfcomgan import config

    files = [case.gin_file, *_OVERLAY.value]
    config.parse(files, [*case.params(_STEPS.value), *_GIN_PARAM.value])


def run() -> None:
    """The command."""
    command_line.run(
        _main,
        doc=__doc__,
        flag="seeds",
        check=_check,
        explain=explain,
        interrupted="interrupted; the same command goes on from the last checkpoint",
    )


if __name__ == "__main__":
    run()
