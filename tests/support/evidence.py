"""How much of the exhaustive families runs: a sample in `make test`, all of it in `make prove`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from typing import Final, TypeVar

Item = TypeVar("Item")

#: Set by `make prove`: whatever is sampled in `make test` runs whole.
FULL: Final = os.environ.get("EVIDENCE") == "full"


def sample(items: Iterable[Item], *, every: int) -> list[Item]:
    """Return each `every`-th item, from the first one; all of them where the evidence is full."""
    return list(islice(items, 0, None, 1 if FULL else every))
