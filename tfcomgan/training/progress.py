"""What a stage shows while it works: a bar of 80 columns, or lines where no terminal is."""

import contextlib
import itertools
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence

import keras
from tqdm import tqdm

COLUMNS = 80
# Of losses and monitors, short enough for the bar.
_SHORT = {
    "d_adversarial": "D",
    "g_adversarial": "G",
    "s_adversarial": "S",
    "consistency": "L1",
    "cross_entropy": "CE",
    "mask_area": "area",
    "real_mask_area": "area",
    "mask_entropy": "grey",
}
_BAR = "{desc} |{bar}| {n_fmt}/{total_fmt} {remaining} left{postfix}"
_LINE = "{desc}: {n_fmt}/{total_fmt} {unit}s, {remaining} left{postfix}"
_PARTS = "{desc} |{bar}| {n_fmt}/{total_fmt}{postfix}"
_PART = "{desc}: {n_fmt}/{total_fmt}{postfix}"


class Progress(keras.callbacks.Callback):
    """A training's bar: losses and remaining time.

    The first step compiles the graph and takes as long as hundreds of others; it is
    named, and not counted in the remaining time. `first_step` is the number of steps
    done before `fit`.
    """

    def __init__(self, stage: str, *, steps: int, shown: Sequence[str]):
        super().__init__()
        self.first_step = 0
        self._stage, self._steps, self._shown = stage, steps, shown
        self._bar, self._is_compiling = None, True

    def on_train_begin(self, logs=None):
        self._bar = _bar(
            self._stage.removeprefix("train_"),
            total=self._steps,
            initial=self.first_step,
            unit="step",
            formats=(_BAR, _LINE),
            said="compiling the first step",
        )

    def on_train_batch_end(self, batch, logs=None):
        done = min(self.first_step + batch + 1, self._steps)
        if self._is_compiling:
            self._is_compiling = False
            self._bar.initial = self._bar.n = self._bar.last_print_n = done
            self._bar.unpause()
        shown = [f"{_SHORT.get(k, k)} {logs[k]:.2f}" for k in self._shown if k in logs]
        self._bar.set_postfix_str(" ".join(shown), refresh=False)
        self._bar.update(done - self._bar.n)

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        """Ends the bar's line, also where the training has broken off."""
        if self._bar is not None:
            self._bar.close()


@contextlib.contextmanager
def parts(title: str, count: int) -> Iterator[Callable[[str], None]]:
    """A bar over `count` parts of a job; calling what is yielded begins the next one."""
    bar = _bar(
        title, total=count, initial=0, unit="part", formats=(_PARTS, _PART), said=""
    )

    begun = itertools.count()

    def begin(part: str) -> None:
        bar.set_postfix_str(part, refresh=False)
        if next(begun):  # The one before is done.
            bar.update()
        bar.refresh()

    try:
        yield begin
        bar.set_postfix_str("done", refresh=False)
        bar.update()
    finally:
        bar.close()


def _bar(title, *, total, initial, unit, formats, said) -> tqdm:
    is_terminal = sys.stderr.isatty()
    return tqdm(
        total=total,
        initial=initial,
        desc=title,
        unit=unit,
        file=sys.stderr if is_terminal else _Lines(),
        mininterval=0.5 if is_terminal else 20,
        miniters=1,
        ncols=min(COLUMNS, shutil.get_terminal_size().columns) if is_terminal else None,
        bar_format=formats[not is_terminal],
        postfix=said or None,
        position=0,
    )


class _Lines:
    """Writes each redrawn bar as a line of its own, for logs."""

    def __init__(self):
        self._last = None

    def write(self, text):
        text = text.strip("\r\n ")
        if text and text != self._last:
            self._last = text
            print(text, file=sys.stderr, flush=True)

    def flush(self):
        sys.stderr.flush()
