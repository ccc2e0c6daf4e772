"""How large real circuits are when packed: QASMBench (github.com/pnnl/QASMBench), 232 circuits.

Every eighth of them by size, as zlib level 6 packs it: a mean over these is one over all, near
enough.
"""

from __future__ import annotations

from typing import Final

PACKED_BYTES: Final = (
    131,
    148,
    174,
    206,
    234,
    268,
    320,
    342,
    368,
    404,
    467,
    524,
    605,
    720,
    858,
    1014,
    1173,
    1392,
    1574,
    2012,
    2329,
    2754,
    3089,
    3877,
    4751,
    8055,
    16_015,
    33_379,
    124_721,
)
