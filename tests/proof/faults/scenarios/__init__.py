"""What the service does, one operation per scenario: its calls are found by running it.

`prepare` brings the world to where the operation starts, without faults.
"""

from __future__ import annotations

from typing import Final

from tests.proof.faults.scenarios.clients import (
    batches_of_submissions,
    cancellations,
    readings,
    submissions,
    waits,
)
from tests.proof.faults.scenarios.sweeper import sweeps
from tests.proof.faults.scenarios.unreadable import unreadable_items
from tests.proof.faults.scenarios.worker import batches, deliveries, pieces

SCENARIOS: Final = (
    *submissions(),
    *batches_of_submissions(),
    *readings(),
    *cancellations(),
    *deliveries(),
    *batches(),
    *sweeps(),
    *unreadable_items(),
    *pieces(),
    *waits(),
)
