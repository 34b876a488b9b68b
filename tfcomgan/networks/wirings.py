"""How the paper's generators are wired: ComGAN, its rivals and its parts.

Only the wiring tells them apart (Remark 1, section 4.2, Table 2); blocks, critic and
optimizer are the same.
"""

from typing import Literal, NamedTuple

Architecture = Literal[
    "ds_comgan", "comgan", "pi1", "pi2", "simplegan", "subnetworks", "info"
]


class Wiring(NamedTuple):
    """What the subnetworks of an architecture see, and how large the paper makes them.

    phi: Which feature generator feeds M, F and B; all of them see the same z.
    has_codes: F sees f and B sees b, with the information loss (Eq. 6, 8).
    is_global: They see phi of Eq. 5, and Phi paints x_z of Eq. 7; otherwise a3 alone.
    hidden: Channels inside M, F and B, in widths.
    residuals: Residual blocks of M, and of each of F and B.
    """

    phi: tuple[int, int, int] = (0, 0, 0)
    has_codes: bool = False
    is_global: bool = False
    hidden: int = 2
    residuals: tuple[int, int] = (0, 3)


_DS_COMGAN = Wiring(has_codes=True, is_global=True, hidden=8, residuals=(1, 2))
WIRINGS = {
    "comgan": Wiring(),
    # Remark 1: FineGAN paints the background by a generator of its own (Pi_1),
    # PerturbGAN each of the three (Pi_2).
    "pi1": Wiring(phi=(0, 0, 1)),
    "pi2": Wiring(phi=(0, 1, 2)),
    # Table 2 takes DS-ComGAN apart: row 3, row 2. Row 1, SimpleGAN, has no subnetworks.
    "ds_comgan": _DS_COMGAN,
    "info": _DS_COMGAN._replace(is_global=False),
    "subnetworks": _DS_COMGAN._replace(is_global=False, has_codes=False),
}
