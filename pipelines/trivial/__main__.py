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
from tfcomgan.errors import UserError


def _check(arguments: Sequence[str]) -> None:
    from pipelines.trivial import side_by_side

    given = flags.FLAGS
    if arguments:
        raise UserError(f"Unexpected argument {arguments[0]!r}. See --help.")
    for flag, known in (("only", PARTS), ("data", DATA)):
        for word in given[flag].value or [""]:
            if word not in known:
                raise UserError(
                    f"--{flag} has no {word!r}. Choose of {', '.join(known)}."
                )
    if not given.seeds or not all(seed.isdigit() for seed in given.seeds):
        raise UserError(f"--seeds must be whole numbers. Received: {given.seeds}.")
    if "clevr6" in given.data and not given.manual_dir:
        raise UserError("CLEVR6 needs --manual_dir. Give it, or --data=scenes.")
    side_by_side.check_jobs(given.jobs)


def _main(arguments: Sequence[str]) -> None:
    del arguments
    from pipelines.trivial import page
    from pipelines.trivial.side_by_side import Trainings

    given = flags.FLAGS
    trainings = Trainings(
        runs=pathlib.Path(given.run_dir),
        data_dir=pathlib.Path(given.data_dir),
        manual_dir=pathlib.Path(given.manual_dir) if given.manual_dir else None,
        steps=given.steps,
        overlays=tuple(given.overlay),
        params=tuple(given.gin_param),
    )
    out = pathlib.Path(given.out)
    wanted = cases([int(seed) for seed in given.seeds], given.only, given.data)
    done = {case: trainings.finished(case) for case in wanted}
    missing = [case for case, result in done.items() if result is None]
    done = {case: result for case, result in done.items() if result is not None}
    if done:
        page.write(out, wanted, done, given.steps)
        print(f"{len(done)}/{len(wanted)} found in {trainings.runs}", flush=True)
    for case, result in trainings.make(missing, given.jobs):
        done[case] = result
        page.write(out, wanted, done, given.steps)
        print(f"{len(done)}/{len(wanted)} {case.name}", flush=True)
    print(f"\nLook:     {out / 'README.md'}")


def run() -> None:
    """The command."""
    flags.DEFINE_string("out", "docs/experiments/trivial", "Folder of the page.")
    flags.DEFINE_string("run_dir", "runs/trivial", "Folder of the runs.")
    flags.DEFINE_string("data_dir", "data", "Folder of the prepared data sets.")
    flags.DEFINE_string("manual_dir", None, "Folder with CLEVR6.")
    flags.DEFINE_integer("steps", 2000, "Of each training.", lower_bound=1)
    flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds; CLEVR6 takes the first.")
    flags.DEFINE_list("only", list(PARTS), f"Parts of {','.join(PARTS)}.")
    flags.DEFINE_list("data", list(DATA), f"Data sets of {','.join(DATA)}.")
    flags.DEFINE_integer("jobs", 1, "Trainings side by side.", lower_bound=1)
    flags.DEFINE_multi_string("overlay", [], "Gin files to follow each model's.")
    flags.DEFINE_multi_string("gin_param", [], "Bindings for all runs.")
    command_line.run(
        _main,
        _check,
        interrupted="interrupted; the same command goes on from the last checkpoint",
    )


if __name__ == "__main__":
    run()
