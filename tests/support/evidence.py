"""How much of the exhaustive families runs: a sample in `make test`, all of it in `make prove`."""

from __future__ import annotations

import os
from typing import Final

#: Set by `make prove`: whatever is sampled in `make test` runs whole.
FULL: Final = os.environ.get("EVIDENCE") == "full"
