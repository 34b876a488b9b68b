"""Settings as a stage has them, for tests of what is said of wrong ones."""

from collections.abc import Callable
from typing import Annotated, Literal

from tfcomgan import config
from tfcomgan.config.field_types import POSITIVE, at_least, within


@config.settings("toy.net")
class Net:
    width: int
    rate: float = 0.5
    crop: Literal["center", "box"] | None = "center"
    sizes: tuple[int, ...] = (1,)
    pair: tuple[int, str] = (1, "a")
    is_wide: bool = False
    title: str = "net"
    factory: Callable | None = None
    depth: Annotated[int, POSITIVE] | None = None
    share: Annotated[float, within("[0, 0.5)", "Half is none.")] = 0.0
    shares: tuple[Annotated[float, at_least(0)], ...] = ()
    count: Annotated[int, at_least(4)] = 4
    seed: Annotated[int, within("[0, 2^32)")] = 0

    def __post_init__(self):
        if self.width < 0:
            raise ValueError("`width` must not be negative.")

    def area(self) -> int:
        return self.width**2


@config.settings("toy.pair")
class Pair:
    left: int
    right: int


@config.configurable("toy_make")
def make(toy_depth: int = 1) -> int:
    return toy_depth
