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

from absl import flags

# TensorFlow and gin are imported where they are used: --help must not wait.
from pipelines.trivial_plan import DATA, PARTS, Case, cases
from tfcomgan import command_line
from tfcomgan.errors import UserError, explain

_OUT = flags.DEFINE_string("out", "docs/experiments/trivial", "Folder of the page.")
_RUN_DIR = flags.DEFINE_string("run_dir", "runs/trivial", "Folder of the runs.")
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the prepared data sets.")
_MANUAL_DIR = flags.DEFINE_string("manual_dir", None, "Folder with CLEVR6.")
_STEPS = flags.DEFINE_integer("steps", 1000, "Of each training.", lower_bound=1)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds; CLEVR6 takes the first.")
_ONLY = flags.DEFINE_list("only", list(PARTS), f"Parts of {','.join(PARTS)}.")
_SETS = flags.DEFINE_list("data", list(DATA), f"Data sets of {','.join(DATA)}.")
_OVERLAY = flags.DEFINE_multi_string("overlay", [], "Gin files to follow each model's.")
_GIN_PARAM = flags.DEFINE_multi_string("gin_param", [], "Bindings for all runs.")


def _check(arguments: Sequence[str]) -> None:
    if arguments:
        raise UserError(f"Unexpected argument {arguments[0]!r}. See --help.")
    for flag, known in ((_ONLY, PARTS), (_SETS, DATA)):
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
