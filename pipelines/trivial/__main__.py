"""Section 3.1 and Table 2 as an experiment: ComGAN, its rivals, its parts.

  python -m pipelines.trivial --out=docs/experiments/trivial --manual_dir=FOLDER --jobs=2

Trains stage one of every model at 32 px, on painted scenes over all seeds and on CLEVR6
(which needs --manual_dir, see tfcomgan/data/clevr6.py) with the first, and segmenters over
lambda; writes Fig. 2, Fig. 4, Table 2, Corollary 1 and lambda's sheet as PNG and CSV, with a
page that says what was found. Finished runs are kept in --run_dir and not made again; a
stopped one goes on from its last checkpoint. The page is written anew after each run, and
says what is missing.

Exit codes: 0 done, 1 a defect, 2 something to put right (the message says what), 130
interrupted.
"""

import pathlib
from collections.abc import Sequence

from absl import flags

# TensorFlow and gin are imported where they are used: --help must not wait.
from pipelines.trivial.plan import DATA, PARTS, cases
from tfcomgan import command_line
from tfcomgan.errors import UserError, explain

_OUT = flags.DEFINE_string("out", "docs/experiments/trivial", "Folder of the page.")
_RUN_DIR = flags.DEFINE_string("run_dir", "runs/trivial", "Folder of the runs.")
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the prepared data sets.")
_MANUAL_DIR = flags.DEFINE_string("manual_dir", None, "Folder with CLEVR6.")
_STEPS = flags.DEFINE_integer("steps", 2000, "Of each training.", lower_bound=1)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds; CLEVR6 takes the first.")
_ONLY = flags.DEFINE_list("only", list(PARTS), f"Parts of {','.join(PARTS)}.")
_SETS = flags.DEFINE_list("data", list(DATA), f"Data sets of {','.join(DATA)}.")
_JOBS = flags.DEFINE_integer("jobs", 1, "Trainings side by side.", lower_bound=1)
_OVERLAY = flags.DEFINE_multi_string("overlay", [], "Gin files to follow each model's.")
_GIN_PARAM = flags.DEFINE_multi_string("gin_param", [], "Bindings for all runs.")


def _check(arguments: Sequence[str]) -> None:
    from pipelines.trivial import work

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
    work.check_jobs(_JOBS.value)


def _main(arguments: Sequence[str]) -> None:
    del arguments
    from pipelines.trivial import page
    from pipelines.trivial.work import Work

    work = Work(
        runs=pathlib.Path(_RUN_DIR.value),
        data_dir=pathlib.Path(_DATA_DIR.value),
        manual_dir=pathlib.Path(_MANUAL_DIR.value) if _MANUAL_DIR.value else None,
        steps=_STEPS.value,
        overlays=tuple(_OVERLAY.value),
        params=tuple(_GIN_PARAM.value),
    )
    out = pathlib.Path(_OUT.value)
    wanted = cases([int(seed) for seed in _SEEDS.value], _ONLY.value, _SETS.value)
    done = {case: work.finished(case) for case in wanted}
    missing = [case for case, result in done.items() if result is None]
    done = {case: result for case, result in done.items() if result is not None}
    if done:
        page.write(out, wanted, done, _STEPS.value)
        print(f"{len(done)}/{len(wanted)} found in {work.runs}", flush=True)
    for case, result in work.make(missing, _JOBS.value):
        done[case] = result
        page.write(out, wanted, done, _STEPS.value)
        print(f"{len(done)}/{len(wanted)} {case.name}", flush=True)
    print(f"\nLook:     {out / 'README.md'}")


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
